"""Mesh estimators against labels: figures, tables, worst cases, a report.

`pictures` reads what there is to estimate, `measure` compares bodies with labels, `scores` gathers figures
over people, `tables` and `page` write them down, `cases` draws the worst; `evaluate` goes through it all.
"""
