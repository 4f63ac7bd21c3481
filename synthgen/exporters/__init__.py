"""Shards written in the formats that other trainers read: one file a format, and the table of them."""
