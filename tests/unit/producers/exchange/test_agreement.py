"""Whether a market is of the list's coin: looks at two prices, one after the other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.exchange.agreement import LOOKS, Listed, Verdict, is_due, judge, load, save, why_not
from schemas.times import CYCLE_MS, HOUR_MS

T0 = 1_796_000_000_000
MARKET = "NEIRO/USDT"


def looked(*prices: tuple[float | None, float | None], before: Verdict | None = None) -> Verdict:
    """Return the verdict after looks, a cycle apart: (the list's price, the exchange's)."""
    verdict = before
    start = T0 if before is None else before.looked_ms + CYCLE_MS
    for number, (listed_usd, traded_usd) in enumerate(prices):
        at_ms = start + number * CYCLE_MS
        listed = None if listed_usd is None else Listed(at_ms, at_ms, listed_usd)
        verdict = judge(verdict, MARKET, listed, traded_usd, at_ms)
    assert verdict is not None
    return verdict


SAME, OTHER = (0.09, 0.088), (0.09, 0.0004)


def test_case_one_ticker_two_coins() -> None:
    verdict = looked(OTHER)
    assert not verdict.joined
    assert why_not(verdict) == (
        "NEIRO/USDT is another coin than the list's: 0.0004 USD there, 0.09 in the list"
    )


@pytest.mark.parametrize(
    ("looks", "joined"),
    [
        pytest.param([SAME], True, id="agrees"),
        pytest.param([(0.0004, 0.09)], False, id="the list's is the cheap one"),
        pytest.param([(1.0, 1.5)], True, id="half as much again"),
        pytest.param([(1.0, 1.51)], False, id="more than that"),
        pytest.param([(1.0, 1 / 1.51)], False, id="less than that"),
        pytest.param([(None, 0.09)], True, id="the list has no price"),
        pytest.param([(None, 0.09), OTHER], False, id="a price comes, of another coin"),
        pytest.param([SAME, OTHER], True, id="one wrong look"),
        pytest.param([SAME, OTHER, OTHER], True, id="two wrong looks"),
        pytest.param([SAME, OTHER, OTHER, OTHER], False, id="three"),
        pytest.param([SAME, OTHER, OTHER, SAME, OTHER, OTHER], True, id="never three in a row"),
        pytest.param([OTHER, SAME, SAME], False, id="agrees twice"),
        pytest.param([OTHER, SAME, SAME, SAME], True, id="a later agreement joins"),
        pytest.param([OTHER, SAME, OTHER, SAME, SAME], False, id="not three in a row"),
        pytest.param([SAME, (0.09, None), (None, 1.0)], True, id="no price, no look"),
        pytest.param([OTHER, (0.09, None), (None, 0.09)], False, id="no price, no look either"),
    ],
)
def test_looks(looks: list[tuple[float | None, float | None]], joined: bool) -> None:
    assert looked(*looks).joined is joined


def test_the_same_list_again_is_no_new_look() -> None:
    verdict, listed = looked(SAME), Listed(T0, T0, 0.09)
    for _ in range(LOOKS + 1):
        assert not is_due(verdict, MARKET, listed)
        verdict = judge(verdict, MARKET, listed, 0.0004, T0)
    assert verdict.joined


def test_another_market_is_judged_anew() -> None:
    out = looked(OTHER)
    listed = Listed(T0, T0, 0.09)
    assert is_due(out, "NEIROETH/USDT", listed)
    assert judge(out, "NEIROETH/USDT", listed, 0.09, T0).joined


@pytest.mark.parametrize(
    ("hours", "times", "joined"),
    [(0, 2.0, False), (3, 2.9, True), (3, 3.1, False), (24 * 30, 225.0, False)],
)
def test_an_old_price_may_be_farther_off(hours: int, times: float, joined: bool) -> None:
    listed = Listed(T0, T0 - hours * HOUR_MS, 1.0)
    assert judge(None, MARKET, listed, times, T0).joined is joined


def test_verdicts_survive(tmp_path: Path) -> None:
    path = tmp_path / "markets" / "binance.json"
    assert load(path) == {}
    verdicts = {"NEIRO": looked(OTHER, SAME), "BTC": looked(SAME)}
    save(path, verdicts)
    assert load(path) == verdicts
    assert looked(SAME, SAME, before=load(path)["NEIRO"]).joined
    path.write_bytes(b"{")
    assert load(path) == {}


prices = st.sampled_from([0.0004, 0.09, 0.1, None])


@given(st.lists(st.tuples(prices, prices), min_size=1, max_size=30))
def test_it_does_not_flap(looks: list[tuple[float | None, float | None]]) -> None:
    """Between two changes lie three looks that said the other thing."""
    verdict: Verdict | None = None
    changes = []
    for number in range(len(looks)):
        after = looked(looks[number], before=verdict) if verdict else looked(looks[number])
        if verdict is not None and verdict.looked_ms and after.joined != verdict.joined:
            changes.append(number)
        verdict = after
    assert all(later - earlier >= LOOKS for earlier, later in pairwise(changes))
