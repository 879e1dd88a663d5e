"""Finds a signal or a trade by the beginning of its id: in PostgreSQL, in the logs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.redact import shown
from schemas.scores import InputPosition
from schemas.signals import PortfolioTrade, Signal
from schemas.text import moment
from schemas.topics import SIGNALS, TRADES
from streams.archive.records import LoggedRecord
from streams.provenance.sources.base import SourceError
from streams.provenance.sources.looking import Reader
from streams.provenance.tree import Found

ID_DIGITS = 32
MOST_CANDIDATES = 5
_ID_BYTES = 64
"""The id is the first field of a signal: it stands within so many bytes of the value."""


class FindError(LookupError):
    """No signal, or more than one, has such an id; the text names the places searched."""


async def find(
    begin: str, dsn: str | None, readers: Sequence[Reader], most: int
) -> tuple[Signal, Found]:
    """Return the one signal whose id begins with `begin` (hex digits), and where it was found.

    `most` records of each log are looked through, the newest. Raises FindError when there is none
    or more than one.
    """
    looked: list[str] = []
    if dsn is not None:
        from streams.provenance.sources import database  # asyncpg: only where there is one

        where = f"PostgreSQL at {shown(dsn)}"
        try:
            rows = await database.signals(dsn, begin, MOST_CANDIDATES)
        except SourceError as error:
            looked.append(f"{where} ({error})")
        else:
            if rows:
                return _only(begin, rows), Found("PostgreSQL")
            looked.append(where)
    for reader in readers:
        found = await _in_log(reader, begin, most, looked)
        if found:
            signal = _only(begin, [signal for signal, _ in found])
            return signal, Found(reader.log.where, found[0][1])
    raise FindError(_nowhere(begin, looked))


async def find_trade(
    begin: str, dsn: str | None, readers: Sequence[Reader], most: int
) -> tuple[PortfolioTrade, Found] | None:
    """Return the one trade whose id begins so, from PostgreSQL or the logs; None: there is none.

    Raises FindError when there is more than one.
    """
    if dsn is not None:
        from streams.provenance.sources import database

        with contextlib.suppress(SourceError):  # `find` has said so already
            rows = await database.trades(dsn, begin, MOST_CANDIDATES)
            if rows:
                return _one_trade(begin, rows), Found("PostgreSQL")
    for reader in readers:
        found = await _in_log(reader, begin, most, [], _TRADES)
        if found:
            trade = _one_trade(begin, [one for one, _ in found])
            return trade, Found(reader.log.where, found[0][1])
    return None


def _one_trade(begin: str, trades: Sequence[PortfolioTrade]) -> PortfolioTrade:
    if len(trades) == 1:
        return trades[0]
    lines = [
        f"  {one.trade_id}  {one.side} {one.asset} {one.strategy_id}"
        for one in trades[:MOST_CANDIDATES]
    ]
    msg = "\n".join([f"several trades begin with {begin!r}; give more digits:", *lines])
    raise FindError(msg)


class _Kind(NamedTuple):
    """What is looked for: its topic, its type, and the field of its id."""

    topic: str
    struct: type
    field: str


_SIGNALS = _Kind(SIGNALS.name, Signal, "signal_id")
_TRADES = _Kind(TRADES.name, PortfolioTrade, "trade_id")


async def _in_log(
    reader: Reader, begin: str, most: int, looked: list[str], kind: _Kind = _SIGNALS
) -> list[tuple[Any, InputPosition]]:
    """Return the events of such ids, each once, and add to `looked` what was looked through."""
    needle = begin.encode()

    def wanted(record: LoggedRecord) -> bool:
        return record.value is not None and needle in record.value[:_ID_BYTES]

    try:
        searched = await reader.log.search(
            kind.topic, wanted, most=most, first_only=len(begin) == ID_DIGITS
        )
    except SourceError as error:
        looked.append(f"{reader.log.where} ({error})")
        return []
    await reader.learn(record.value for _, record in searched.records)
    found: dict[str, tuple[Any, InputPosition]] = {}
    reasons: dict[str, None] = {}
    for place, record in searched.records:
        event, reason = await reader.event(record.value)
        if reason is not None:
            reasons[reason] = None
        elif isinstance(event, kind.struct) and getattr(event, kind.field).startswith(begin):
            found.setdefault(getattr(event, kind.field), (event, place))
    extent = "all" if searched.whole else "the newest"
    unread = f", of which some cannot be read ({'; '.join(reasons)})" if reasons else ""
    looked.append(f"{extent} {searched.seen:,} signals of {reader.log.where}{unread}")
    return list(found.values())


def _only(begin: str, signals: Sequence[Signal]) -> Signal:
    if len(signals) == 1:
        return signals[0]
    lines = [
        f"  {one.signal_id}  {one.action:<4} {one.asset} {one.strategy_id} "
        f"{moment(one.as_of, '%Y-%m-%d %H:%M:%S')}"
        for one in signals[:MOST_CANDIDATES]
    ]
    more = ", among them" if len(signals) >= MOST_CANDIDATES else ""
    msg = "\n".join([f"several signals begin with {begin!r}{more}; give more digits:", *lines])
    raise FindError(msg)


def _nowhere(begin: str, looked: Sequence[str]) -> str:
    what = "has the id" if len(begin) == ID_DIGITS else "begins with"
    if not looked:
        return (
            f"there is no place to look for signal {begin!r}: set DATABASE_URL or "
            "KAFKA_BOOTSTRAP_SERVERS, name an archive with --archive, or start `quantiva demo`"
        )
    return (
        f"no signal {what} {begin!r}. Looked in {' and in '.join(looked)}. Check the id "
        "(`quantiva tail signals --json --last 10` shows ids), look further back with --scan N, "
        "or name an archive with --archive ADDRESS."
    )
