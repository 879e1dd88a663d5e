"""What holds of fusion for any log: bounds, determinism, order, repetitions, recovery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import SignalRequest, Strategy
from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import Decision, OpenPosition, Signal
from schemas.topics import STRATEGIES
from schemas.validation import problem
from streams.confidence.confidence_stage import ConfidenceStage
from streams.confidence.position_sizing import Config as SizingConfig
from streams.fusion.fusion_stage import FusionStage
from streams.stage import Entry, Output, Tables, advance
from tests.factories import CYCLE_MS, MINUTE_MS
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    make_missing,
    make_score,
    make_strategy,
    make_tables,
)

STAGE = FusionStage()
AGENT = ConfidenceStage()
GAP = 1_000  # between two offsets, so that repetitions fit in without moving the others

unit = st.floats(0.0, 1.0)
signed = st.floats(-1.0, 1.0)
maybe_price = st.none() | st.floats(1e-6, 1e6)


@dataclass(frozen=True)
class Record:
    """A record of the log, with the strategies that the worker sees while it is applied."""

    event: Any
    offset: int
    tables: Tables


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    """Draw any valid strategy that watches BTC."""
    buy = draw(signed.filter(lambda value: value > -1.0))
    return make_strategy(
        draw(st.sampled_from(["a", "b", "c"])),
        version=draw(st.integers(1, 9)),
        active=draw(st.sampled_from([True, True, True, False])),
        weights=draw(st.dictionaries(st.sampled_from(ENGINES), st.floats(0.0, 0.2))),
        buy_threshold=buy,
        sell_threshold=draw(st.floats(-1.0, buy, exclude_max=True)),
        stop_loss_pct=draw(st.none() | st.floats(0.1, 150.0)),
        take_profit_atr=draw(st.none() | st.floats(0.1, 50.0)),
        trailing_stop_pct=draw(st.none() | st.floats(0.1, 50.0)),
        max_age_hours=draw(st.none() | st.floats(0.1, 1.0)),
        exit_rule=draw(st.sampled_from([None, None, "PROFIT_PCT > 5"])),
        entry_rule=draw(st.sampled_from([None, None, "SENTIMENT > 0.5"])),
        band=draw(st.sampled_from([0.0, 0.1, 0.5])),
        confirmation_minutes=draw(st.sampled_from([0.0, 10.0, 30.0])),
        minimum_hold_minutes=draw(st.sampled_from([0.0, 20.0, 60.0])),
        portfolio_value_usd=draw(st.floats(1.0, 1e9)),
        kelly=draw(st.booleans()),
    )


def make_any_score(engine: str, cycle: int | None, minute: int, tenths: int, number: int) -> Any:
    """Build the score number `number`; what hangs on nothing follows from the other choices.

    Few choices a record keep the search fast: it is the order of records that matters here.
    """
    as_of = T0 + minute * MINUTE_MS
    return make_score(
        engine,
        max(-10, tenths) / 10,
        cycle=cycle,
        cycle_size=0 if cycle is None else 50,
        as_of=as_of,
        sequence=number,
        confidence=(number % 11) / 10,
        freshness=(0.0, 0.5, 1.0, 1.0)[number % 4],
        data_time=None if number % 5 == 0 else as_of - 7,
        price_usd=None if minute % 3 == 0 else 100.0 + minute,
        features={"ATR14@1h": 1.0 + tenths} if number % 2 else {},
        detail={"model": "lexicon only"} if number % 7 == 0 else {},
    )


records_drawn = st.tuples(
    st.sampled_from(ENGINES),
    st.sampled_from([None, *(T0 + number * CYCLE_MS for number in range(5))]),
    st.integers(0, 60),
    st.integers(-10, 10),
    st.sampled_from(["cycle", "cycle", "score", "score", "missing", "request", "strategies"]),
)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Draw a log: scores and requests, with the strategies changing now and then."""
    drawn = draw(st.lists(st.lists(strategies(), min_size=1, max_size=3), min_size=1, max_size=2))
    # A version of a strategy has one offset in control.strategies.
    versions = [
        make_tables(
            *(msgspec.structs.replace(one, version=index * 3 + n) for n, one in enumerate(many))
        )
        for index, many in enumerate(drawn)
    ]
    tables = versions[0]
    records: list[Record] = []
    for engine, cycle, minute, tenths, kind in draw(
        st.lists(records_drawn, min_size=3, max_size=20)
    ):
        number = len(records)
        events: list[Any] = [make_any_score(engine, cycle, minute, tenths, number)]
        active = sorted(key for key, at in tables.strategies.items() if at.strategy.active)
        if kind == "strategies":
            tables = versions[minute % len(versions)]
        elif kind == "missing" and cycle is not None:
            events = [make_missing(engine, cycle, cycle_size=50)]
        elif kind == "request" and active:
            asked_at = T0 + minute * MINUTE_MS
            events = [SignalRequest(f"r{number}", "BTC", active[minute % len(active)], asked_at)]
        elif kind == "cycle" and cycle is not None:
            events = [
                make_any_score(one, cycle, minute, tenths - place, number + place)
                for place, one in enumerate(ENGINES)
                if one != engine or minute % 3  # a third of them lack an answer
            ]
        for event in events:
            records.append(Record(event, len(records) * GAP, tables))
    return records


def run(records: list[Record], *, recover: bool = False) -> list[tuple[Output, ...]]:
    """Return the outputs by record; with `recover`, of a worker that restarts after each one."""
    entry: Entry | None = None
    outputs = []
    for record in records:
        topic = STAGE.inputs[type(record.event) is SignalRequest]
        moved = advance(STAGE, entry, record.event, topic, 0, record.offset, record.tables)
        assert moved is not None
        entry, sent = moved
        if recover:
            stored = msgspec.msgpack.encode(entry)
            entry = msgspec.msgpack.decode(stored, type=tuple[STAGE.state_type, dict[str, int]])  # type: ignore[name-defined]
            entry = Entry(*entry)
        outputs.append(sent)
    return outputs


def decisions_of(outputs: list[tuple[Output, ...]]) -> list[Decision]:
    return [one.event for sent in outputs for one in sent]


def signals_of(outputs: list[tuple[Output, ...]]) -> list[Signal]:
    """Return the signals that the confidence agent makes of the decisions."""
    entries: dict[str, Entry] = {}
    signals = []
    for offset, one in enumerate(one for sent in outputs for one in sent):
        moved = advance(AGENT, entries.get(one.key), one.event, AGENT.inputs[0], 0, offset)
        assert moved is not None
        entries[one.key], made = moved
        signals += [output.event for output in made if isinstance(output.event, Signal)]
    return signals


@given(logs())
def test_signals_keep_their_bounds(records: list[Record]) -> None:
    share = SizingConfig().max_asset_share
    by_id = {}
    for record in records:
        by_id |= {
            (at.strategy.strategy_id, at.offset): at.strategy
            for at in record.tables.strategies.values()
        }
    for signal in signals_of(run(records)):
        weights = sum(part.weight for part in signal.contributions)
        assert abs(signal.final_score) <= weights + 1e-9
        total = 0.0
        for part in signal.contributions:
            total += part.contribution
            assert part.status == "ok" or part.contribution == 0.0
        assert total == signal.final_score, "exactly: the same products in the same order"
        assert [part.engine for part in signal.contributions] == list(ENGINES)
        assert 0.0 <= signal.confidence <= 1.0
        assert problem(signal) is None
        (version,) = (one.offset for one in signal.inputs if one.topic == "control.strategies")
        strategy = by_id[signal.strategy_id, version]
        most_usd = share * strategy.portfolio_value_usd
        assert 0.0 <= signal.position_value_usd <= most_usd * (1 + 1e-12)
        assert signal.action != "HOLD" or signal.position_value_usd == 0.0
        assert (signal.override is None) <= (signal.action == signal.fused_action)
        for level in (signal.stop_loss_usd, signal.take_profit_usd):
            assert level is None or level > 0.0


@given(logs())
def test_time_of_an_assets_signals_never_goes_back_and_ids_differ(records: list[Record]) -> None:
    last: dict[str, int] = {}
    ids = set()
    for signal in signals_of(run(records)):
        assert signal.as_of > last.get(signal.strategy_id, -1)
        assert signal.signal_id not in ids
        last[signal.strategy_id] = signal.as_of
        ids.add(signal.signal_id)


@given(logs())
def test_a_cycle_goes_out_at_most_once(records: list[Record]) -> None:
    sent = [(one.strategy_id, one.cycle) for one in signals_of(run(records)) if one.cycle]
    assert len(sent) == len(set(sent))


@given(logs(), st.integers(0, 60))
def test_what_comes_later_changes_nothing_before(records: list[Record], cut: int) -> None:
    assert run(records[:cut]) == run(records)[:cut]


@given(logs())
def test_a_worker_that_restarts_after_every_record_says_the_same(records: list[Record]) -> None:
    assert run(records, recover=True) == run(records)


@given(logs(), st.data())
def test_repeated_scores_change_nothing(records: list[Record], data: st.DataObject) -> None:
    """At-least-once delivery: any score may come again at any later place, several times."""
    repeatable = [one for one in records if not isinstance(one.event, SignalRequest)]
    if not repeatable:
        return
    doubled = list(records)
    for number in range(data.draw(st.integers(1, 10))):
        original = data.draw(st.sampled_from(repeatable))
        after = data.draw(st.integers(original.offset // GAP, len(records) - 1))
        doubled.append(Record(original.event, after * GAP + 1 + number, records[after].tables))
    doubled.sort(key=lambda one: one.offset)
    expected = {one.offset: sent for one, sent in zip(records, run(records), strict=True)}
    for one, sent in zip(doubled, run(doubled), strict=True):
        assert sent == expected.get(one.offset, ())


@given(
    st.lists(strategies(), min_size=1, max_size=3), st.permutations(range(len(ENGINES))), st.data()
)
def test_the_order_of_a_cycles_answers_does_not_matter(
    watching: list[Strategy], order: list[int], data: st.DataObject
) -> None:
    missing = data.draw(st.sets(st.sampled_from(ENGINES)))
    answered = [
        make_missing(engine, T0)
        if engine in missing
        else make_score(
            engine,
            data.draw(signed),
            cycle=T0,
            as_of=T0 + data.draw(st.integers(0, 3)),
            price_usd=data.draw(maybe_price),
        )
        for engine in ENGINES
    ]
    tables = make_tables(*watching)
    straight = run([Record(event, place, tables) for place, event in enumerate(answered)])
    mixed = run([Record(answered[index], place, tables) for place, index in enumerate(order)])
    assert [_without_offsets(one) for one in signals_of(mixed)] == [
        _without_offsets(one) for one in signals_of(straight)
    ]


def _without_offsets(signal: Signal) -> Signal:
    """Forget which answer stood where: that is all that another order may change."""
    parts = tuple(msgspec.structs.replace(part, offset=None) for part in signal.contributions)
    return msgspec.structs.replace(signal, contributions=parts)


@settings(max_examples=30)
@given(logs())
def test_running_it_twice_gives_the_same(records: list[Record]) -> None:
    encode = msgspec.msgpack.encode
    assert [encode(one) for one in run(records)] == [encode(one) for one in run(records)]


def said_by(decision: Decision) -> tuple[str, InputPosition]:
    """Return the action of a decision, and the version that said so."""
    (version,) = [one for one in decision.inputs if one.topic == STRATEGIES.name]
    return decision.action, version


@given(logs())
def test_positions_are_entered_by_a_buy_and_end_with_a_sell(records: list[Record]) -> None:
    """As each strategy's decisions tell in their order; answers to requests change nothing."""
    held: dict[str, OpenPosition] = {}
    actions: dict[str, tuple[str, InputPosition]] = {}
    for decision in decisions_of(run(records)):
        assert problem(decision) is None
        if decision.trigger == "request":
            continue
        name, shown = decision.strategy_id, decision.position
        before = held.pop(name, None)
        if before is not None:
            assert shown is not None
            assert shown.entered_at == before.entered_at, "kept until a SELL"
            assert msgspec.structs.replace(shown, trailing_stop_usd=None) == (
                msgspec.structs.replace(before, trailing_stop_usd=None)
            ), "with the levels of its entry"
            assert (shown.trailing_stop_usd or 0.0) >= (before.trailing_stop_usd or 0.0)
        elif shown is not None:
            assert decision.action == "BUY"
            assert (shown.entered_at, shown.entry_price_usd) == (decision.as_of, decision.price_usd)
        if shown is not None and decision.action != "SELL":
            held[name] = shown
        if decision.trigger == "change":
            is_last_word = decision.override == "unwatched"
            assert is_last_word or said_by(decision) != actions.get(name)
        actions[name] = said_by(decision)


@given(logs())
def test_the_trace_ends_at_what_decided(records: list[Record]) -> None:
    for decision in decisions_of(run(records)):
        truths = {(one.rule, one.truth) for one in decision.trace}
        override = decision.override
        if override in {"band", "confirmation", "minimum_hold"}:
            assert decision.trace[-1].rule == override
            assert decision.trace[-1].truth == "false"
        elif override == "unwatched":
            assert decision.trace[-1].truth == "false"
        elif override is not None:
            assert (override, "true") in truths
        leaves = {("stop_loss", "true"), ("trailing_stop", "true"), ("max_age", "true")}
        assert override in {"stop_loss", "trailing_stop", "max_age"} or not truths & leaves
