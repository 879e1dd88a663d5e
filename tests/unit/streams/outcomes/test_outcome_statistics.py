"""Statistics of outcomes: by hand, over planted foresight, over chance."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pandas as pd
import pytest

from schemas.outcomes import HORIZON_MS, Outcome
from streams.outcomes.outcome_statistics import OutcomeStatistics, OutcomeTable, statistics
from tests.contract.sink_samples import outcome
from tests.factories import CYCLE_MS, DAY_MS, HOUR_MS, START_MS


def told(
    scores: Sequence[float],
    returns: Sequence[float | None],
    confidence: Sequence[float] | None = None,
    step_ms: int = HOUR_MS,
    horizon: str = "1h",
    asset: str = "BTC",
) -> list[Outcome]:
    """Return outcomes one after the other."""
    return [
        outcome(
            scored_at=START_MS + number * step_ms,
            asset=asset,
            horizon=horizon,
            score=score,
            confidence=0.8 if confidence is None else confidence[number],
            return_pct=change,
        )
        for number, (score, change) in enumerate(zip(scores, returns, strict=True))
    ]


def only(outcomes: Sequence[Outcome]) -> OutcomeStatistics:
    (one,) = statistics(outcomes)
    return one


def test_by_hand() -> None:
    """Three right of four with a direction; two without one, one without a return.

    Ranks of the scores 1, 2, 3.5, 3.5, 5, 6 and of the returns 1, 3, 2, 4, 5, 6: their deviations
    from 3.5 multiply to 15.5 in sum, their squares are 17 and 17.5.
    """
    found = only(
        [
            *told([-0.8, -0.4, 0.0, 0.0, 0.3, 0.9], [-3.0, 1.0, -1.0, 2.0, 3.0, 4.0], [0.9] * 6),
            *told([0.5], [None], step_ms=1),
        ]
    )
    assert (found.kind, found.name, found.horizon) == ("score", "technical", "1h")
    assert (found.n, found.without_return, found.n_effective, found.is_too_few) == (6, 1, 6, True)
    assert (found.from_ms, found.until_ms) == (START_MS, START_MS + 5 * HOUR_MS)
    assert found.mean_return_pct == pytest.approx(1.0)
    assert found.ic == pytest.approx(15.5 / (17.0 * 17.5) ** 0.5)
    assert found.n_directional == 4
    assert found.hit_rate_pct == pytest.approx(75.0)
    assert found.base_rate_pct == pytest.approx(75.0)
    assert found.brier == pytest.approx((3 * 0.1**2 + 0.9**2) / 4)
    assert found.brier_base == pytest.approx(0.75 * 0.25)
    (held,) = found.calibration
    assert (held.low, held.high, held.n, held.hit_rate_pct) == (0.9, 1.0, 4, 75.0)
    assert [bucket.n for bucket in found.buckets] == [1, 1, 2, 1, 1]
    assert [bucket.mean_return_pct for bucket in found.buckets] == [-3.0, 1.0, 0.5, 3.0, 4.0]


def test_without_any_return_nothing_is_said_and_it_is_counted() -> None:
    found = only(told([0.5, 0.4], [None, None]))
    assert (found.n, found.without_return, found.is_too_few) == (0, 2, True)
    assert (found.ic, found.hit_rate_pct, found.brier, found.buckets) == (None, None, None, ())


@pytest.mark.parametrize(
    ("scores", "returns"),
    [
        pytest.param([0.2, 0.2, 0.2], [1.0, 2.0, 3.0], id="scores all equal"),
        pytest.param([0.1, 0.2, 0.3], [0.0, 0.0, 0.0], id="returns all equal"),
        pytest.param([0.1, 0.2], [1.0, 2.0], id="two of them"),
    ],
)
def test_no_coefficient_without_two_rankings(scores: list[float], returns: list[float]) -> None:
    found = only(told(scores, returns))
    assert (found.ic, found.ic_error) == (None, None)


def test_the_coefficient_is_that_of_pandas() -> None:
    random = Random(1)
    scores = [round(random.uniform(-1.0, 1.0), 1) for _ in range(500)]
    returns = [one + random.gauss(0.0, 1.0) for one in scores]
    found = only(told(scores, returns))
    frame = pd.DataFrame({"score": scores, "return": returns})
    known = frame.corr(method="spearman").loc["score", "return"]
    assert found.ic == pytest.approx(known)
    assert found.ic_error == pytest.approx(1.0 / 500**0.5, rel=0.3)


def test_who_knows_the_future_has_one_and_who_guesses_has_none() -> None:
    random = Random(5)
    prices = [0.0]
    for _ in range(3_000):
        prices.append(prices[-1] + random.gauss(0.0, 1.0))
    for horizon, length in (("1h", 6), ("1d", 144)):
        returns = [prices[n + length] - prices[n] for n in range(len(prices) - length)]
        knows = [max(-1.0, min(one / 50.0, 1.0)) for one in returns]
        guesses = [random.uniform(-1.0, 1.0) for _ in returns]
        known = only(told(knows, returns, step_ms=CYCLE_MS, horizon=horizon))
        guessed = only(told(guesses, returns, step_ms=CYCLE_MS, horizon=horizon))
        assert known.ic is not None
        assert known.ic > 0.99
        assert known.hit_rate_pct == 100.0
        assert guessed.ic is not None
        assert guessed.ic_error is not None
        assert abs(guessed.ic) < 2.0 * guessed.ic_error
        assert [bucket.mean_return_pct for bucket in known.buckets] == sorted(
            bucket.mean_return_pct for bucket in known.buckets
        )


def test_a_score_that_lasts_has_an_error_that_knows_it() -> None:
    """Both score and return go on from hour to hour: most of the 2,000 say the same again.

    Over many tries the mean error should be about what the coefficients scatter by.
    """
    scattered, errors = [], []
    for seed in range(60):
        random = Random(seed)
        steps = [random.gauss(0.0, 1.0) for _ in range(2_024)]
        returns = [sum(steps[n : n + 24]) for n in range(2_000)]
        score, scores = 0.0, []
        for _ in range(2_000):
            score = 0.96 * score + random.gauss(0.0, 0.01)
            scores.append(max(-1.0, min(score, 1.0)))
        found = only(told(scores, returns, horizon="1d"))
        assert found.ic is not None
        assert found.ic_error is not None
        scattered.append(found.ic)
        errors.append(found.ic_error)
    scatter = (sum(one * one for one in scattered) / len(scattered)) ** 0.5
    assert 0.7 < sum(errors) / len(errors) / scatter < 1.3
    assert scatter > 3.0 / 2_000**0.5  # an error that knew nothing of it would be far too small


def test_assets_that_move_together_say_little_more_than_one() -> None:
    random = Random(2)
    scores = [random.uniform(-1.0, 1.0) for _ in range(400)]
    returns = [random.gauss(0.0, 1.0) for _ in range(400)]
    one = only(told(scores, returns))
    both = only([*told(scores, returns), *told(scores, returns, asset="ETH")])
    assert (one.n_effective, both.n_effective) == (400, 800)
    assert one.ic_error is not None
    assert both.ic_error == pytest.approx(one.ic_error)


def test_windows_that_overlap_count_once() -> None:
    count = 7 * 24 * 2
    found = only(told([0.5] * count, [1.0] * count, horizon="7d"))
    week = HORIZON_MS["7d"]
    assert found.n == count
    assert found.n_effective == len({(START_MS + n * HOUR_MS) // week for n in range(count)})
    assert found.is_too_few


def test_order_and_repetitions_do_not_matter() -> None:
    random = Random(3)
    events = told(
        [random.uniform(-1, 1) for _ in range(50)], [random.gauss(0, 1) for _ in range(49)] + [None]
    )
    mixed = [*events, *events[10:30], *told([0.5], [None], step_ms=1)[:0]]
    random.shuffle(mixed)
    assert statistics(mixed) == statistics(events)


def test_engines_come_before_strategies_and_short_horizons_before_long_ones() -> None:
    table = OutcomeTable()
    for horizon in ("7d", "1h"):
        for who in ("technical", "sentiment"):
            table.add(outcome(engine=who, horizon=horizon))
        table.add(outcome(kind="signal", engine="", strategy_id="momentum", horizon=horizon))
    assert [(one.name, one.horizon) for one in table.statistics()] == [
        (name, horizon)
        for name in ("sentiment", "technical", "momentum")
        for horizon in ("1h", "7d")
    ]
    assert all(one.is_too_few for one in table.statistics())


def test_a_time_far_off_costs_no_memory() -> None:
    far = [outcome(scored_at=START_MS + 200 * 365 * DAY_MS, score=-0.3, return_pct=5.0)]
    found = only([*told([0.1, 0.2, 0.4], [1.0, 2.0, 3.0], horizon="4h"), *far])
    assert found.n == 4
