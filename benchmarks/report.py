"""A result, the ratios that are its goal, its line in the table, and `results.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
WIDTH = 98


class SkippedError(RuntimeError):
    """A benchmark that this machine has no means for; the text names what is missing."""


class SideFailedError(RuntimeError):
    """A side ended without a result or with wrong outputs; the text says which and why."""


class Goals(dict[str, float]):
    """The least ratio of ours to each peer of the same run, by the peer's name.

    Machines differ by a factor of two, so there are no goals in events a second.
    """

    def __str__(self) -> str:
        """Return them as the table shows them."""
        return ", ".join(f">= {least:g}x {peer}" for peer, least in self.items())

    def met(self, ratios: dict[str, float]) -> bool | None:
        """Return whether all are met; None while one was not measured and none is missed."""
        if any(ratios[peer] < least for peer, least in self.items() if peer in ratios):
            return False
        return True if self.keys() <= ratios.keys() else None


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement.

    value   None when it could not be measured; `note` then says why
    goal    "" where there is nothing to compare with in the same run; `met` is None then
    peers   each peer's value in the same unit, or the reason why there is none
    ratios  ours to each peer's, the median of the repetitions
    """

    name: str
    value: float | None
    unit: str = ""
    goal: str = ""
    met: bool | None = None
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
    print(f"\n{'=' * WIDTH}\n{'benchmark':<21}{'ours':<32} met  goal")
    for result in results:
        ours = f"{number(result.value)} {result.unit}" if result.value is not None else "-"
        met = {True: "yes", False: "NO", None: "-"}[result.met]
        print(f"{result.name:<21}{ours:<32} {met:<5}{result.goal}".rstrip())
        for peer, value in result.peers.items():
            shown = value if isinstance(value, str) else f"{number(value)} {result.unit}"
            times = f"ours is {result.ratios[peer]:.2f}x" if peer in result.ratios else ""
            print(f"{'':<4}{peer:<17}{shown:<32} {times}".rstrip())
        if result.note:
            print(f"{'':<4}{result.note}"[:WIDTH])
    print("=" * WIDTH, flush=True)


def write(results: list[Result], machine: dict[str, Any], path: Path = RESULTS) -> None:
    """Write a whole run; what the file held of another one is gone."""
    today = datetime.now(tz=UTC).date().isoformat()
    rows = [{**asdict(one), "command": f"make bench ONLY={one.name}"} for one in results]
    content = {"machine": machine, "measured_at": today, "results": rows}
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
