"""Windows, what was chosen in them, and how much of a choice is luck."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.times import DAY_MS
from streams.backtest.walk_forward import (
    Window,
    WindowError,
    best_of,
    between,
    overfit_probability,
    rank_correlation,
    ranks,
    window_result,
    windows,
)


def days(*places: int) -> tuple[int, ...]:
    return tuple(place * DAY_MS for place in places)


@pytest.mark.parametrize(
    ("count", "train", "test", "expected"),
    [
        pytest.param(3, 10, 5, [(5, 15, 20), (10, 20, 25), (15, 25, 30)], id="both given"),
        pytest.param(3, None, None, [(0, 12, 18), (6, 18, 24), (12, 24, 30)], id="twice as long"),
        pytest.param(2, 20, None, [(0, 20, 25), (5, 25, 30)], id="training given"),
        pytest.param(2, None, 5, [(0, 20, 25), (5, 25, 30)], id="test given"),
    ],
)
def test_windows_end_with_the_span(
    count: int, train: int | None, test: int | None, expected: list[tuple[int, int, int]]
) -> None:
    found = windows(0, 30 * DAY_MS, count, train, test)
    assert [(w.train_from_ms, w.test_from_ms, w.test_until_ms) for w in found] == [
        days(*one) for one in expected
    ]


def test_windows_are_of_whole_days() -> None:
    (found,) = windows(1, 4 * DAY_MS - 1, 1, 1, 1)
    assert found == Window(*days(1, 2, 3))


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(WindowError, match="3 windows of 20 days of training and 5 of test need 35"):
        windows(0, 30 * DAY_MS, 3, 20, 5)
    with pytest.raises(WindowError, match="the span has 2"):
        windows(0, 2 * DAY_MS, 3, None, None)


def test_the_returns_of_some_days() -> None:
    returns = [0.1, 0.2, 0.3, 0.4]
    assert between(returns, *days(10, 11, 13)) == (0.2, 0.3)
    assert between(returns, *days(10, 5, 11)) == (0.1,)
    assert between(returns, *days(10, 13, 20)) == (0.4,)
    assert between(returns, *days(10, 2, 8)) == ()


def test_the_best_is_the_first_of_equals() -> None:
    assert best_of([None, 1.0, 2.0, 2.0]) == 2
    assert best_of([None]) is None


def test_ranks_and_their_correlation() -> None:
    assert list(ranks([3.0, 1.0, 3.0, 2.0])) == [3.5, 1.0, 3.5, 2.0]
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 99]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    # scipy.stats.spearmanr([1, 2, 2, 4, 5], [3, 1, 4, 4, 9])
    assert rank_correlation([1, 2, 2, 4, 5], [3, 1, 4, 4, 9]) == pytest.approx(0.7631578947)
    assert rank_correlation([1, 2], [1, 2]) is None
    assert rank_correlation([1, 2, 3], [5, 5, 5]) is None


def test_a_window_chooses_in_sample_and_is_judged_out_of_it() -> None:
    window = Window(*days(0, 2, 3))
    choices = [{"rsi": "25"}, {"rsi": "30"}, {"rsi": "35"}, {"rsi": "40"}]
    found = window_result(window, choices, list("abcd"), [1.0, 3.0, 2.0, None], [0.5, -1.0, 2.0, 9])
    assert found is not None
    assert (found.chosen, found.key) == ({"rsi": "30"}, "b")
    assert (found.trials, found.judged) == (3, 4)
    assert (found.in_sample, found.out_of_sample) == (3.0, -1.0)
    assert found.median_out == 1.25
    assert found.rank_out == 4.0
    assert found.correlation == pytest.approx(-0.5)
    assert window_result(window, choices[:1], ["a"], [None], [1.0]) is None


def noise(trials: int, length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (trials, length))


def test_the_best_of_pure_noise_is_overfit_half_of_the_time() -> None:
    found = [overfit_probability(noise(50, 120, seed).tolist()) for seed in range(12)]
    assert np.mean([one for one in found if one is not None]) == pytest.approx(0.5, abs=0.12)


def test_real_skill_is_not_overfit() -> None:
    returns = noise(50, 120, 1)
    returns[17] += 0.02
    assert overfit_probability(returns.tolist()) == 0.0


def test_what_wins_by_losing_later_is_overfit() -> None:
    """Each of two trials earns on one half of the days what it loses on the other."""
    half = np.r_[np.full(40, 0.01), np.full(40, -0.01)] + noise(1, 80, 3)[0] / 10
    found = overfit_probability([half.tolist(), half[::-1].tolist()])
    assert found is not None
    assert found > 0.6


@pytest.mark.parametrize(
    "returns",
    [
        pytest.param([], id="none"),
        pytest.param([[0.1] * 40], id="one trial"),
        pytest.param([[0.1] * 7, [0.2] * 7], id="few days"),
        pytest.param([[0.1, 0.2] * 20] * 3, id="all alike"),
    ],
)
def test_where_there_is_nothing_to_say_about_overfitting(returns: list[list[float]]) -> None:
    assert overfit_probability(returns) is None
