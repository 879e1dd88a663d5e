"""How a signal came about: its scores, and the records of the log behind each score.

`tree` and `checks` are pure, `words` and `screen` put them into text; what reads a database, a
broker or an archive is under `sources`.
"""
