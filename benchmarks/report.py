"""A result, its line in the table, and `results.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
WIDTH = 98


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement.

    `value` is None when it could not be measured; `note` then says why. `peers` holds each peer's
    value in the same unit, or the reason why there is none. `met` is None where nothing is to meet.
    """

    name: str
    value: float | None
    unit: str
    goal: str
    met: bool | None
    peers: dict[str, float | str] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def heading(name: str, text: str) -> None:
    """Print the start of a benchmark."""
    print(f"\n{f'-- {name}  {text} ':-<{WIDTH}}", flush=True)


def number(value: float | None) -> str:
    """Return a number in the digits that mean something."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def summary(results: list[Result]) -> None:
    """Print the table of all results."""
    print(f"\n{'=' * WIDTH}\n{'benchmark':<19}{'ours':<24}{'goal':<51}met")
    for result in results:
        ours = f"{number(result.value)} {result.unit}" if result.value is not None else "-"
        met = {True: "yes", False: "NO", None: "-"}[result.met]
        print(f"{result.name:<19}{ours:<24}{result.goal:<51}{met}")
        for peer, value in result.peers.items():
            shown = value if isinstance(value, str) else f"{number(value)} {result.unit}"
            times = f"ours is {result.ratios[peer]:.2f}x" if peer in result.ratios else ""
            print(f"{'':<4}{peer:<15}{shown:<24}{times}".rstrip())
        if result.note:
            print(f"{'':<4}{result.note}"[:WIDTH])
    print("=" * WIDTH, flush=True)


def write(results: list[Result], machine: dict[str, Any], path: Path = RESULTS) -> None:
    """Put these results into the file; those of other benchmarks in it stay."""
    known = json.loads(path.read_text("utf-8"))["results"] if path.exists() else []
    today = datetime.now(tz=UTC).date().isoformat()
    rows = {row["name"]: row for row in known}
    for result in results:
        command = f"make bench ONLY={result.name}"
        rows[result.name] = {**asdict(result), "command": command, "measured_at": today}
    content = {"machine": machine, "measured_at": today, "results": list(rows.values())}
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
