"""Outcomes do not depend on how records come: late, repeated, mixed. And nothing is known early."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.outcomes import HORIZON_MS, Outcome
from schemas.topics import SCORES, SIGNALS
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.outcomes.waiting import EARLY_MS, LATE_MS
from streams.runner import StageRunner
from tests.unit.streams.outcomes.test_outcomes_stage import answers, signal

PRICES = st.lists(
    st.one_of(st.none(), st.sampled_from([99.0, 100.0, 101.0, 104.5])), min_size=10, max_size=40
)


def run(scores: list[Any], signals: list[Any], mixed: list[bool]) -> list[Outcome]:
    """Feed two topics, mixed as the booleans say; offsets are those of each topic."""
    runner = StageRunner(OutcomesStage("v"), 1)
    queues = {SCORES.name: list(scores), SIGNALS.name: list(signals)}
    told: list[Outcome] = []
    turns = iter(mixed)
    offsets = dict.fromkeys(queues, 0)
    while any(queues.values()):
        topic = SCORES.name if next(turns, True) else SIGNALS.name
        if not queues[topic]:
            topic = next(name for name, queue in queues.items() if queue)
        event = queues[topic].pop(0)
        told += [one.event for one in runner.apply(topic, 0, offsets[topic], b"BTC", event)]
        offsets[topic] += 1
    return told


def world(prices: list[float | None]) -> tuple[list[list[Any]], list[Any]]:
    """Return the answers of each cycle, and the signals of two strategies."""
    cycles = [answers(number, price) for number, price in enumerate(prices)]
    signals = [
        signal(number, price, name) for number, price in enumerate(prices) for name in ("a", "b")
    ]
    return cycles, signals


def by_id(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda one: one.outcome_id)


@given(PRICES, st.randoms(use_true_random=False), st.lists(st.booleans(), max_size=200))
@settings(max_examples=60, deadline=None)
def test_mixed_repeated_and_late_records_change_nothing(
    prices: list[float | None], random: Any, mixed: list[bool]
) -> None:
    cycles, signals = world(prices)
    plain = [event for cycle in cycles for event in cycle]
    expected = by_id(run(plain, signals, []))

    scores: list[Any] = []
    for cycle in cycles:
        answered = random.sample(cycle, len(cycle))  # in any order
        scores += answered
        scores += random.sample(answered, random.randrange(3))  # again
        if scores and random.random() < 0.3:
            late = random.choice(scores)
            scores.append(replace(late, score=-0.9, sequence=late.sequence + 1_000))
    told = [*signals]
    for one in random.sample(signals, min(5, len(signals))):  # again, some time later
        told.insert(random.randrange(told.index(one) + 1, len(told) + 1), one)
    assert by_id(run(scores, told, mixed)) == expected


@given(PRICES)
@settings(max_examples=60, deadline=None)
def test_nothing_is_known_before_its_time_and_nothing_of_a_return_lies_before_its_score(
    prices: list[float | None],
) -> None:
    cycles, signals = world(prices)
    told = run([event for cycle in cycles for event in cycle], signals, [])
    assert len({one.outcome_id for one in told}) == len(told)
    for one in told:
        assert (one.return_pct is None) == bool(one.no_return)
        if one.return_pct is None:
            assert one.as_of > one.scored_at
            continue
        assert one.price_at is not None
        assert one.later_price_at is not None
        assert one.scored_at < one.price_at < one.later_price_at <= one.as_of
        after_ms = one.later_price_at - one.price_at - HORIZON_MS[one.horizon]
        assert -EARLY_MS <= after_ms <= LATE_MS


@given(PRICES, st.integers(min_value=1, max_value=39))
@settings(max_examples=60, deadline=None)
def test_what_is_known_does_not_change_with_what_comes_later(
    prices: list[float | None], cut: int
) -> None:
    cycles, signals = world(prices)
    whole = run([event for cycle in cycles for event in cycle], signals, [])
    known, part = cycles[:cut], signals[: 2 * cut]
    first = run([event for cycle in known for event in cycle], part, [])
    last = max((one.as_of for cycle in known for one in cycle), default=0)
    assert by_id(first) == by_id([one for one in whole if one.as_of <= last])
