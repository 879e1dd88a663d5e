"""Reading the log for all: the start, outages, a log that is not what it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.registry_client import RegistryError
from sinks.bridge.hub.core import Core
from sinks.bridge.hub.feed import HubFeed
from sinks.bridge.hub.hub_health import HubHealth
from sinks.decoding import ContractDecoder
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.fixtures import Visitor, hub_on, until
from tests.unit.sinks.bridge.memory_log import CODEC, MemoryLog, Raw, signal


async def test_the_state_is_there_before_the_first_client() -> None:
    log = MemoryLog()
    for number in range(3):
        log.append(signal(number), partition=number % 2)
    log.append(samples.STRATEGY)
    log.append(samples.CANDLE)
    async with hub_on(log) as hub:
        latest = hub.latest
        assert latest.signals[("BTC", "momentum")].signal_id in {"s1", "s2"}
        assert latest.topics["signals"].records == 3
        assert list(latest.strategies) == ["s1"]
        assert [one.close for one in latest.candles[("BTC", "1h")]] == [2.0]
        assert latest.prices["BTC"].price_usd == 2.0


async def test_a_tombstone_deletes_from_the_state_and_is_no_event() -> None:
    log = MemoryLog()
    log.append(samples.STRATEGY)
    log.append(samples.SOURCE)
    log.append_raw("control.strategies", 0, b"s1", None)
    log.append_raw("control.sources", 0, b"lunarcrush", None)
    async with hub_on(log) as hub:
        assert not hub.latest.strategies
        assert not hub.latest.sources
        assert hub.core.positions[("control.sources", 0)] == 2


async def test_what_cannot_be_decoded_is_counted_and_passed_over() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        log.append(signal(0))
        log.append(b"junk")
        log.append(signal(1))
        await until(lambda: visitor.ids() == ["s0", "s1"], "the one after it is there")
        assert hub.log_health.undecoded == 1


async def test_offsets_count_whatever_the_timestamps_say() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        for number in range(10):  # one batch, whose times fall
            log.append(signal(number), at=samples.T0 - number)
        await until(lambda: len(visitor.ids()) == 10, "all are there")
        assert visitor.ids() == [f"s{number}" for number in range(10)]


async def test_a_log_that_was_away_is_read_on_without_a_hole() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        log.append(signal(0))
        await until(lambda: visitor.ids() == ["s0"], "it is there")
        log.lose()
        await until(lambda: not hub.log_health.connected, "the loss is noticed")
        log.append(signal(1))
        log.away = False
        log.append(signal(2))
        await until(lambda: len(visitor.ids()) == 3, "it goes on")
        assert visitor.ids() == ["s0", "s1", "s2"]
        assert visitor.heard("gap") == []


@pytest.mark.parametrize(
    ("reason", "cursor"), [("expired", "signals:0:4"), ("replaced", "signals:0:-1")]
)
async def test_what_was_lost_while_the_log_was_away_is_said(reason: str, cursor: str) -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        for number in range(3):
            log.append(signal(number))
        await until(lambda: len(visitor.ids()) == 3, "they are there")
        log.lose()
        await until(lambda: not hub.log_health.connected, "the loss is noticed")
        if reason == "expired":
            for number in (3, 4, 5):
                log.append(signal(number))
            log.expire("signals", 0, 5)
        else:
            log.renew("signals")
            log.append(signal(5))
        log.away = False
        await until(lambda: visitor.ids()[-1] == "s5", "it goes on with what there is")
        (gap,) = visitor.heard("gap")
    assert (gap["topic"], gap["partition"], gap["reason"]) == ("signals", 0, reason)
    assert (gap["from"], gap["cursor"]) == (3, cursor)
    assert visitor.ids() == ["s0", "s1", "s2", "s5"]


async def test_a_topic_recreated_under_a_running_reader_is_noticed() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        for number in range(3):
            log.append(signal(number))
        await until(lambda: len(visitor.ids()) == 3, "they are there")
        log.renew("signals")
        log.append(signal(9))
        await until(lambda: visitor.ids()[-1] == "s9", "the new one is there")
        assert [gap["reason"] for gap in visitor.heard("gap")] == ["replaced"]


async def test_what_was_deleted_before_a_running_reader_had_it_is_said() -> None:
    """A reader that was held up is set on the first record there is, without an error."""
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        for number in range(6):
            log.append(signal(number))
        log.expire("signals", 0, 4)  # before the reader's turn came
        await until(lambda: visitor.ids() == ["s4", "s5"], "what there is has come")
        (gap,) = visitor.heard("gap")
    assert (gap["reason"], gap["from"], gap["to"]) == ("expired", 0, 3)


async def test_of_a_partition_more_nothing_is_left_out_when_the_log_is_found_again() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        number = log.grow("signals")
        count = 4_010  # more than is read of a partition at the start
        for one in range(count):
            log.append(signal(one), partition=number)
        hub.feed.reconnect()
        await until(lambda: len(visitor.ids()) == count, "all of it is there")
        assert visitor.heard("gap") == []


async def test_a_registry_that_was_away_is_over_when_it_answers() -> None:
    """The one record whose schema was asked for is decoded, and the bridge is well again."""
    log = MemoryLog()

    class Registry:
        is_away = True

        async def decode(self, raw: Raw) -> Any:
            if self.is_away and raw.topic == "signals":
                raise RegistryError
            return await decoder.decode(raw)

    decoder, registry, core, log_health = ContractDecoder(CODEC), Registry(), Core(), HubHealth()
    feed = HubFeed(core, log.open, registry, log_health, lambda *_: None)
    task = asyncio.create_task(feed.run())
    await until(feed.ready.is_set, "it runs")
    log.append(signal(0))
    await until(lambda: not log_health.connected, "it is noticed")
    registry.is_away = False
    await until(lambda: core.positions[("signals", 0)] == 1, "the record is read")
    assert (log_health.connected, log_health.last_error) == (True, None)
    task.cancel()
    await asyncio.wait({task})


async def test_a_log_recreated_has_none_of_the_strategies_before() -> None:
    log = MemoryLog()
    log.append(samples.STRATEGY)
    log.append(samples.SOURCE)
    async with hub_on(log) as hub:
        assert hub.latest.is_whole
        log.lose()
        await until(lambda: not hub.log_health.connected, "the loss is noticed")
        log.renew("control.strategies")
        log.away = False
        await until(lambda: hub.log_health.connected, "it goes on")
        assert not hub.latest.strategies
        assert list(hub.latest.sources) == ["lunarcrush"]


def test_an_error_that_is_over_is_told_no_more() -> None:
    log_health = HubHealth(lambda: 100.0)
    log_health.found()
    log_health.unknown(TimeoutError())
    assert log_health.last_error is not None
    log_health.seen({}, {}, 100.0)
    assert log_health.last_error is None


async def test_a_missing_topic_is_waited_for_with_its_name() -> None:
    class Young(MemoryLog):
        ready = False

        async def partitions(self):  # type: ignore[no-untyped-def]
            found = dict(await super().partitions())
            return found if self.ready else found | {"signals": []}

    log = Young()
    core, log_health = Core(), HubHealth()
    feed = HubFeed(core, log.open, ContractDecoder(CODEC), log_health, lambda *_: None)
    task = asyncio.create_task(feed.run())
    await until(lambda: log_health.last_error is not None, "it is said")
    assert "no topic signals: run `quantiva topics create`" in str(log_health.last_error)
    log.ready = True
    await until(feed.ready.is_set, "it goes on")
    task.cancel()
    await asyncio.wait({task})


async def test_a_burst_lets_others_run() -> None:
    """The loop is let go while thousands of records are decoded."""
    log = MemoryLog()
    async with hub_on(log) as hub:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        for number in range(40_000):
            log.append(signal(number))
        task = asyncio.create_task(other())
        await until(lambda: hub.core.positions[("signals", 0)] == 40_000, "all are read")
        task.cancel()
        assert turns > 5


def test_the_lag_is_for_how_long_not_all_was_there() -> None:
    now_s = 100.0
    log_health = HubHealth(lambda: now_s)
    log_health.found()
    place = ("signals", 0)
    log_health.seen({place: 5}, {place: 5}, now_s)
    assert (log_health.lag_ms, log_health.behind) == (0, {"signals": 0})
    now_s = 102.0
    log_health.seen({place: 7}, {place: 5}, now_s)
    assert (log_health.lag_ms, log_health.behind) == (2_000, {"signals": 2})
    now_s = 103.0
    log_health.lost(ConnectionError("away"))
    assert (log_health.lag_ms, log_health.behind) == (3_000, None)
    log_health.found()
    log_health.seen({place: 7}, {place: 7}, now_s)
    assert log_health.lag_ms == 0
