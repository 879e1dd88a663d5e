"""Where the feeds' events go, and what is told of the upstreams."""

from __future__ import annotations

import msgspec
import pytest

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.event_publisher import EventPublisher
from producers.feeds.status_publisher import StatusPublisher
from producers.feeds.ticks import Price
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from schemas.sources import SourceStatus
from tests.unit.marketdata.recorded_factory import book, candle
from tests.unit.producers.dedup.index_harness import DyingSender, MemoryLog, hourly, once
from tests.unit.producers.http_client.harness import StepClock
from transport.publisher import PublishError


class Away(DyingSender):
    """The broker is away for some attempts."""

    def __init__(self, log: MemoryLog, times: int) -> None:
        super().__init__(log)
        self.times = times

    async def publish_many(self, events, **options) -> int:
        if self.times:
            self.times -= 1
            raise PublishError("the broker is away")
        return await super().publish_many(events)


def event_publisher(
    log: MemoryLog, folder, sender=None
) -> tuple[EventPublisher, SourceHealth, AssetUniverse, list[str]]:
    said: list[str] = []
    health, known = SourceHealth("binance", ("candles",), None, StepClock()), AssetUniverse()
    publishes = once(log, folder) if sender is None else once(log, folder, sender)
    return EventPublisher(publishes, known, {"binance": health}, said.append), health, known, said


async def test_what_is_new_is_published_and_counted(tmp_path) -> None:
    log = MemoryLog()
    emit, health, _, said = event_publisher(log, tmp_path)
    assert await emit("binance", hourly(0, 1)) == 2
    assert await emit("binance", hourly(1, 2)) == 1
    assert await emit("binance", []) == 0
    assert (emit.counts["binance"], health.status().events, said) == (3, 3, [])
    assert len(log.events()) == 3


async def test_what_breaks_the_contract_is_counted_and_left_out(tmp_path) -> None:
    log = MemoryLog()
    emit, health, _, _ = event_publisher(log, tmp_path)
    assert await emit("binance", [*hourly(0), candle(close=-1.0)]) == 1
    assert (emit.refused["binance"], health.status().events) == (1, 1)


async def test_what_breaks_the_contract_is_told_by_the_sources_health(tmp_path) -> None:
    emit, health, _, _ = event_publisher(MemoryLog(), tmp_path)
    health.success("candles")
    await emit("binance", [*hourly(0, 1, 2), candle(close=-1.0)])
    status = health.status()
    assert (status.state, "1 of 4 events refused: Candle of BTC" in status.detail) == ("ok", True)
    await emit("binance", [candle(close=-1.0)])
    status = health.status()
    assert (status.state, "1 of 1 events refused" in status.detail) == ("degraded", True)
    health.success("candles")
    await emit("binance", hourly(3))
    assert (health.status().state, health.status().detail) == ("ok", "")


async def test_while_the_broker_is_away_it_waits_and_loses_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("producers.feeds.event_publisher._FIRST_PAUSE_S", 0.01)
    log = MemoryLog()
    emit, _, _, said = event_publisher(log, tmp_path, Away(log, times=2))
    assert await emit("binance", hourly(0, 1)) == 2
    assert said == ["waiting for the broker: the broker is away"] * 2
    assert len(log.events()) == 2


async def test_it_remembers_prices_of_books_and_open_candles(tmp_path) -> None:
    emit, _, known, _ = event_publisher(MemoryLog(), tmp_path)
    one = book()
    await emit("binance", [one])
    assert known.prices[one.asset] == Price(
        one.observed_at, (one.bid_prices[0] + one.ask_prices[0]) / 2.0
    )
    now = candle(close=105.0, closed=False)
    await emit("binance", [now, *hourly(0)])
    assert known.prices[now.asset] == Price(now.observed_at, 105.0)


class Topic:
    """What statuses are published to."""

    def __init__(self) -> None:
        self.told: list[SourceStatus] = []
        self.flushes = 0
        self.fails = False

    async def publish(self, event: msgspec.Struct) -> None:
        if self.fails:
            raise PublishError("the broker is away")
        assert isinstance(event, SourceStatus)
        self.told.append(event)

    async def flush(self) -> None:
        self.flushes += 1


@pytest.fixture
def topic() -> Topic:
    return Topic()


async def test_a_status_is_told_when_it_changes(topic: Topic) -> None:
    clock = StepClock()
    health = {
        "rss": SourceHealth("rss", ("news",), None, clock),
        "lunarcrush": SourceHealth("lunarcrush", ("trending", "news"), None, clock),
    }
    status_publisher = StatusPublisher(topic, health, lambda: "")  # type: ignore[arg-type]
    await status_publisher.publish(only_news=True)
    assert [status.source for status in topic.told] == ["rss", "lunarcrush"]
    health["rss"].published(5)  # a count alone is no news
    await status_publisher.publish(only_news=True)
    assert len(topic.told) == 2
    health["rss"].failure(UpstreamError("rss", "server", "it answers 500"))
    await status_publisher.publish(only_news=True)
    assert [(one.source, one.state) for one in topic.told[2:]] == [("rss", "failing")]
    await status_publisher.publish()
    assert len(topic.told) == 5


async def test_missed_cycles_are_told_with_the_trending_feed(topic: Topic) -> None:
    clock = StepClock()
    health = {
        "rss": SourceHealth("rss", ("news",), None, clock),
        "coingecko": SourceHealth("coingecko", ("trending",), None, clock),
    }
    await StatusPublisher(topic, health, lambda: "trending: 2 missed").publish()  # type: ignore[arg-type]
    assert [status.detail for status in topic.told] == [
        "not asked yet",
        "not asked yet; trending: 2 missed",
    ]


async def test_a_broker_that_is_away_ends_nothing(topic: Topic) -> None:
    topic.fails = True
    health = {"rss": SourceHealth("rss", ("news",), None, StepClock())}
    await StatusPublisher(topic, health, lambda: "").publish()  # type: ignore[arg-type]
    assert topic.told == []
