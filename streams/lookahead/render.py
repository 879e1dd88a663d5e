"""A proof and a warm-up table for people, within 100 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.lookahead.dates import EarlyRecords
from streams.lookahead.findings import MEANING, Leak, Proof
from streams.lookahead.warmup import COARSE, TOLERANCE, Figure, WarmUp


def leak_lines(leak: Leak, records: int) -> Iterator[str]:
    """Yield what there is to say of one leak."""
    yield f"{leak.stage}: {MEANING[leak.check]}"
    if leak.number < 0:
        yield f"  at its import: {leak.without_future}"
        return
    yield (
        f"  first at {leak.topic} {leak.partition}:{leak.offset}, {leak.asset}, observed "
        f"{_moment(leak.observed_at)} (record {leak.number + 1:,} of {records:,})"
    )
    yield f"  {leak.field} with the future:    {leak.with_future}"
    yield f"  {leak.field} without it:         {leak.without_future}"
    yield f"  shows at {leak.records:,} record{'' if leak.records == 1 else 's'}"
    if not leak.repeatable:
        yield "  two runs without the future differ too: look for chance, sets or a clock first"


def early_line(early: EarlyRecords) -> str:
    """Return a warning about dates in the data."""
    records = "1 record" if early.records == 1 else f"{early.records:,} records"
    return (
        f"{early.topic}: {records} with {early.problem}, by up to {span(early.ahead_ms)}; first "
        f"{early.partition}:{early.offset} {early.asset} {_moment(early.observed_at)}"
    )


def verdict(proof: Proof) -> str:
    """Return the last line."""
    if proof.leaks:
        first = proof.leaks[0]
        where = (
            f"at {first.topic} {first.partition}:{first.offset} ({first.asset})"
            if first.number >= 0
            else "at its import"
        )
        names = dict.fromkeys(leak.stage for leak in proof.leaks)
        others = f"; {len(names)} leak: {', '.join(names)}" if len(names) > 1 else ""
        return f"look-ahead: {first.stage} {where}{others}"
    engines = f"{len(proof.engines)} engine{'' if len(proof.engines) == 1 else 's'}"
    parts = ", ".join((engines, *proof.joined))
    return f"no look-ahead: {parts}, {proof.records:,} records, every prefix"


def warm_up_table(lines: Sequence[WarmUp]) -> Table:
    """Return the table; a figure is a number of inputs, and below it the time that they took."""
    table = Table(
        title="from which input on the beginning of the data no longer matters",
        box=SIMPLE_HEAD,
        show_lines=False,
    )
    for name in ("engine", "inputs"):
        table.add_column(name)
    for name in (f"within {COARSE:g}", f"within {TOLERANCE:.0e}", "exact"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"slowest feature within {TOLERANCE:.0e}")
    for line in lines:
        if not line.records:
            table.add_row(line.engine, line.inputs, "-", "-", "-", "no such records here")
            continue
        slowest = line.slowest and f"{line.slowest}\n{figure_text(line.slowest_close, ', ')}"
        figures = (figure_text(one) for one in (line.coarse, line.close, line.exact))
        table.add_row(line.engine, line.inputs, *figures, slowest)
    return table


def figure_text(figure: Figure, gap: str = "\n") -> str:
    """Return a figure, for example `310` and `13 d`; `> 5,000` where the data was too short."""
    if figure.inputs == 1:
        return "1"
    inputs = f"> {figure.watched:,}" if figure.inputs is None else f"{figure.inputs:,}"
    return f"{inputs}{gap}{span(figure.after_ms)}"


def as_json(proof: Proof, lines: Sequence[WarmUp], declared: dict[str, str]) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "clean": proof.clean,
        "proof": msgspec.to_builtins(proof),
        "warm_up": msgspec.to_builtins(list(lines)),
        "declared": declared,
    }


def span(time_ms: int) -> str:
    """Return a duration in its natural unit, for example `17 h`."""
    for unit, length_ms in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)):
        if time_ms >= 2 * length_ms:
            return f"{time_ms / length_ms:.0f} {unit}"
    return f"{time_ms / 1000:.0f} s" if time_ms >= 2000 else f"{time_ms} ms"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
