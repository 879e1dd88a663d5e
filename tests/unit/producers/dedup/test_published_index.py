"""What the journal takes for published."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.dedup.checkpoint import Checkpoint, CheckpointFile
from producers.dedup.headlines import SeenNews
from producers.dedup.index_state import KEPT, CycleSeen, PublishedCandles, remaining
from producers.dedup.published_index import PublishedIndex
from schemas.times import CYCLE_MS
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, book, candle, news
from tests.unit.producers.dedup.index_harness import fundamentals, scheduled, ticks


def index(*events: Any) -> PublishedIndex:
    made = PublishedIndex(SeenNews())
    for event in events:
        made.apply(event)
    return made


def hourly(number: int, **changes: Any) -> Any:
    """Return the candle that opens `number` hours after T0."""
    return candle("BTC", T0 + (number + 1) * HOUR_MS, **changes)


SECOND = T0 + CYCLE_MS


@pytest.mark.parametrize(
    ("published", "event", "new"),
    [
        pytest.param([], hourly(0), True, id="the first candle"),
        pytest.param([hourly(0)], hourly(0), False, id="the same candle"),
        pytest.param([hourly(0)], hourly(0, exchange="bybit"), True, id="of another exchange"),
        pytest.param([hourly(0)], hourly(1), True, id="the next candle"),
        pytest.param([hourly(0), hourly(2)], hourly(1), True, id="a gap"),
        pytest.param([hourly(2), hourly(1)], hourly(1), False, id="a gap that was filled"),
        pytest.param([hourly(0)], candle("ETH", T0 + HOUR_MS), True, id="another asset"),
        pytest.param(
            [hourly(0)],
            candle("BTC", T0 + 4 * HOUR_MS, timeframe="4h", open_time=T0),
            True,
            id="another timeframe",
        ),
        pytest.param([hourly(0, closed=False)], hourly(0), True, id="open before, closed now"),
        pytest.param([hourly(KEPT - 1)], hourly(0), True, id="as old as is remembered"),
        pytest.param([hourly(KEPT)], hourly(0), False, id="too old to say"),
        pytest.param([hourly(0), hourly(5_000)], hourly(4_999), True, id="after a long pause"),
        pytest.param([hourly(0)], hourly(0, closed=False), False, id="open, but it has closed"),
        pytest.param([hourly(0)], hourly(1, closed=False), True, id="the next one, open"),
        pytest.param(
            [hourly(0, closed=False)], hourly(0, closed=False), False, id="open, seen no later"
        ),
        pytest.param(
            [hourly(0, closed=False)],
            hourly(0, closed=False, observed_at=T0 + HOUR_MS + 1),
            True,
            id="open, seen later",
        ),
        pytest.param([], *ticks(T0, "BTC"), True, id="the first tick"),
        pytest.param(ticks(T0, "BTC"), *ticks(T0, "BTC"), False, id="the same tick"),
        pytest.param(ticks(T0, "BTC"), *ticks(T0, "ETH"), True, id="another of its cycle"),
        pytest.param(ticks(T0, *"ABCD"), *ticks(T0, "E"), False, id="one more than there are"),
        pytest.param(ticks(T0, "BTC"), *ticks(SECOND, "BTC"), True, id="the next cycle's"),
        pytest.param(ticks(SECOND, "BTC"), *ticks(T0, "ETH"), False, id="an older cycle's"),
        pytest.param([], news(), True, id="the first article"),
        pytest.param([news()], news(), False, id="the same article"),
        pytest.param([news()], news("ETH"), True, id="about another asset"),
        pytest.param([news()], news(at_ms=T0 + 1), False, id="told again under another id"),
        pytest.param([news()], news(at_ms=T0 + 1, headline="Else"), True, id="another headline"),
        pytest.param(
            [news()], news(at_ms=T0 + 3 * DAY_MS), True, id="the same words three days later"
        ),
        pytest.param(
            [news()],
            msgspec.structs.replace(news(), observed_at=T0 + 30 * DAY_MS),
            False,
            id="the same article a month later",
        ),
        pytest.param([], fundamentals("x"), True, id="the first fundamentals"),
        pytest.param([fundamentals("x")], fundamentals("x", T0 + 9), False, id="the same again"),
        pytest.param([fundamentals("x")], fundamentals("y", T0 + 9), True, id="newer ones"),
        pytest.param(
            [fundamentals("y", T0 + 9)],
            fundamentals("x", observed_at=T0 + 10),
            False,
            id="older ones of a server behind",
        ),
        pytest.param(
            [fundamentals("x")], fundamentals("x", source="b"), True, id="of another source"
        ),
        pytest.param([], scheduled(), True, id="the first scheduled event"),
        pytest.param([scheduled()], scheduled(T0 + 9), False, id="the same content later"),
        pytest.param([scheduled()], scheduled(T0 + 9, starts_at=T0), True, id="moved"),
        pytest.param([scheduled()], scheduled(T0 + 9, cancelled=True), True, id="called off"),
        pytest.param(
            [scheduled(), scheduled(T0 + 9, impact=0.6)],
            scheduled(T0 + 10),
            True,
            id="back to what it was",
        ),
        pytest.param([scheduled(T0 + 9)], scheduled(impact=0.6), False, id="seen before that"),
        pytest.param([scheduled()], scheduled(asset="ETH"), True, id="for another asset"),
        pytest.param([book()], book(), True, id="a book, which is not journaled"),
    ],
)
def test_what_is_new(published, event, new) -> None:
    assert index(*published).claim(event) == new


def test_what_is_applied_is_not_new_and_applying_a_log_again_changes_nothing() -> None:
    state, events = backfill(3, T0, ASSETS[:3])
    for _ in range(7):
        state, more = cycle(state, state.now_ms)
        events += more
    made = index(*events)
    once = made.snapshot()
    for event in events:
        assert type(event).__name__ == "OrderBook" or not made.claim(event)
        made.apply(event)
    assert made.snapshot() == once
    for event in events[len(events) // 2 :]:
        made.apply(event)
    assert made.snapshot() == once


def test_a_snapshot_goes_through_a_file_and_stands_for_the_records(tmp_path) -> None:
    state, before = backfill(3, T0, ASSETS[:3])
    _, after = cycle(state, state.now_ms)
    file = CheckpointFile(tmp_path / "journal")
    file.save(Checkpoint({}, index(*before).snapshot()))
    restored = PublishedIndex(SeenNews())
    loaded = file.load().checkpoint
    assert loaded is not None
    restored.restore(loaded.index)
    for event in after:
        restored.apply(event)
    assert restored.snapshot() == index(*before, *after).snapshot()


def test_a_snapshot_does_not_change_with_the_journal() -> None:
    made = index(*ticks(T0, "BTC"), hourly(0), news(), scheduled(), fundamentals("x"))
    snapshot = made.snapshot()
    copy = msgspec.msgpack.encode(snapshot)
    for event in [*ticks(SECOND, "ETH"), hourly(1), news("ETH"), scheduled(asset="ETH")]:
        made.apply(event)
    assert msgspec.msgpack.encode(snapshot) == copy
    other = PublishedIndex(SeenNews())
    other.restore(snapshot)
    made.clear()
    assert made.claim(hourly(0))
    assert made.claim(news())
    assert not other.claim(hourly(0))
    assert not other.claim(news())


def test_what_it_can_be_asked() -> None:
    made = index(
        hourly(0),
        hourly(3),
        hourly(2),
        hourly(4, closed=False),
        *ticks(T0, "ETH", "BTC", size=50),
        fundamentals("x", T0 + 5),
        fundamentals("z", T0 + 3, source="b"),
    )
    assert made.closed_times("BTC", "1h") == (T0, T0 + 2 * HOUR_MS, T0 + 3 * HOUR_MS)
    assert made.last_closed("BTC", "1h") == T0 + 3 * HOUR_MS
    assert made.cycle == CycleSeen(T0, 50, ("BTC", "ETH"))
    assert made.newest_ms == T0 + 5 * HOUR_MS
    assert made.closed_times("ETH", "1h") == ()
    assert made.last_closed("ETH", "1h") is None


def test_candles_of_another_exchange_begin_a_new_series() -> None:
    made = index(*(hourly(n) for n in range(5)))
    elsewhere = [msgspec.structs.replace(hourly(n), exchange="kraken") for n in range(5)]
    assert made.closed_times("BTC", "1h", hourly(0).exchange) != ()
    assert made.closed_times("BTC", "1h", "kraken") == ()
    assert [made.claim(one) for one in elsewhere] == [True] * 5
    assert [made.claim(one) for one in elsewhere] == [False] * 5
    assert made.closed_times("BTC", "1h", "kraken") == tuple(T0 + n * HOUR_MS for n in range(5))
    assert made.claim(hourly(2)), "an exchange that comes back brings its whole past"
    assert made.closed_times("BTC", "1h") == (T0 + 2 * HOUR_MS,)


def test_an_open_candle_of_another_exchange_changes_no_series() -> None:
    made = index(*(hourly(n) for n in range(5)))
    other = msgspec.structs.replace(hourly(2, closed=False), exchange="kraken")
    assert made.claim(msgspec.structs.replace(other, observed_at=T0 + 9 * HOUR_MS))
    assert not made.claim(hourly(2))


def test_a_checkpoint_from_before_exchanges_were_kept_counts_for_any() -> None:
    made = index(*(hourly(n) for n in range(3)))
    old = made.snapshot()
    closed = {key: PublishedCandles(one.newest_ms, one.bits) for key, one in old.closed.items()}
    made.restore(msgspec.structs.replace(old, closed=closed))
    assert not made.claim(hourly(1))
    assert made.claim(hourly(3))


def test_daily_candles_that_open_at_another_hour_are_counted_by_days() -> None:
    at = T0 + 16 * HOUR_MS
    days = [
        candle("BTC", at + (n + 1) * DAY_MS, timeframe="1d", open_time=at + n * DAY_MS)
        for n in range(3)
    ]
    made = index(*days)
    assert made.closed_times("BTC", "1d") == (at, at + DAY_MS, at + 2 * DAY_MS)


def test_a_log_from_the_future_is_told() -> None:
    made = index(hourly(0))
    assert made.ahead(T0) is None
    said = index(hourly(47)).ahead(T0)
    assert said is not None
    assert "events from 48 h after now" in said
    assert "QUANTIVA_PREFIX" in said
    assert index().ahead(T0) is None


@pytest.mark.parametrize(
    ("seen", "assets", "left"),
    [
        pytest.param(None, "ABCD", "ABCD", id="an empty log"),
        pytest.param(CycleSeen(T0 - CYCLE_MS, 4, ("A",)), "ABCD", "ABCD", id="a new cycle"),
        pytest.param(CycleSeen(T0, 4, ("A", "C")), "ABCD", "BD", id="what is left"),
        pytest.param(CycleSeen(T0, 4, ("A", "X")), "ABCD", "BC", id="as many as there are places"),
        pytest.param(CycleSeen(T0, 4, tuple("WXYZ")), "ABCD", "", id="a full cycle"),
        pytest.param(CycleSeen(T0 + CYCLE_MS, 4, ()), "ABCD", "", id="a cycle that is over"),
        pytest.param(CycleSeen(T0, 4, ("A",)), "", "", id="no ticks"),
    ],
)
def test_an_unfinished_cycle_is_filled_up(seen, assets, left) -> None:
    rest = remaining(tuple(ticks(T0, *assets, size=3)), seen)
    assert "".join(one.asset for one in rest) == left
    same_cycle = seen is not None and seen.cycle == T0
    assert {one.cycle_size for one in rest} <= {4 if same_cycle else 3}


def test_memory_is_bounded() -> None:
    """400 candles of three timeframes, a hundred articles an hour, a busy calendar."""
    made = PublishedIndex(SeenNews())
    names = [f"A{number}" for number in range(50)]
    lengths = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
    tracemalloc.start()
    try:
        for asset in names:
            for timeframe, length_ms in lengths.items():
                for n in range(400):
                    made.apply(
                        candle(
                            asset,
                            T0 + (n + 1) * length_ms,
                            timeframe=timeframe,
                            open_time=T0 + n * length_ms,
                        )
                    )
        for n in range(35_000):
            made.apply(news(names[n % 50], T0 + n * 36_000, headline=f"headline {n}"))
        for n in range(12_000):
            made.apply(scheduled(source_id=str(n), starts_at=T0 + n * 100_000))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 16e6
    assert len(msgspec.msgpack.encode(made.snapshot())) < 2e6
    assert made.closed_times("A0", "1h")[-300:] == tuple(T0 + n * HOUR_MS for n in range(100, 400))
    assert not made.claim(scheduled(source_id="11999", starts_at=T0 + 11_999 * 100_000))
