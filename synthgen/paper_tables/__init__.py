"""The evaluations of papers: their data sets, protocols and figures, ours beside the published ones.

`sets` says what a table is made of, `pictures` reads a data set as it is published or from shards,
`counting` says who counts and what an estimator is given, `refined` runs ScoreHMR's three settings, `text`
writes it all.
"""
