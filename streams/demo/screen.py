"""What a demo shows while it runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from rich.console import Console

from schemas.signals import RankedSignal, TopSignals

_COLOURS = {"BUY": "green", "SELL": "red", "HOLD": "dim"}
_SHOWN = 4


class Screen:
    """Lines of at most 100 columns: the parts as they start, then each cycle's best signals."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._cycle = -1

    def part(self, name: str, what: str) -> None:
        """Say how far a part of the stack is."""
        self._console.print(f"[dim]{self._elapsed_s():5.1f} s[/dim]  {name:<18} {what}")

    def say(self, text: str) -> None:
        """Say anything."""
        self._console.print(f"[dim]{self._elapsed_s():5.1f} s[/dim]  {text}")

    def top(self, top: TopSignals) -> None:
        """Show the best signals of a strategy."""
        if top.cycle != self._cycle:
            self._cycle = top.cycle
            when = datetime.fromtimestamp(top.cycle / 1000, UTC)
            self._console.print()
            self.say(f"[bold]cycle {when:%Y-%m-%d %H:%M} UTC[/bold]")
        best = "  ".join(_cell(one) for one in top.ranked[:_SHOWN])
        missing = "" if top.complete else f" [yellow]{top.received} of {top.expected}[/yellow]"
        self._console.print(f"         {top.strategy_id:<10}{missing} {best}")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started


def _cell(one: RankedSignal) -> str:
    colour = _COLOURS.get(one.action, "")
    return f"[{colour}]{one.asset:>6} {one.action:<4}[/{colour}] {one.final_score:+.2f}"
