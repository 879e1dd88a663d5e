"""Weights learned from outcomes: what is learned, from when, and what never changes them."""

from __future__ import annotations

from math import fsum
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.engines import DEFAULT_WEIGHTS, ENGINES
from schemas.scores import EngineScore
from schemas.strategy_files import strategies_of, to_yaml
from schemas.times import DAY_MS, HOUR_MS
from schemas.validation import problem
from streams.backtest.calibration import CalibrationError, Learned, calibrate, learned, version_of
from streams.backtest.samples import Sample, samples

STRATEGY = Strategy(strategy_id="s", owner="admin", name="S", buy_threshold=0.1, band=0.0)
DAYS = 40


def world(knows: str | None, days: int = DAYS, seed: int = 7) -> list[Sample]:
    """Hourly samples of two assets; the returns of a day follow one engine, or none."""
    random = Random(seed)
    found = []
    for at_ms in range(0, days * DAY_MS, HOUR_MS):
        for asset in ("BTC", "ETH"):
            values = [random.uniform(-1.0, 1.0) for _ in ENGINES]
            values[ENGINES.index("liquidity")] = 0.0
            signal = 0.0 if knows is None else values[ENGINES.index(knows)]
            back = signal + random.gauss(0.0, 1.0)
            found.append(Sample(at_ms, asset, at_ms + DAY_MS, tuple(values), back))
    return found


def final(sample: Sample, weights: dict[str, float]) -> float:
    return fsum(v * w for v, w in zip(sample.values, weights.values(), strict=True))


def at_the_end(known: list[Sample], shrinkage: float) -> Learned:
    return learned(known, STRATEGY, (DAYS + 1) * DAY_MS, 100, shrinkage)


@pytest.mark.parametrize("engine", ["sentiment", "technical", "event_risk"])
def test_an_engine_that_knows_gets_weight(engine: str) -> None:
    found = at_the_end(world(engine), 0.5).weights
    assert found[engine] > 0.7
    assert all(found[engine] > DEFAULT_WEIGHTS[one] for one in ENGINES)


def test_full_shrinkage_is_the_fixed_weights() -> None:
    assert at_the_end(world("technical"), 1.0).weights == pytest.approx(DEFAULT_WEIGHTS)


def test_more_shrinkage_is_nearer_to_the_fixed_weights() -> None:
    known = world("technical")
    ours = [at_the_end(known, one).weights["technical"] for one in (0.0, 0.9, 0.99, 1.0)]
    assert ours == sorted(ours, reverse=True)


def test_too_few_outcomes_leave_the_fixed_weights() -> None:
    found = learned(world("technical"), STRATEGY, 2 * DAY_MS, 100, 0.0)
    assert found.outcomes < 100
    assert found.weights == DEFAULT_WEIGHTS
    assert (found.buy_threshold, found.sell_threshold) == (0.1, -0.3)


def test_the_thresholds_are_passed_as_often_as_before() -> None:
    known = world("technical")
    found = at_the_end(known, 0.5)
    before = sum(final(one, DEFAULT_WEIGHTS) >= 0.1 for one in known)
    after = sum(final(one, found.weights) >= found.buy_threshold for one in known)
    assert after == pytest.approx(before, abs=3)


def test_it_is_better_out_of_sample_where_an_engine_knows() -> None:
    made = calibrate(
        world("technical"), STRATEGY, horizon="1d", train_days=10, step_days=5, shrinkage=0.5
    )
    assert [one.valid_from_ms // DAY_MS for one in made.versions] == [10, 15, 20, 25, 30, 35]
    assert made.calibrated.statistics is not None
    assert made.fixed.statistics is not None
    assert (made.calibrated.statistics.ic or 0) > (made.fixed.statistics.ic or 0) + 0.1
    assert "calibration is better" in made.verdict


def test_it_is_said_to_be_no_better_where_none_knows() -> None:
    made = calibrate(world(None), STRATEGY, horizon="1d", train_days=10, step_days=5, shrinkage=0.5)
    assert "by less than two standard errors" in made.verdict


def test_a_span_that_is_too_short_is_refused() -> None:
    with pytest.raises(CalibrationError, match="outcomes of 4 days, and a training takes 10"):
        calibrate(
            world(None, days=5), STRATEGY, horizon="1d", train_days=10, step_days=5, shrinkage=0.5
        )


@settings(max_examples=25, deadline=None)
@given(
    at_day=st.integers(5, DAYS),
    shrinkage=st.floats(0.0, 1.0),
    factor=st.floats(-50.0, 50.0),
    own=st.sampled_from([{}, {"sentiment": 0.3, "technical": 0.4}, {"liquidity": 1.0}]),
)
def test_nothing_after_a_moment_changes_its_weights(
    at_day: int, shrinkage: float, factor: float, own: dict[str, float]
) -> None:
    known, at_ms = WORLD, at_day * DAY_MS
    strategy = Strategy(strategy_id="s", owner="admin", name="S", weights=own)
    later = [
        one._replace(return_pct=one.return_pct * factor + 1.0) if one.known_at_ms > at_ms else one
        for one in known
    ]
    found = learned(known, strategy, at_ms, 20, shrinkage)
    assert found == learned(later, strategy, at_ms, 20, shrinkage)
    assert found == learned(
        [one for one in known if one.known_at_ms <= at_ms],
        *(
            strategy,
            at_ms,
            20,
            shrinkage,
        ),
    )
    version = version_of(strategy, found)
    assert problem(version) is None
    assert fsum(version.weights.values()) == pytest.approx(fsum((own or DEFAULT_WEIGHTS).values()))
    assert strategies_of(to_yaml(version), "x")[0].weights == version.weights


WORLD = world("technical")


def score(at_ms: int, engine: str, value: float, price: float | None = None) -> EngineScore:
    return EngineScore(
        asset="BTC",
        engine=engine,
        status="ok" if value else "missing",
        cycle=at_ms,
        as_of=at_ms,
        sequence=0,
        score=value,
        confidence=1.0,
        freshness=1.0,
        price_usd=price,
    )


def test_a_sample_has_the_scores_of_a_tick_and_the_return_to_the_first_tick_after() -> None:
    scores = [
        *(score(0, "technical", 0.5, 100.0), score(0, "sentiment", 0.25), score(0, "liquidity", 0)),
        score(HOUR_MS // 6, "technical", 0.5, 101.0),  # within the hour
        score(HOUR_MS + 5, "technical", -0.5, 110.0),
        score(2 * HOUR_MS + 6, "technical", -0.5, 99.0),
    ]
    found = samples(scores, "1h")
    assert [one.at_ms for one in found] == [0, HOUR_MS + 5]
    assert found[0] == (0, "BTC", HOUR_MS + 5, (0.25, 0.5, 0.0, 0.0, 0.0), pytest.approx(10.0))
    assert found[1].return_pct == pytest.approx(-10.0)
