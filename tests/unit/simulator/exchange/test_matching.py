from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exchange.matching_engine import spend, total, walk, worth

ASKS = [(Decimal("100"), Decimal(1)), (Decimal("101"), Decimal(2)), (Decimal("103"), Decimal(4))]
BIDS = [(Decimal("99"), Decimal(1)), (Decimal("98"), Decimal(2))]


@pytest.mark.parametrize(
    ("levels", "quantity", "limit", "buying", "expected"),
    [
        pytest.param(ASKS, "0.5", None, True, [("100", "0.5")], id="inside the best level"),
        pytest.param(ASKS, "2", None, True, [("100", "1"), ("101", "1")], id="level by level"),
        pytest.param(ASKS, "9", None, True, [("100", 1), ("101", 2), ("103", 4)], id="all of it"),
        pytest.param(ASKS, "9", "101", True, [("100", 1), ("101", 2)], id="up to the limit"),
        pytest.param(ASKS, "9", "99.9", True, [], id="below the book"),
        pytest.param(BIDS, "9", "98.5", False, [("99", 1)], id="selling down to the limit"),
        pytest.param([], "1", None, True, [], id="an empty book"),
    ],
)
def test_walk(levels, quantity, limit, buying, expected) -> None:
    limit = None if limit is None else Decimal(limit)
    taken = walk(levels, quantity=Decimal(quantity), limit=limit, buying=buying)
    assert taken == [(Decimal(price), Decimal(size)) for price, size in expected]


@pytest.mark.parametrize(
    ("budget", "step", "expected", "enough"),
    [
        pytest.param("50", "0.1", [("100", "0.5")], True, id="inside the best level"),
        pytest.param("201", "0.1", [("100", 1), ("101", 1)], True, id="two levels"),
        pytest.param("99.99", "1", [], True, id="less than a step costs"),
        pytest.param("10000", "1", [("100", 1), ("101", 2), ("103", 4)], False, id="a thin book"),
    ],
)
def test_spend(budget, step, expected, enough) -> None:
    taken, complete = spend(ASKS, budget=Decimal(budget), step=Decimal(step))
    assert taken == [(Decimal(price), Decimal(size)) for price, size in expected]
    assert complete is enough


@given(
    budget=st.decimals("0.01", "2000", places=2),
    sizes=st.lists(st.decimals("0.001", "5", places=3), max_size=6),
)
def test_a_budget_is_never_exceeded(budget: Decimal, sizes: list[Decimal]) -> None:
    levels = [(Decimal(100 + number), size) for number, size in enumerate(sizes)]
    step = Decimal("0.001")
    taken, complete = spend(levels, budget=budget, step=step)
    assert worth(taken) <= budget
    assert total(taken) % step == 0
    if complete:  # not another step could be paid
        left = next(price for price, size in levels if size > dict(taken).get(price, 0))
        assert budget - worth(taken) < left * step


@given(
    quantity=st.decimals("0.001", "20", places=3),
    limit=st.decimals("98", "106", places=1),
    sizes=st.lists(st.decimals("0.001", "5", places=3), max_size=6),
)
def test_a_walk_keeps_quantity_and_limit(
    quantity: Decimal, limit: Decimal, sizes: list[Decimal]
) -> None:
    levels = [(Decimal(100 + number), size) for number, size in enumerate(sizes)]
    taken = walk(levels, quantity=quantity, limit=limit, buying=True)
    there = sum((size for price, size in levels if price <= limit), Decimal(0))
    assert total(taken) == min(quantity, there)
    assert all(price <= limit for price, _ in taken)
