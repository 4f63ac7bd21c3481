"""The small models that come with the package, and the steps that train them from nothing.

`pictures` caches rendered shards, `loop` trains anything that is a `Lesson`; `synthgen.training.receipts`
tells what is up to date. There is one file per step, listed in `steps`. Weights land in `weights/<role>/`.
"""
