"""The report of a run: figures, tables and doubts of each strategy. Pure.

`contents` says what stands in it, `run_data` what it is made of, docs/backtest.md the formulas.
"""

from __future__ import annotations

from streams.backtest.contents import Report
from streams.backtest.run_data import RunData


def make_report(run: RunData) -> Report:
    """Return the report of a run; the same run gives the same report, whatever the order."""
    raise NotImplementedError
