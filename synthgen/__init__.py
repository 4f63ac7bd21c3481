"""synthgen: synthetic pictures with exact SMPL labels for human mesh recovery."""

__version__ = "0.1.0"
