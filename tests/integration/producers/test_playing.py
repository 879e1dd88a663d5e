"""Recorded and simulated markets into the embedded broker: waves, pace, what arrives."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from marketdata.conflict_free_batches import conflict_free_batches
from marketdata.recorded.source import play, read_directory
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from marketdata.simulated.source import simulate
from schemas.codec import local_codec
from schemas.events import TOPIC_OF
from schemas.times import CYCLE_MS
from tests.factories import DAY_MS, HOUR_MS
from tests.integration.conftest import Log
from tests.unit.marketdata.recorded_factory import (
    T0,
    candle,
    hours,
    news,
    write_candles,
    write_headlines,
)
from transport.publisher import Publisher

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("tansu"),
]
CODEC = local_codec()


def publisher(log: Log, prefix: str) -> Publisher:
    return Publisher(log.settings(prefix), CODEC)


def by_topic(events, prefix=""):
    return Counter(prefix + TOPIC_OF[type(event)].name for event in events)


@pytest.fixture
def recorded(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(30))
    write_candles(tmp_path, "ETH", "1h", hours(30))
    write_headlines(
        tmp_path,
        [(f"2022-03-01T{hour:02}:59:02Z", "Bitcoin", "", "P", "", str(hour)) for hour in range(24)],
    )
    return tmp_path


async def test_a_play_in_waves_awaits_the_barrier_with_all_that_is_acknowledged(log: Log, recorded):
    await log.create("waves.")
    events = list(read_directory(recorded, T0 + 3 * HOUR_MS, T0 + DAY_MS))
    expected, seen = list(conflict_free_batches(events)), []
    sizes = []

    async def barrier(positions):
        found = await log.read(positions) if len(sizes) % 40 == 0 else None
        if found is not None:
            assert sum(map(len, found.values())) == sum(positions.values())
        sizes.append(sum(positions.values()) - sum(sizes))

    async with publisher(log, "waves.") as to:
        counts = await play(iter(events), to, None, barrier, lambda c: seen.append(c.events))
    assert sizes == [len(wave) for wave in expected]
    assert seen[-1] == counts.events == len(events)
    assert counts.batches == len(expected) > 100
    assert counts.by_topic == by_topic(events)
    assert counts.last_observed_ms == events[-1].observed_at


async def test_two_plays_put_the_same_bytes_into_the_log(log: Log, recorded):
    logs = []
    for prefix in ("first.", "second."):
        await log.create(prefix)
        async with publisher(log, prefix) as to:
            await play(read_directory(recorded, T0, T0 + DAY_MS), to, None)
            found = await log.read(to.positions())
        logs.append(
            {
                (place.topic.removeprefix(prefix), place.partition): [
                    (record.key, record.value, record.timestamp) for record in records
                ]
                for place, records in found.items()
            }
        )
    assert logs[0] == logs[1]
    assert sum(map(len, logs[0].values())) > 300


@pytest.mark.parametrize("in_waves", [True, False])
async def test_speed_is_a_multiple_of_event_time_from_the_paced_part_on(log: Log, in_waves):
    prefix = f"pace{in_waves}."
    await log.create(prefix)
    backlog = [candle("BTC", T0 - DAY_MS + n) for n in range(50)]
    paced = [(candle, news)[n % 2]("BTC", T0 + n * 1000) for n in range(31)]
    sent: list[tuple[int, float]] = []

    async def barrier(_):
        pass

    started = time.monotonic()
    async with publisher(log, prefix) as to:
        await play(
            [*backlog, *paced],
            to,
            speed=50.0,
            barrier=barrier if in_waves else None,
            on_progress=lambda c: sent.append((c.last_observed_ms, time.monotonic() - started)),
            paced_from_ms=T0,
        )
    first_s = sent[0][1]
    assert first_s < 0.3  # the backlog of a day is not paced
    assert 0.6 <= sent[-1][1] - first_s < 1.5
    for observed_ms, at_s in sent:
        if observed_ms >= T0:
            assert at_s >= (observed_ms - T0) / 1000 / 50


async def test_a_speed_of_zero_is_refused(log: Log):
    with pytest.raises(ValueError, match="speed 0"):
        await play([], publisher(log, ""), 0.0)


async def test_the_simulated_market_arrives_whole(log: Log):
    await log.create("sim.")
    told = []
    state, expected = backfill(9, T0, ASSETS[:3])
    for _ in range(2):
        state, events = cycle(state, state.now_ms)
        expected.extend(events)
    async with publisher(log, "sim.") as to:
        done = await simulate(to, 9, 2, 0.0, told.append, start_ms=T0, assets=ASSETS[:3])
        found = await log.read(to.positions())
    assert [progress.cycles for progress in told] == [0, 1, 2]
    assert (done.cycles, done.cycle_ms, done.events) == (2, T0 + CYCLE_MS, len(expected))
    arrived = [record for records in found.values() for record in records]
    assert Counter(record.topic for record in arrived) == by_topic(expected, "sim.")
    assert sorted(record.value for record in arrived) == sorted(map(CODEC.encode, expected))


async def test_simulated_cycles_keep_their_pace_and_their_waves(log: Log):
    await log.create("simpace.")
    barriers = []

    async def barrier(positions):
        barriers.append(positions)

    times = []
    async with publisher(log, "simpace.") as to:
        await simulate(
            to,
            9,
            3,
            0.4,
            lambda _: times.append(time.monotonic()),
            barrier,
            start_ms=T0,
            assets=ASSETS[:2],
        )
    assert 0.9 <= times[-1] - times[0] < 3.0
    assert len(barriers) > 3 * 10


async def test_a_negative_pace_is_refused(log: Log):
    with pytest.raises(ValueError, match="cycle_s -1"):
        await simulate(publisher(log, ""), 1, 1, -1.0)
