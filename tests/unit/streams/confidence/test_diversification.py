"""Diversification: correlation of daily returns, the table of groups, and the weight of both."""

from __future__ import annotations

from random import Random
from statistics import correlation

import pytest

from streams.confidence.diversification import Config, diversification, grouped, measured
from streams.confidence.portfolio import Portfolio, Position
from tests.factories import DAY_MS, START_MS
from tests.unit.streams.confidence.worked import decision

CONFIG = Config()


def series(seed: int, days: int = 60) -> tuple[float, ...]:
    random = Random(seed)
    return tuple(random.gauss(0.0, 0.03) for _ in range(days))


def holding(**assets: tuple[float, tuple[float, ...]]) -> Portfolio:
    """Return a portfolio of $50,000 with values in USD and daily returns by asset."""
    positions = {
        asset: Position(value, 1.0, 0.0, START_MS, 1.0, START_MS, returns=returns,
                        returns_until=START_MS if returns else None)
        for asset, (value, returns) in assets.items()
    }  # fmt: skip
    return Portfolio(begun=True, invested_usd=50_000.0, positions=positions)


@pytest.mark.parametrize(
    ("asset", "other", "expected"),
    [
        pytest.param("BTC", "BTC", 1.0, id="itself"),
        pytest.param("XYZ", "XYZ", 1.0, id="itself, in no group"),
        pytest.param("BTC", "ETH", 0.8, id="one group"),
        pytest.param("BTC", "DOGE", 0.55, id="two groups"),
        pytest.param("XYZ", "ABC", 0.55, id="two assets in no group"),
        pytest.param("BTC", "USDC", 0.0, id="cash"),
        pytest.param("USDT", "USDC", 0.0, id="two kinds of cash"),
        pytest.param("BTC", "EURC", 0.0, id="cash that is no dollar"),
        pytest.param("MATIC", "ARB", 0.8, id="one group, by an earlier ticker"),
    ],
)
def test_the_table_of_groups(asset: str, other: str, expected: float) -> None:
    assert grouped(CONFIG, asset, other) == expected
    assert grouped(CONFIG, other, asset) == expected


@pytest.mark.parametrize(
    ("ahead_days", "days", "other_days"),
    [
        pytest.param(0, 60, 60, id="the same days"),
        pytest.param(1, 60, 60, id="one day newer"),
        pytest.param(-1, 60, 60, id="one day older"),
        pytest.param(20, 60, 60, id="40 days in common"),
        pytest.param(0, 60, 35, id="a young coin"),
        pytest.param(-10, 60, 45, id="both"),
    ],
)
def test_only_days_of_both_count(ahead_days: int, days: int, other_days: int) -> None:
    """The market's returns by day number; each series is a part of them, and noise."""
    market, noise = series(1, 200), series(2, 200)
    last, other_last = 100 + ahead_days, 100
    mine = {day: market[day] for day in range(last - days + 1, last + 1)}
    theirs = {
        day: market[day] + noise[day] for day in range(other_last - other_days + 1, other_last + 1)
    }
    both = sorted(mine.keys() & theirs.keys())
    expected = correlation([mine[day] for day in both], [theirs[day] for day in both])
    got = measured(
        tuple(mine.values()),
        START_MS + last * DAY_MS,
        tuple(theirs.values()),
        START_MS + other_last * DAY_MS - 1,  # as some close a day
        30,
    )
    assert got is not None
    assert got == (pytest.approx(expected), len(both))
    assert 0.4 < got[0] < 1.0


@pytest.mark.parametrize(
    ("returns", "until", "other", "other_until"),
    [
        pytest.param(series(1, 29), START_MS, series(2), START_MS, id="29 days"),
        pytest.param(series(1), START_MS + 31 * DAY_MS, series(2), START_MS, id="29 in common"),
        pytest.param(series(1), START_MS + 99 * DAY_MS, series(2), START_MS, id="none in common"),
        pytest.param(series(1), START_MS - 99 * DAY_MS, series(2), START_MS, id="none, older"),
        pytest.param(series(1), None, series(2), START_MS, id="unknown"),
        pytest.param((), START_MS, (), START_MS, id="no days"),
        pytest.param((0.0,) * 60, START_MS, series(2), START_MS, id="one that never moved"),
    ],
)
def test_too_few_days_have_no_correlation(
    returns: tuple[float, ...],
    until: int | None,
    other: tuple[float, ...],
    other_until: int | None,
) -> None:
    assert measured(returns, until, other, other_until, 30) is None
    assert measured(other, other_until, returns, until, 30) is None


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param({}, 1.0, id="nothing held"),
        pytest.param({"USDT": 50_000.0}, 1.0, id="cash only"),
        pytest.param({"ETH": 25_000.0}, 0.6, id="half in ETH"),
        pytest.param({"DOGE": 25_000.0}, 0.725, id="half in DOGE"),
        pytest.param({"ETH": 10_000.0, "DOGE": 10_000.0}, 0.73, id="both"),
        pytest.param({"BTC": 50_000.0}, 0.0, id="all in BTC"),
    ],
)
def test_correlated_holdings_lower_the_weight(held: dict[str, float], expected: float) -> None:
    portfolio = holding(**{asset: (value, ()) for asset, value in held.items()})
    weight, said = diversification(CONFIG, portfolio, decision())
    assert weight == pytest.approx(expected)
    assert (said is None) == (weight == 1.0)


@pytest.mark.parametrize(
    ("returns", "weight", "said"),
    [
        pytest.param(series(1), 0.5, "ETH (correlation 1.00, over 60 days)", id="alike"),
        pytest.param(tuple(-one for one in series(1)), 1.0, None, id="against each other"),
        pytest.param(series(1)[:20], 0.6, "by the table of groups", id="too few days"),
    ],
)
def test_own_returns_beat_the_table(
    returns: tuple[float, ...], weight: float, said: str | None
) -> None:
    mine = series(1)[:20] if len(returns) == 20 else series(1)
    asked = decision(daily_returns=mine, returns_until=START_MS)
    got, sentence = diversification(CONFIG, holding(ETH=(25_000.0, returns)), asked)
    assert got == pytest.approx(weight)
    assert sentence is None if said is None else said in (sentence or "")


def test_the_days_that_are_asked_for_can_be_set() -> None:
    asked = decision(daily_returns=series(1, 20), returns_until=START_MS)
    portfolio = holding(ETH=(25_000.0, series(1, 20)))
    assert diversification(Config(common_days=20), portfolio, asked)[0] == pytest.approx(0.5)
    assert diversification(Config(common_days=21), portfolio, asked)[0] == pytest.approx(0.6)
