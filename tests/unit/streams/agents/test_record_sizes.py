"""No record that a stage writes is larger than its topic takes, however much there is to do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from schemas.codec import BadEventError
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.fusion_stage import FusionStage
from streams.stage import StrategyAt, Tables
from tests import factories
from tests.factories import CYCLE_MS, START_MS
from tests.unit.streams.agents.memory_broker import CODEC, MemoryBroker, MemoryWorker
from tests.unit.streams.agents.scenes import COUNTING
from transport.record_size import RecordTooLargeError
from transport.records import record_of

both = pytest.mark.parametrize("transactions", [True, False], ids=["in transactions", "in order"])


def _strategies(count: int) -> Tables:
    names = [f"strategy-{number:03}" for number in range(count)]
    return Tables({name: StrategyAt(factories.strategy(name), 0) for name in names})


@both
@pytest.mark.parametrize(("strategies", "cycles"), [(64, 40), (500, 6)])
async def test_case_fusion_behind(
    strategies: int, cycles: int, tmp_path: Path, *, transactions: bool
) -> None:
    broker = MemoryBroker()
    for cycle in range(cycles):
        broker.publish(*factories.answers(cycle=START_MS + cycle * CYCLE_MS, asset="BTC"))
    worker = MemoryWorker(
        broker, FusionStage(), tmp_path, tables=_strategies(strategies), transactions=transactions
    )
    await worker.run()
    assert worker.fetch() == []
    sent = broker.sent(worker.stage.inputs)
    decisions = [one for one in sent if one.topic == "signals.decisions"]
    assert len(decisions) == strategies * cycles


@both
async def test_three_thousand_requests_at_once(tmp_path: Path, *, transactions: bool) -> None:
    broker = MemoryBroker()
    broker.publish(*factories.answers(cycle=START_MS, asset="BTC"))
    for number in range(3_000):
        broker.publish(
            msgspec.structs.replace(factories.request(), request_id=f"request-{number:05}")
        )
    worker = MemoryWorker(
        broker,
        FusionStage(),
        tmp_path,
        tables=Tables({"balanced": StrategyAt(factories.strategy(), 0)}),
        transactions=transactions,
    )
    await worker.run()
    assert worker.fetch() == []
    sent = broker.sent(worker.stage.inputs)
    decisions = [one for one in sent if one.topic == "signals.decisions"]
    assert len(decisions) >= 3_000


@both
async def test_case_the_agent_behind_with_five_hundred_assets(
    tmp_path: Path, *, transactions: bool
) -> None:
    broker = MemoryBroker()
    features = {f"INDICATOR{number}@1h": 1.5 for number in range(100)}
    for start_ms in range(START_MS, START_MS + 4 * CYCLE_MS, CYCLE_MS):
        for number in range(500):
            at = {"as_of": start_ms, "cycle": start_ms, "cycle_size": 501}
            broker.publish(factories.decision(asset=f"A{number}", features=features, **at))
    worker = MemoryWorker(broker, ConfidenceStage(), tmp_path, transactions=transactions)
    await worker.run()
    assert worker.fetch() == []
    signals = [one for one in broker.sent(worker.stage.inputs) if one.topic == "signals"]
    assert len(signals) == 2_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(b"BTC", b"\x7b" * 1_048_400, id="value"),
        pytest.param(b"B" * 300_000, CODEC.encode(factories.candle()), id="key"),
        pytest.param(b"B" * 16_000, b"\x7b" * 899_000, id="both nearly"),
        pytest.param(
            b"BTC",
            CODEC.encode(msgspec.structs.replace(factories.candle(), asset="\U0001f600" * 200_000)),
            id="a long value that the reason repeats",
        ),
    ],
)
@both
async def test_case_big_bad_record(
    key: bytes, value: bytes, tmp_path: Path, *, transactions: bool
) -> None:
    broker = MemoryBroker()
    broker.is_strict = False  # who wrote it had a larger limit
    broker.append("market.candles", 0, key, value, START_MS)
    broker.is_strict = True
    broker.publish(factories.candle())
    worker = MemoryWorker(broker, COUNTING, tmp_path, transactions=transactions)
    await worker.run()
    assert worker.fetch() == []
    letters = [one for one in broker.sent(COUNTING.inputs) if one.topic == "dead.letters"]
    assert len(letters) == 1
    assert CODEC.decode(letters[0].value).offset == 0
    assert [one.topic for one in broker.sent(COUNTING.inputs)].count("engine.scores") == 1


async def test_a_row_that_the_changelog_never_takes_is_counted_to_its_record(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    broker.publish(factories.candle())
    worker = MemoryWorker(broker, COUNTING, tmp_path, transactions=True)
    worker.writer._limits = {"state-changelog": 210}
    with pytest.raises(RecordTooLargeError, match=r"state-changelog \(key BTC\) has \d+ bytes"):
        await worker.run()
    assert worker.processor._crashes._crashes
    assert broker.committed == {}


def test_an_event_that_no_topic_takes_is_refused_before_it_is_sent() -> None:
    with pytest.raises(BadEventError, match="bytes"):
        record_of(factories.news(headline="x" * 1_100_000), CODEC)
