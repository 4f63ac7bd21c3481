"""Checks of everything that a run needs, made before any hour is spent; nothing heavy is loaded for it.

`examination.examine` makes them all. Each check is a function of a `Plan` that returns `Finding`s.
"""
