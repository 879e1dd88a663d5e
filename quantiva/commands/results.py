"""What became of each strategy in a replay, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from quantiva.commands.output import console

if TYPE_CHECKING:
    from schemas.control import Strategy
    from streams.replay.performance import StrategyResult

_TITLES = ("changes", "return", "holding", "drawdown", "trades", "won")


def report_results(replays: Mapping[str, Sequence[StrategyResult]]) -> None:
    """Print a row for each strategy and replay; the replays' names are a column if there are two.

    Changes of action are per asset and day, all else but the number of trades in percent.
    """
    if not any(replays.values()):
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("strategy")
    if len(replays) > 1:
        table.add_column("replay")
    for title in _TITLES:
        table.add_column(title, justify="right")
    rows = [
        (one.strategy_id, number, name, one)
        for number, (name, results) in enumerate(replays.items())
        for one in results
    ]
    for strategy_id, _, name, one in sorted(rows, key=lambda row: row[:2]):
        cells = [strategy_id, name] if len(replays) > 1 else [strategy_id]
        cells += [
            _number(one.changes_per_day, "/day"),
            _number(one.return_pct, "%", "+"),
            _number(one.holding_pct, "%", "+"),
            _number(one.drawdown_pct, "%"),
            f"{one.trades:,}",
            _number(one.win_rate_pct, "%", digits=0),
        ]
        table.add_row(*cells)
    console.print(table)
    console.print("changes of action are per asset and day; holding is all of its assets, kept")


def report_silent(market: Mapping[str, int], without: Iterable[str]) -> None:
    """Say which engines have nothing to go by in a source."""
    from schemas.topics import evidence_topic
    from streams.topology import scoring_engines

    left_out = frozenset(without)
    for engine in scoring_engines():
        topic = evidence_topic(engine.topic)
        if engine.name not in left_out and not market.get(topic):
            console.print(
                f"there is nothing on {topic}: {engine.name} has no say in any decision",
                markup=False,
            )


def report_unseen(strategies: Iterable[Strategy], results: Iterable[StrategyResult]) -> None:
    """Say which assets of one's own strategies the source does not have."""
    seen = {one.strategy_id: one.assets for one in results}
    for strategy in strategies:
        name = strategy.strategy_id
        unseen = [asset for asset in strategy.assets if asset not in seen.get(name, ())]
        if unseen:
            said = ", ".join(unseen)
            console.print(f"{name}: there were no signals of {said} in this replay", markup=False)


def _number(value: float | None, unit: str, sign: str = "", digits: int = 2) -> str:
    return "-" if value is None else f"{value:{sign},.{digits}f} {unit}"
