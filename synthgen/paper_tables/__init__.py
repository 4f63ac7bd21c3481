"""The evaluations of papers: their data sets, protocols and figures, ours beside the published ones.

`sets` says what a table is made of, `pictures` reads a data set as it is published or from shards,
`counting` says who counts, `given` what an estimator is given, `bench` measures, `refined` runs ScoreHMR's
three settings, `text` writes it all.
"""
