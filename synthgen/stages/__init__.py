"""The steps of the method, one file each: options as a dataclass, and a function from a batch to a batch.

A step answers each item with what follows from it, or with a short, countable reason why nothing does.
Nothing here knows requests, keys, shards or Ray; models come in as backends (`synthgen.backends.protocols`).
"""
