"""The publisher against the embedded broker: what stands in the log is what was handed over."""

from __future__ import annotations

import time

import pytest
from aiokafka.partitioner import murmur2

from embedded.broker import Broker
from producers.strategies import PREBUILT, publish_prebuilt
from schemas.codec import Codec, local_codec
from tests.integration.conftest import PARTITIONS, Log
from tests.unit.marketdata.recorded_factory import T0, book, candle, news, tick
from transport.publisher import BadEventError, Publisher, PublishError

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("tansu"),
]
CODEC: Codec = local_codec()
MAKERS = {
    "market.candles": candle,
    "market.news": news,
    "market.books": book,
    "market.trending": tick,
}


def publisher(log, prefix="", **options):
    return Publisher(log.settings(prefix), CODEC, **options)


def mixed(count):
    """Return events of four topics and seven assets, each observed a millisecond later."""
    makers = list(MAKERS.values())
    return [makers[n % 4](f"ASSET{n % 7}", T0 + n) for n in range(count)]


async def one_by_one(to, events):
    for event in events:
        await to.publish(event)


async def in_bulk(to, events):
    assert await to.publish_many(iter(events)) == len(events)


@pytest.mark.parametrize("way", [one_by_one, in_bulk], ids=lambda way: way.__name__)
async def test_what_is_read_back_is_what_was_published(log: Log, way):
    prefix = f"{way.__name__}."
    await log.create(prefix)
    events = mixed(3000)
    before_ms = time.time_ns() // 1_000_000
    async with publisher(log, prefix) as to:
        await way(to, events)
        await to.flush()
        after_ms = time.time_ns() // 1_000_000
        positions, counts = to.positions(), to.counts()
    assert counts == dict.fromkeys(MAKERS, 750)
    found = await log.read(positions)
    assert sum(map(len, found.values())) == 3000
    for place, records in found.items():
        assert [record.offset for record in records] == list(range(positions[place]))
        decoded = [CODEC.decode(record.value) for record in records]
        maker = MAKERS[place.topic.removeprefix(prefix)]
        assert decoded == [
            event
            for event in events
            if type(event) is type(maker())
            and (murmur2(event.asset.encode()) & 0x7FFFFFFF) % PARTITIONS == place.partition
        ]
        for record, event in zip(records, decoded, strict=True):
            assert record.key == event.asset.encode()
            assert (record.timestamp, record.timestamp_type) == (event.observed_at, 0)
            ((name, sent),) = record.headers
            assert name == "sent_ms"
            assert before_ms <= int(sent.decode("ascii")) <= after_ms


async def test_both_ways_may_alternate_and_keep_the_order(log: Log):
    await log.create("both.")
    events = [candle("BTC", T0 + n) for n in range(400)]
    async with publisher(log, "both.") as to:
        for start in range(0, 400, 40):
            await one_by_one(to, events[start : start + 20])
            await in_bulk(to, events[start + 20 : start + 40])
        await to.flush()
        positions = to.positions()
    (records,) = (await log.read(positions)).values()
    assert [CODEC.decode(record.value) for record in records] == events


@pytest.mark.parametrize("way", [one_by_one, in_bulk], ids=lambda way: way.__name__)
async def test_a_small_bound_on_what_is_in_flight_loses_nothing(log: Log, way):
    prefix = f"bound.{way.__name__}."
    await log.create(prefix)
    async with publisher(log, prefix, max_in_flight=10) as to:
        await way(to, mixed(2500))
        await to.flush()
        assert sum(to.counts().values()) == sum(to.positions().values()) == 2500


async def test_large_events_fill_many_batches_in_order(log: Log):
    await log.create("large.")
    events = [news("BTC", T0 + n, f"{n} " + "x" * 100_000) for n in range(20)]
    async with publisher(log, "large.") as to:
        await in_bulk(to, events)
        await to.flush()
        positions = to.positions()
    (records,) = (await log.read(positions)).values()
    assert [CODEC.decode(record.value) for record in records] == events


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        pytest.param(
            candle("BTC", high=1.0, source="binance", source_id="BTC/USDT:1h:5"),
            r"candle of BTC from binance \(BTC/USDT:1h:5\): open 10.0, high 1.0, .* contradict",
            id="a candle that contradicts itself",
        ),
        pytest.param(candle("btc"), "'btc' is not a symbol in capitals", id="asset"),
        pytest.param(candle(volume="much"), "a field does not fit its schema", id="type"),
        pytest.param(news(headline=" "), "the headline is empty", id="no headline"),
        pytest.param(news(headline="x" * 8_400_000), "bytes, and the topic takes", id="too long"),
    ],
)
async def test_a_bad_event_is_refused_with_what_and_where(log: Log, bad, says):
    async with publisher(log, "bad.") as to:
        with pytest.raises(BadEventError, match=says):
            await to.publish(bad)
        with pytest.raises(BadEventError, match=says):
            await to.publish_many([bad])
        await to.flush()
        assert to.counts() == {}


async def test_of_many_those_before_the_bad_one_are_sent(log: Log):
    await log.create("until.")
    events = [candle("BTC", T0 + n) for n in range(5)]
    async with publisher(log, "until.") as to:
        with pytest.raises(BadEventError):
            await to.publish_many([*events[:3], candle(low=0.0), *events[3:]])
        await to.flush()
        assert to.counts() == {"market.candles": 3}


async def test_what_is_no_producers_event_is_refused(log: Log):
    async with publisher(log) as to:
        with pytest.raises(BadEventError, match="EngineScore is not published by producers"):
            await to.publish(engine_score())


def engine_score():
    from schemas.scores import EngineScore

    names = EngineScore.__struct_fields__
    return EngineScore(**dict.fromkeys(names, None))


async def test_flush_raises_the_first_error_once_when_the_broker_is_gone():
    broker = Broker()
    log = Log(await broker.start())
    try:
        await log.create("")
        to = publisher(log, ack_timeout_s=1.0)
        await to.start()
        await to.publish(candle())
        await to.flush()
        await broker.kill()
        await to.publish(candle())
        with pytest.raises(PublishError, match=r"1 event\(s\) for market.candles were not ackn"):
            await to.flush()
        await to.flush()
        assert to.counts() == {"market.candles": 1}
        await to.stop()
    finally:
        await broker.stop()
    with pytest.raises(PublishError, match=f"no Kafka broker answers at {log.bootstrap}"):
        await publisher(log).start()


async def test_an_error_nobody_asked_for_stops_the_next_publish():
    broker = Broker()
    log = Log(await broker.start())
    try:
        await log.create("")
        to = publisher(log, ack_timeout_s=1.0)
        await to.start()
        await to.publish(candle())
        await to.flush()
        await broker.kill()
        with pytest.raises(PublishError, match="were not acknowledged"):
            await in_bulk(to, [candle()] * 200_000)
        with pytest.raises(PublishError):
            await to.stop()
    finally:
        await broker.stop()


async def test_the_embedded_broker_taken_for_another_is_said(
    log: Log, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("QUANTIVA_BROKER")
    with pytest.raises(PublishError, match="set QUANTIVA_BROKER=tansu"):
        await publisher(log).start()


async def test_publishing_before_the_start_is_an_error(log: Log):
    with pytest.raises(PublishError, match="not started"):
        await publisher(log).publish(candle())


async def test_the_prebuilt_strategies_are_keyed_by_their_id(log: Log):
    await log.create("rules.")
    async with publisher(log, "rules.") as to:
        await publish_prebuilt(to)
        positions = to.positions()
    assert positions == {("rules.control.strategies", 0): 4}
    (records,) = (await log.read(positions)).values()
    assert [CODEC.decode(record.value) for record in records] == list(PREBUILT)
    assert [record.key.decode() for record in records] == [s.strategy_id for s in PREBUILT]
    assert [record.timestamp for record in records] == [s.updated_at for s in PREBUILT]


async def test_what_the_topic_does_not_take_is_refused_before_it_is_sent(log: Log):
    async with publisher(log, "sized.") as to:
        to._limits["market.news"] = 1_000
        with pytest.raises(BadEventError, match=r"market\.news .* the topic takes 1000"):
            await to.publish_many([news(headline="x" * 2_000)])


async def test_a_topic_with_fewer_partitions_than_agreed_is_refused(log: Log):
    await log.create("fewer.")
    settings = log.settings("fewer.").model_copy(update={"partitions": PARTITIONS + 1})
    async with Publisher(settings, CODEC) as to:
        with pytest.raises(PublishError, match=f"has {PARTITIONS} partitions, the deployment"):
            await to.publish(candle())
