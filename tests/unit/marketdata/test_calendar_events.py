"""Scheduled events of the simulated market: announced, more certain by the day, or called off."""

from __future__ import annotations

from marketdata.simulated import calendar_events
from marketdata.simulated.assets import ASSETS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MONDAY = 1_767_571_200_000


def test_a_scheduled_event_is_announced_grows_more_certain_and_moves_the_price():
    moved = announced = 0
    for asset in ASSETS:
        for event in calendar_events.shocks(1, asset, MONDAY, MONDAY + 60 * DAY_MS):
            sure = [
                event.certainty(time) for time in range(event.announced_at, event.starts_at, DAY_MS)
            ]
            assert sure == sorted(sure)
            before = calendar_events.calendar(
                1, asset, event.starts_at - HOUR_MS, 1, everything=True
            )
            announced += event.event_id in {record.source_id for record in before}
            moved += 1
    assert moved == announced > 100


def test_an_event_that_is_called_off_is_said_once_and_causes_nothing():
    called_off = [
        (asset, event)
        for asset in ASSETS
        for event in calendar_events.planned(1, asset, MONDAY, MONDAY + 90 * DAY_MS)
        if event.cancelled_at is not None
    ]
    assert len(called_off) > 5
    for asset, event in called_off:
        hour_ms = -(-event.cancelled_at // HOUR_MS) * HOUR_MS
        assert event not in list(
            calendar_events.shocks(1, asset, event.starts_at, event.starts_at + 1)
        )
        records = calendar_events.calendar(1, asset, hour_ms, hour_ms, everything=False)
        said = [record for record in records if record.source_id == event.event_id]
        assert [record.cancelled for record in said] == [True]
        later = calendar_events.calendar(1, asset, hour_ms + HOUR_MS, hour_ms, everything=True)
        assert event.event_id not in {record.source_id for record in later}
