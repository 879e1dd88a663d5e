"""What the README says of speed is what was measured."""

from __future__ import annotations

import json

from benchmarks.readme import BEGIN, END, README, table
from benchmarks.report import RESULTS


def test_the_readme_quotes_the_measured_figures() -> None:
    section = README.read_text("utf-8").split(BEGIN)[1].split(END)[0].strip()
    assert section == table(json.loads(RESULTS.read_text("utf-8")))
