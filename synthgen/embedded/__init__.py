"""The small models that come with the package, and the steps that train them from nothing.

`pictures` caches rendered shards, `loop` trains anything that is a `Lesson`, `receipts` tells what is up to
date; there is one file per step, listed in `steps`. Weights land in `weights/<role>/`.
"""
