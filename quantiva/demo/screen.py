"""What a demo shows while it runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from rich.console import Console

from schemas.signals import RankedSignal, TopSignals

_COLOURS = {"BUY": "green", "SELL": "red", "HOLD": "dim"}
_SHOWN = 4


class Screen:
    """Lines of at most 100 columns: the parts as they start, then each cycle's best signals."""

    def __init__(self, console: Console, strategies: int) -> None:
        self._console = console
        self._strategies = strategies
        self._started = time.monotonic()
        self._tops: dict[int, dict[str, TopSignals]] = {}

    def part(self, name: str, what: str) -> None:
        """Show how far a part of the stack is."""
        self._console.print(f"[dim]{self._elapsed_s():5.1f} s[/dim]  {name:<18} {what}")

    def say(self, text: str) -> None:
        """Show a line."""
        self._console.print(f"[dim]{self._elapsed_s():5.1f} s[/dim]  {text}")

    def top(self, top: TopSignals) -> None:
        """Show a cycle's best signals once every strategy has its ranking.

        A cycle that never gets them all is shown before the next one.
        """
        tops = self._tops.setdefault(top.cycle, {})
        tops[top.strategy_id] = top
        if len(tops) < self._strategies:
            return
        for cycle in sorted(cycle for cycle in self._tops if cycle <= top.cycle):
            self._show(cycle, self._tops.pop(cycle))

    def _show(self, cycle: int, tops: Mapping[str, TopSignals]) -> None:
        when = datetime.fromtimestamp(cycle / 1000, UTC)
        self._console.print()
        self.say(f"[bold]cycle {when:%Y-%m-%d %H:%M} UTC[/bold]")
        for _, top in sorted(tops.items()):
            self._line(top)

    def _line(self, top: TopSignals) -> None:
        best = "  ".join(_cell(one) for one in top.ranked[:_SHOWN])
        missing = "" if top.complete else f" [yellow]{top.received} of {top.expected}[/yellow]"
        self._console.print(f"         {top.strategy_id:<10}{missing} {best}")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started


def _cell(one: RankedSignal) -> str:
    colour = _COLOURS.get(one.action, "")
    return f"[{colour}]{one.asset:>6} {one.action:<4}[/{colour}] {one.final_score:+.2f}"
