"""Look-ahead in the data itself: records that claim to have been seen before they happened."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.market import CalendarEvent, Candle
from streams.lookahead.records import MarketRecord


class EarlyRecords(msgspec.Struct):
    """Records of one kind, and the first of them. `ahead_ms`: the most that one is too early."""

    problem: str
    topic: str
    partition: int
    offset: int
    asset: str
    observed_at: int
    ahead_ms: int
    records: int = 1


class DateCheck:
    """Counts the records whose own times lie after the moment at which they were observed.

    Calendar events are scheduled, so theirs may. So may the close of a candle that is still open.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], EarlyRecords] = {}

    def see(self, record: MarketRecord) -> None:
        """Check one record."""
        event = record.event
        for problem, time_ms in _times(event):
            if time_ms > event.observed_at:
                self._count(problem, record, time_ms - event.observed_at)

    def found(self) -> list[EarlyRecords]:
        """Return what was found, by topic and kind in the order of the first ones."""
        return list(self._found.values())

    def _count(self, problem: str, record: MarketRecord, ahead_ms: int) -> None:
        known = self._found.get((record.topic, problem))
        if known is not None:
            known.records += 1
            known.ahead_ms = max(known.ahead_ms, ahead_ms)
            return
        topic, partition, offset, event = record
        self._found[topic, problem] = EarlyRecords(
            problem, topic, partition, offset, event.asset, event.observed_at, ahead_ms
        )


def _times(event: Any) -> list[tuple[str, int]]:
    """Return what must not lie after the observation, and what it means where it does."""
    if type(event) is CalendarEvent:
        return []
    if type(event) is Candle:
        closes = max(event.close_time, event.event_time)
        return [("a close after it was seen", closes)] if event.closed else []
    times = [("an event_time after it was seen", event.event_time)]
    if event.published_at is not None:
        times.append(("a published_at after it was seen", event.published_at))
    return times
