"""Every leak is caught and named with its first record; what is honest is left in peace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from marketdata.recorded.source import read_directory
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.topics import SIGNALS, TOP
from streams.lookahead.findings import Proof
from streams.lookahead.proof import SourceChangedError, prove
from streams.lookahead.records import MarketRecord, Source, numbered, pack
from streams.lookahead.steps import WatchedTopology, load_stage
from streams.lookahead.twin import Twin, TwinError
from streams.stage import StrategyAt
from streams.topology import stage_names
from tests.factories import DAY_MS
from tests.unit.streams.engines._market import make_candle, make_tick, random_walk
from tests.unit.streams.lookahead import leaks

LEAKS = "tests.unit.streams.lookahead.leaks"
MONDAY = 1_767_571_200_000
"""2026-01-05 00:00 UTC."""


def market(candles: int = 60) -> list[Any]:
    """Candles of one asset that rise on the whole, a tick after each."""
    walk = random_walk(3, candles, drift=0.01)
    events: list[Any] = []
    for place, ohlc in enumerate(walk):
        candle = make_candle(place, ohlc)
        events += [candle, make_tick(candle.observed_at + 1_000, candle.close)]
    return events


def check(*engines: str, events: Sequence[Any] | None = None, every: int | None = None) -> Proof:
    """Prove engines of `leaks` over a small market."""
    given = market() if events is None else events
    return prove(
        Source(lambda: numbered(given)), [f"{LEAKS}:{one}" for one in engines], every=every
    )


@pytest.fixture
def dataset() -> Iterator[None]:
    """Fill the dataset that the peeking engine looks into, in this process."""
    leaks.DATASET[:] = [event for event in market() if hasattr(event, "close")]
    yield
    leaks.DATASET.clear()


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize(
    ("engine", "found_by", "field", "number"),
    [
        pytest.param("PEEKING", {"future"}, "score", 0, id="next candle of a global dataset"),
        pytest.param("HOARDING", {"future"}, "score", 0, id="newest price in a class"),
        pytest.param("LATE", {"future"}, "score", 80, id="newest price, used late"),
        pytest.param("NORMALISING", {"future", "planted"}, "score", 0, id="maximum of all data"),
        pytest.param("OVERWRITING", {"planted"}, "score", 0, id="state changed in place"),
        pytest.param("DISK", {"sealed"}, "error", 0, id="a file, the error swallowed"),
        pytest.param("PACKAGED", {"sealed"}, "error", 0, id="a file of a package"),
        pytest.param("CLOCK", {"sealed"}, "error", 0, id="the wall clock"),
    ],
)
def test_a_leak_is_caught_and_named(
    engine: str, found_by: set[str], field: str, number: int
) -> None:
    proof = check("HONEST", engine)
    assert not proof.clean
    assert {leak.stage for leak in proof.leaks} == {engine.lower()}
    assert {leak.check for leak in proof.leaks} == found_by
    for leak in proof.leaks:
        assert (leak.field, leak.number) == (field, number)
        assert (leak.topic, leak.partition, leak.offset) == ("market.candles", 0, number // 2)
        assert (leak.asset, leak.observed_at) == ("BTC", market()[number].observed_at)
        assert leak.with_future != leak.without_future
        assert leak.repeatable


@pytest.mark.usefixtures("dataset")
def test_all_leaks_at_once_are_all_named() -> None:
    names = ("PEEKING", "HOARDING", "NORMALISING", "OVERWRITING", "DISK", "LATE")
    proof = check(*names, "HONEST")
    assert {leak.stage for leak in proof.leaks} == {name.lower() for name in names}
    assert [leak.number for leak in proof.leaks] == sorted(leak.number for leak in proof.leaks)


@pytest.mark.parametrize("every", [1, 7, None])
@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("HONEST", id="honest"),
        pytest.param("FAILING", id="fails on some records"),
        pytest.param("CHATTY", id="prints, and imports late"),
    ],
)
def test_no_false_alarm(engine: str, every: int | None) -> None:
    proof = check(engine, every=every)
    assert proof.leaks == []
    assert proof.records == 120
    assert proof.planted == (120 if every in (1, None) else pytest.approx(120 / 7, abs=1))


def test_the_planted_records_alone_catch_what_writes_into_its_state() -> None:
    """Both processes write alike, so only what is planted can tell."""
    (leak,) = check("OVERWRITING").leaks
    assert leak.check == "planted"
    assert leak.records > 1


def test_chance_is_told_from_look_ahead() -> None:
    (leak,) = check("CHANCE").leaks
    assert not leak.repeatable


def test_an_engine_that_reads_the_future_at_its_import_is_named_and_the_others_go_on() -> None:
    proof = prove(
        Source(lambda: numbered(market())),
        ["tests.unit.streams.lookahead.leaks_at_import:ENGINE", f"{LEAKS}:HOARDING"],
    )
    first, second = proof.leaks
    assert (first.stage, first.check, first.number) == ("at_import", "sealed", -1)
    assert "market.txt" in first.without_future
    assert second.stage == "hoarding"


def test_fusion_is_not_blamed_for_a_leaking_engine() -> None:
    events = list(simulated(6))
    names = [one if one != "technical" else f"{LEAKS}:LEAKING_TECHNICAL" for one in stage_names()]
    proof = prove(Source(lambda: numbered(events)), names, PREBUILT)
    assert {leak.stage for leak in proof.leaks} == {"technical"}
    assert proof.joined == ("headlines", "fusion", "confidence", "outcomes")


def simulated(cycles: int) -> Iterator[Any]:
    """Yield a back-fill and some cycles of the seeded market of two assets."""
    state, events = backfill(7, MONDAY, ASSETS[:2])
    yield from events
    for _ in range(cycles):
        state, events = cycle(state, state.now_ms)
        yield from events


def signals(events: Sequence[Any]) -> int:
    """Count what fusion and ranking send over a market: a proof over nothing proves nothing."""
    strategies = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(PREBUILT)}
    line = WatchedTopology([load_stage(name) for name in stage_names()], strategies)
    sent = [
        output.topic
        for record in numbered(events)
        for step in line.steps(record)
        for output in step.outputs
    ]
    assert TOP.name in sent
    return sent.count(SIGNALS.name)


def test_the_real_engines_are_clean_on_the_seeded_market() -> None:
    events = list(simulated(12))
    proof = prove(Source(lambda: numbered(events)), stage_names(), PREBUILT)
    assert proof.leaks == []
    assert len(proof.engines) == len(stage_names()) - 4
    assert signals(events) >= 12 * 2 * 4


@pytest.mark.shared_data
def test_the_real_engines_are_clean_on_recorded_data(shared_data: Any) -> None:
    start_ms = 1_646_092_800_000  # 2022-03-01

    def read() -> Iterator[MarketRecord]:
        return numbered(read_directory(shared_data, start_ms, start_ms + DAY_MS // 2))

    proof = prove(Source(read), stage_names(), PREBUILT, every=5)
    assert proof.leaks == []
    assert proof.early == []
    assert proof.records > 4_000


def test_a_source_that_changes_is_refused() -> None:
    reads = iter([market(), market()[:50]])
    with pytest.raises(SourceChangedError, match="other records the second time"):
        prove(Source(lambda: numbered(next(reads))), [f"{LEAKS}:HONEST"])


@pytest.mark.parametrize(
    ("events", "every", "said"),
    [
        pytest.param([], None, "no market records", id="nothing to check"),
        pytest.param(None, 0, "every 0 is below 1", id="every"),
    ],
)
def test_wrong_input(events: list[Any] | None, every: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check("HONEST", events=events, every=every)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(LookupError, match="leaks:NOBODY is None, not an engine"):
        check("NOBODY")


def test_a_sealed_process_that_ends_says_so() -> None:
    with Twin([f"{LEAKS}:QUITTING"], {}) as twin:
        twin.start()
        twin.give(pack(next(numbered(market()))))
        with pytest.raises(TwinError, match="the sealed process ended: exit status 3"):
            twin.answer()
