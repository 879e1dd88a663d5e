"""When a score's and a signal's return is known, and at which prices it is taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.engines import ENGINES
from schemas.outcomes import Outcome
from schemas.topics import SCORES, SIGNALS
from streams.outcomes.outcomes_stage import MOST_STRATEGIES, OutcomesStage, outcome_id
from streams.outcomes.waiting import MOST_LOST
from streams.runner import StageRunner
from tests import factories
from tests.factories import CYCLE_MS, START_MS

_SCORES = {engine: factories.score(engine) for engine in ENGINES}
_SIGNAL = factories.signal()


class Feed:
    """The stage over the scores and signals of one asset."""

    def __init__(self) -> None:
        self.runner = StageRunner(OutcomesStage("v1"), 1)
        self._offsets = {SCORES.name: -1, SIGNALS.name: -1}

    def put(self, event: Any) -> list[Outcome]:
        topic = SIGNALS.name if hasattr(event, "signal_id") else SCORES.name
        self._offsets[topic] += 1
        key = event.asset.encode()
        outputs = self.runner.apply(topic, 0, self._offsets[topic], key, event)
        assert all((one.topic, one.key) == ("signals.outcomes", event.asset) for one in outputs)
        return [one.event for one in outputs]

    def cycle(
        self, number: int, price_usd: float | None, score: float = 0.5, **changes: Any
    ) -> list[Outcome]:
        """Answer a cycle with technical, the others being missing; return what became known."""
        return [
            one for event in answers(number, price_usd, score, **changes) for one in self.put(event)
        ]

    def state_bytes(self, asset: str = "BTC") -> int:
        entry = self.runner.entries.get(asset.encode())
        assert entry is not None
        return len(msgspec.msgpack.encode(entry.state))


def at(number: int) -> int:
    return START_MS + number * CYCLE_MS


def answers(number: int, price_usd: float | None, score: float = 0.5, **changes: Any) -> list[Any]:
    cycle = at(number)
    head = {"cycle": cycle, "as_of": cycle + 3, "cycle_size": 1}
    said = {"score": score, "confidence": 0.8, "price_usd": price_usd, "price_at": cycle + 1}
    head["sequence"] = number
    made = [replace(_SCORES["technical"], **{**head, **said, **changes})]
    missing = {"status": "missing", "score": 0.0, "confidence": 0.0, "freshness": 0.0}
    for engine in ENGINES:
        if engine != "technical":
            made.append(replace(_SCORES[engine], **head, **missing, price_usd=None))
    return made


def signal(number: int, price_usd: float | None, strategy_id: str = "s", **changes: Any) -> Any:
    cycle = at(number)
    fields = {
        "signal_id": f"{strategy_id}{number}",
        "strategy_id": strategy_id,
        "asset": "BTC",
        "cycle": cycle,
        "as_of": cycle + 3,
        "trigger": "cycle",
        "entry_price_usd": price_usd,
        "price_at": cycle + 1,
        "final_score": 0.25,
        "confidence": 0.6,
        "action": "HOLD",
        "strategy_version": 7,
    }
    return replace(_SIGNAL, **{**fields, **changes})


def test_an_hour_after_the_next_price_the_return_is_known() -> None:
    feed = Feed()
    told = [one for number in range(8) for one in feed.cycle(number, 100.0 + number)]
    (first,) = told
    assert first == Outcome(
        outcome_id=outcome_id("score", "BTC", "technical", at(0) + 3, "1h"),
        kind="score",
        asset="BTC",
        engine="technical",
        scored_at=at(0) + 3,
        cycle=at(0),
        horizon="1h",
        score=0.5,
        confidence=0.8,
        price_usd=101.0,
        price_at=at(1) + 1,
        later_price_usd=107.0,
        later_price_at=at(7) + 1,
        return_pct=100.0 * (107.0 / 101.0 - 1.0),
        as_of=at(7) + 3,
        settings="v1",
    )


def test_a_price_that_does_not_change_may_be_an_old_one() -> None:
    """Six ticks of an hour with the close of the hour before: the score waits for the next hour."""
    feed = Feed()
    told = [one for number in range(20) for one in feed.cycle(number, 100.0 + number // 6)]
    hours = {(one.price_usd, one.later_price_usd) for one in told}
    assert hours == {(101.0, 102.0), (102.0, 103.0)}
    assert [(one.cycle - START_MS) // CYCLE_MS for one in told] == [*range(6), *range(6, 12)]
    assert all(one.scored_at < (one.price_at or 0) for one in told)
    assert all(one.as_of >= (one.later_price_at or 0) for one in told)


@pytest.mark.parametrize(
    ("horizon", "every", "first"),
    [
        pytest.param("1h", 1, 7, id="1h: every cycle"),
        pytest.param("4h", 1, 25, id="4h: every cycle"),
        pytest.param("1d", 6, 145, id="1d: the first of every hour"),
        pytest.param("7d", 24, 1009, id="7d: the first of every four hours"),
    ],
)
def test_horizons(horizon: str, every: int, first: int) -> None:
    feed = Feed()
    told: dict[int, list[Outcome]] = {}
    for number in range(first + 2 * every):
        told[number] = [one for one in feed.cycle(number, 1.0 + number) if one.horizon == horizon]
    known = {number: outcomes for number, outcomes in told.items() if outcomes}
    assert list(known) == list(range(first, first + 2 * every, every))
    assert [one.cycle for (one,) in known.values()] == [at(0), at(every)]


def test_what_waits_is_bounded() -> None:
    feed = Feed()
    sizes = []
    for number in range(1_400):
        everyone = [
            replace(
                _SCORES[engine],
                cycle=at(number),
                as_of=at(number) + 3,
                sequence=number,
                score=0.123456789,
                confidence=0.987654321,
                price_usd=1.0 + number / 7.0,
                price_at=at(number) + 1,
            )
            for engine in ENGINES
        ]
        for event in everyone:
            feed.put(event)
        for name in ("mean-reversion", "trend-following"):
            feed.put(signal(number, 1.0 + number / 7.0, name, final_score=0.123456789))
        if number and not number % 270:
            sizes.append(feed.state_bytes())
    assert max(sizes) < 35_000
    assert sizes[-1] == pytest.approx(sizes[-3], rel=0.1)


def test_no_more_strategies_than_a_record_has_room_for() -> None:
    feed = Feed()
    for number in range(30):
        for strategy in range(MOST_STRATEGIES + 5):
            feed.put(signal(number, 1.0 + number, f"s{strategy}"))
    entry = feed.runner.entries.get(b"BTC")
    assert entry is not None
    assert len(entry.state.strategies) == MOST_STRATEGIES


def test_a_strategy_that_is_gone_is_forgotten() -> None:
    feed = Feed()
    feed.put(signal(0, 1.0, "old"))
    feed.put(signal(10 * 144, 1.0, "new"))
    entry = feed.runner.entries.get(b"BTC")
    assert entry is not None
    assert list(entry.state.strategies) == ["new"]


def test_what_gets_no_price_is_told() -> None:
    feed = Feed()
    feed.cycle(0, 100.0)
    told = [one for number in range(1, 10) for one in feed.cycle(number, 100.0)]
    assert {(one.no_return, one.return_pct, one.price_usd) for one in told} == {
        ("no_price", None, None)
    }
    assert [one.horizon for one in told if one.cycle == at(0)] == ["1h", "4h", "1d", "7d"]


def test_without_a_later_price_in_time_there_is_no_return() -> None:
    feed = Feed()
    feed.cycle(0, 100.0)
    feed.cycle(1, 101.0)
    late = feed.cycle(9, 102.0)  # twenty minutes after the hour
    told = [one for one in late if one.cycle == at(0)]
    assert [(one.horizon, one.no_return, one.price_usd) for one in told] == [
        ("1h", "no_later_price", 101.0),
    ]
    assert told[0].later_price_usd is None


def test_ten_minutes_late_is_in_time() -> None:
    feed = Feed()
    feed.cycle(0, 100.0)
    feed.cycle(1, 101.0)
    (told,) = feed.cycle(8, 102.0)
    assert told.return_pct == pytest.approx(100.0 / 101.0)


def test_an_asset_that_was_away_is_told_in_parts() -> None:
    """A week of waiting moments must not become one record larger than a topic takes."""
    feed = Feed()
    for number in range(900):
        feed.cycle(number, 1.0 + number)
    after = [len(feed.cycle(number, 1.0 + number)) for number in range(5_000, 5_010)]
    assert after[0] <= 5 * MOST_LOST
    assert sum(after[:4]) > 60
    entry = feed.runner.entries.get(b"BTC")
    assert entry is not None
    assert not any(one.cycle < at(5_000) for queue in entry.state.scores.horizons for one in queue)


def test_signals_carry_their_own_prices() -> None:
    feed = Feed()
    told = [one for number in range(8) for one in feed.put(signal(number, 100.0 + number))]
    (one,) = told
    assert (one.kind, one.engine, one.strategy_id, one.strategy_version) == ("signal", "", "s", 7)
    assert (one.score, one.confidence, one.action) == (0.25, 0.6, "HOLD")
    assert (one.price_usd, one.later_price_usd, one.scored_at) == (101.0, 107.0, at(0) + 3)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"trigger": "change", "cycle": None}, id="a change"),
        pytest.param({"trigger": "request", "cycle": None}, id="an answer"),
    ],
)
def test_only_signals_of_cycles_have_outcomes(changes: dict[str, Any]) -> None:
    feed = Feed()
    for number in range(10):
        assert feed.put(signal(number, 100.0 + number, **changes)) == []


def test_a_score_without_confidence_says_nothing() -> None:
    feed = Feed()
    told = [
        one for number in range(10) for one in feed.cycle(number, 100.0 + number, confidence=0.0)
    ]
    assert told == []


def test_a_price_of_an_engine_without_data_does_not_count() -> None:
    feed = Feed()
    told = [
        one for number in range(10) for one in feed.cycle(number, 100.0 + number, freshness=0.0)
    ]
    assert {one.no_return for one in told} == {"no_price"}


def test_a_cycle_is_over_when_a_newer_one_is() -> None:
    feed = Feed()
    technical = [answers(number, 100.0 + number)[0] for number in range(8)]
    assert feed.put(technical[0]) == []  # the others never answer
    told = [one for number in range(1, 8) for one in feed.cycle(number, 100.0 + number)]
    assert [one.cycle for one in told] == [at(0)]


def test_at_most_three_cycles_are_open() -> None:
    feed = Feed()
    told = [one for number in range(12) for one in feed.put(answers(number, 100.0 + number)[0])]
    assert [one.cycle for one in told] == [at(0), at(1)]
    assert told[0].as_of == at(7) + 3


def test_a_score_takes_the_place_of_a_missing_answer_not_the_other_way_round() -> None:
    one, *others = answers(0, 100.0)
    missing = replace(one, status="missing", confidence=0.0, price_usd=None)
    for first, second in ((one, missing), (missing, one)):
        feed = Feed()
        for event in (first, second, *others):
            feed.put(event)
        told = [one for number in range(1, 8) for one in feed.cycle(number, 100.0 + number)]
        assert [found.cycle for found in told] == [at(0)]
