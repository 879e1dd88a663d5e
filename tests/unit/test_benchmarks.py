"""What the README says of speed is what was measured, in one run, against peers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import readme, report
from benchmarks.readme import BEGIN, END, README, table
from benchmarks.report import RESULTS, Goals, Result

MACHINE = {"cores": 2, "cpu": "any", "memory_gib": 8.0, "python": "3.11"}


def test_the_readme_quotes_the_measured_figures() -> None:
    section = README.read_text("utf-8").split(BEGIN)[1].split(END)[0].strip()
    assert section == table(json.loads(RESULTS.read_text("utf-8")))


@pytest.mark.parametrize(
    ("ratios", "met"),
    [
        pytest.param({"Faust": 9.0, "Quix": 1.5}, True, id="both met"),
        pytest.param({"Faust": 9.4}, None, id="one met, the other not measured"),
        pytest.param({"Quix": 1.4}, False, id="one missed, whatever the other is"),
        pytest.param({}, None, id="nothing measured"),
    ],
)
def test_goals_are_ratios_to_peers_of_the_same_run(
    ratios: dict[str, float], met: bool | None
) -> None:
    goals = Goals({"Faust": 9.0, "Quix": 1.5})
    assert str(goals) == ">= 9x Faust, >= 1.5x Quix"
    assert goals.met(ratios) is met


def test_a_whole_run_replaces_the_one_before_in_file_and_readme(tmp_path: Path) -> None:
    results, page = tmp_path / "results.json", tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    report.write([Result("gone", 1.0)], MACHINE, results)
    goals = Goals({"Faust": 9.0, "Quix": 1.5})
    new = [
        Result("stage", 40_000, "events/s", str(goals), None, {"Faust": 4_000, "Quix": "not there"},
               {"Faust": 10.0}),
        Result("latency", 70.0, "ms"),
        Result("kafka", None, note="not measured: no Java"),
    ]  # fmt: skip
    report.write(new, MACHINE, results)
    readme.update(results, page)
    assert page.read_text("utf-8").startswith("before\n")
    assert page.read_text("utf-8").endswith("\nafter\n")
    assert [row for row in page.read_text("utf-8").splitlines() if row.startswith("| `")] == [
        "| `kafka` | not measured: no Java | - | - | - |",
        "| `latency` | 70 ms | - | - | - |",
        "| `stage` | 40,000 events/s | Faust 4,000 (10x), Quix not there "
        "| >= 9x Faust, >= 1.5x Quix | not measured |",
    ]
