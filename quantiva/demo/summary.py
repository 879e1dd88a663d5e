"""What a demo comes to: counts and latencies, for people as a table and for programs as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any

from rich.console import Group
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a run.

    events           published events by logical topic
    signals          stored signals by action
    triggers         stored signals by trigger: cycle, change or request
    stored           rows by table
    ranked           signals that a ranking names
    dead_letters     records that could not be used, each counted once
    latency_ms       p50, p95, p99 from the publication of a market event to the stored signal, of
                     events published after the back-fill was applied; 0.0 where there were none
    behind_backfill  stored signals whose event was published before that, not in `latency_ms`
    restarts         worker processes that were started again
    seconds          wall time from the first event to the last stored row
    unknown          what could not be asked at the end and counts as nothing above, with the reason
    """

    events: Mapping[str, int]
    signals: Mapping[str, int]
    triggers: Mapping[str, int]
    stored: Mapping[str, int]
    ranked: int
    dead_letters: int
    latency_ms: Mapping[str, float]
    behind_backfill: int
    restarts: int
    seconds: float
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `--json FILE` writes."""
        return asdict(self)


def percentiles(values_ms: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of latencies in ms; all 0.0 when there are none."""
    if len(values_ms) < 2:
        only = float(values_ms[0]) if values_ms else 0.0
        return {"p50": only, "p95": only, "p99": only}
    cuts = quantiles(values_ms, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def render(summary: Summary) -> Group:
    """Return the summary as tables of at most 100 columns."""
    return Group(
        _counts("events published", summary.events),
        _counts("signals by action", summary.signals),
        _counts("signals by trigger", summary.triggers),
        _counts("rows stored", summary.stored),
        _facts(summary),
    )


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(min_width=28)
    table.add_column(justify="right", min_width=10)
    for name, count in counts.items():
        table.add_row(f"  {name}", f"{count:,}")
    table.add_row("[dim]  all[/dim]", f"[dim]{sum(counts.values()):,}[/dim]")
    return table


def _facts(summary: Summary) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(min_width=28)
    table.add_column()
    table.add_row("ranked signals", f"{summary.ranked:,}")
    table.add_row("dead letters", f"{summary.dead_letters:,}")
    table.add_row("worker restarts", f"{summary.restarts:,}")
    table.add_row("market event to stored signal", _latency(summary.latency_ms))
    if summary.behind_backfill:
        left_out = (
            f"[dim]without {summary.behind_backfill:,} signals that queued behind the back-fill"
        )
        table.add_row("", left_out)
    table.add_row("wall time", f"{summary.seconds:.1f} s")
    for what in summary.unknown:
        table.add_row("[yellow]not known[/yellow]", what)
    return table


def _latency(latency_ms: Mapping[str, float]) -> str:
    if not any(latency_ms.values()):
        return "not measured: no event came after the back-fill was applied"
    return "   ".join(f"{name} {value:.0f} ms" for name, value in latency_ms.items())
