"""Fill prices: half the spread and the slippage of the order's size, never better than seen."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.confidence.fills import Config, quote

CONFIG = Config()
BOOK = {
    # Slippage from mid, half the spread of 4 bps included, as the liquidity engine gives it.
    "slippage_10k_bps": 4.0,
    "slippage_100k_bps": 12.0,
    "slippage_1m_bps": 52.0,
    "size_top_usd": 300_000.0,
}
TWO = {name: BOOK[name] for name in ("slippage_10k_bps", "slippage_100k_bps")}
TOP = {"size_top_usd": 5_000.0}


@pytest.mark.parametrize(
    ("value_usd", "features", "slippage_bps", "most_usd"),
    [
        pytest.param(10.0, BOOK, 0.002, 1e6, id="next to nothing"),
        pytest.param(5_000.0, BOOK, 1.0, 1e6, id="half of the first: in proportion"),
        pytest.param(10_000.0, BOOK, 2.0, 1e6, id="the first order walked"),
        pytest.param(10_000.0 * 10**0.5, BOOK, 6.0, 1e6, id="half way to the second, as logarithm"),
        pytest.param(100_000.0, BOOK, 10.0, 1e6, id="the second"),
        pytest.param(100_000.0 * 10**0.5, BOOK, 30.0, 1e6, id="half way to the third"),
        pytest.param(1_000_000.0, BOOK, 50.0, 1e6, id="the third"),
        pytest.param(2_000_000.0, BOOK, 102.0, 1e6, id="beyond: twice the whole cost of the last"),
        pytest.param(200_000.0, TWO, 22.0, 1e5, id="beyond what a thinner book fills"),
        pytest.param(2_500.0, TOP, 50.0, 5_000.0, id="best levels only, half of them"),
        pytest.param(5_000.0, TOP, 100.0, 5_000.0, id="best levels only"),
        pytest.param(10_000.0, TOP, 202.0, 5_000.0, id="beyond the best levels"),
        pytest.param(10.0, {}, 100.0, 0.0, id="a book of which nothing is known"),
        pytest.param(10.0, {"size_top_usd": 0.0}, 100.0, 0.0, id="an empty book"),
        pytest.param(
            50_000.0,
            {"slippage_10k_bps": 1.0, "slippage_100k_bps": 0.5},
            0.0,
            1e5,
            id="less than half the spread is no gain",
        ),
    ],
)
def test_slippage_of_a_size(
    value_usd: float, features: dict[str, float], slippage_bps: float, most_usd: float
) -> None:
    bought = quote(CONFIG, "buy", 100.0, value_usd, 4.0, features)
    sold = quote(CONFIG, "sell", 100.0, value_usd, 4.0, features)
    assert bought.slippage_bps == pytest.approx(slippage_bps, abs=1e-9)
    assert (bought.half_spread_bps, bought.most_usd) == (2.0, most_usd)
    assert bought.price_usd == pytest.approx(100.0 + (2.0 + slippage_bps) / 100.0)
    assert sold.price_usd == pytest.approx(100.0 - (2.0 + slippage_bps) / 100.0)


def test_without_a_book_the_configured_costs_apply_to_any_size() -> None:
    for value_usd in (1.0, 1e9):
        got = quote(CONFIG, "buy", 100.0, value_usd, None, BOOK)
        assert (got.half_spread_bps, got.slippage_bps, got.most_usd) == (0.0, 10.0, inf)
        assert got.price_usd == pytest.approx(100.1)


def test_a_sale_brings_at_least_a_hundredth() -> None:
    got = quote(CONFIG, "sell", 100.0, 1e12, 19_999.0, BOOK)
    assert got.price_usd == pytest.approx(1.0)
    assert got.half_spread_bps + got.slippage_bps == 9_900.0


features = st.fixed_dictionaries(
    {}, optional={name: st.floats(0.0, 30_000.0) for name in BOOK if name != "size_top_usd"}
)


@given(
    st.floats(1e-12, 1e12),
    st.floats(1e-6, 1e10),
    st.floats(1.0, 1e4),
    st.none() | st.floats(0.0, 19_999.0),
    features,
)
def test_a_fill_is_never_better_than_seen_and_a_larger_order_never_cheaper(
    price_usd: float,
    value_usd: float,
    factor: float,
    spread_bps: float | None,
    features: dict[str, float],
) -> None:
    for side, sign in (("buy", 1.0), ("sell", -1.0)):
        small = quote(CONFIG, side, price_usd, value_usd, spread_bps, features)
        large = quote(CONFIG, side, price_usd, value_usd * factor, spread_bps, features)
        assert sign * (small.price_usd - price_usd) >= 0.0
        assert sign * (large.price_usd - small.price_usd) >= -1e-9 * price_usd
        assert large.price_usd > 0.0
