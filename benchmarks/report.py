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
    print(f"\n{'=' * WIDTH}")
    print(f"{'benchmark':<15} {'ours':>9} {'unit':<9} {'peers':<41} {'goal met'}")
    for result in results:
        shown = {
            peer: value if isinstance(value, str) else number(value)
            for peer, value in result.peers.items()
        }
        peers = ", ".join(
            f"{peer} {value}" + (f" ({result.ratios[peer]:.1f}x)" if peer in result.ratios else "")
            for peer, value in shown.items()
        )
        met = {True: "yes", False: "NO", None: result.note or "-"}[result.met]
        head = f"{result.name:<15} {number(result.value):>9} {result.unit:<9} {peers:<41} {met}"
        print(head.rstrip())
        print(f"{'':<15} goal: {result.goal}")
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
