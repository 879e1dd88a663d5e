"""Portfolios out of the bridge's memory, and changes of their capital: by whom, and what comes."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.validation import problem
from sinks.bridge.api import capital
from sinks.bridge.auth import Role
from tests.contract.sink_samples import T0, equity, strategy, trade
from tests.unit.sinks.bridge_api.fixtures import NOW_MS, OTHER_TRADER, Memory, bridge, filled

PATH = "/api/v1/portfolios"
CYCLE_MS = 600_000


async def test_a_portfolio_says_what_it_is_worth_and_holds() -> None:
    async with bridge() as it:
        found = await it.get(f"{PATH}/momentum")
    last = equity(19)
    assert found["equity_usd"] == last.equity_usd == 50_189.0
    assert found["profit_usd"] == 189.0
    assert found["return_pct"] == pytest.approx(0.378)
    assert found["exposure_pct"] == pytest.approx(100 * 1_190 / 50_189)
    assert (found["as_of"], found["mine"]) == (T0 + 19 * CYCLE_MS, False)
    (held,) = found["positions"]
    assert (held["asset"], held["unrealised_usd"], held["take_profit_usd"]) == ("BTC", 190.0, 120.0)


async def test_all_portfolios_are_listed_and_marked_as_ones_own() -> None:
    async with bridge() as it:
        found = {}
        for who in (Role.VIEWER, Role.TRADER, Role.ADMIN, OTHER_TRADER):
            _, body, _ = await it.call("GET", PATH, who)
            found[who] = [(one["strategy_id"], one["mine"]) for one in body["items"]]
    assert found == {
        Role.VIEWER: [("mine", False), ("momentum", False)],
        Role.TRADER: [("mine", True), ("momentum", False)],
        Role.ADMIN: [("mine", True), ("momentum", True)],
        OTHER_TRADER: [("mine", False), ("momentum", False)],
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("nobody", "There is no strategy nobody.", id="no strategy"),
        pytest.param("young", "begins with the strategy's first cycle", id="no cycle yet"),
    ],
)
async def test_what_is_not_there_is_said(name: str, said: str) -> None:
    memory = filled()
    memory.strategies["young"] = strategy(strategy_id="young")
    async with bridge(memory) as it:
        status, body, _ = await it.call("GET", f"{PATH}/{name}")
        assert status == 404
        assert said in body["detail"]


async def test_the_portfolio_of_a_strategy_that_was_deleted_stays() -> None:
    memory = filled()
    memory.strategies.clear()
    async with bridge(memory) as it:
        assert (await it.get(f"{PATH}/momentum"))["equity_usd"] == 50_189.0
        assert len((await it.get(PATH))["items"]) == 2


async def test_an_empty_portfolio_has_no_return() -> None:
    memory = Memory(is_whole=True)
    nothing = {"equity_usd": 0.0, "cash_usd": 0.0, "positions_usd": 0.0, "invested_usd": 0.0}
    memory.value(equity(0, positions=(), **nothing))
    async with bridge(memory) as it:
        found = await it.get(f"{PATH}/momentum")
    assert (found["return_pct"], found["exposure_pct"]) == (None, 0.0)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        pytest.param({}, [5, 4, 3, 2, 1, 0], id="all, the newest first"),
        pytest.param({"side": "sell"}, [5, 3, 1], id="side"),
        pytest.param({"asset": "ETH"}, [], id="asset"),
        pytest.param({"since": T0 + 2, "until": T0 + 4}, [3, 2], id="time"),
    ],
)
async def test_without_a_database_the_last_trades_come_out_of_the_memory(
    asked: dict[str, Any], numbers: list[int]
) -> None:
    async with bridge() as it:
        found = await it.get(f"{PATH}/momentum/trades", **asked)
        assert [int(one["trade_id"], 16) for one in found["items"]] == numbers
        assert (await it.get(f"{PATH}/mine/trades"))["items"] == []


async def pages(it: Any, path: str, **params: Any) -> list[list[Any]]:
    """Return the items of each page."""
    found, cursor = [], {}
    while True:
        body = await it.get(path, **params, **cursor)
        found.append(body["items"])
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("step", "numbers"),
    [
        pytest.param(None, list(range(20)), id="every moment"),
        pytest.param("10m", list(range(20)), id="ten minutes"),
        pytest.param("1h", [5, 11, 17, 19], id="the last of each hour"),
        pytest.param("1d", [19], id="the last of each day"),
    ],
)
async def test_the_curve_comes_in_pages_and_in_steps(
    limit: int, step: str | None, numbers: list[int]
) -> None:
    asked = {"limit": limit, **({"step": step} if step else {})}
    async with bridge() as it:
        found = await pages(it, f"{PATH}/momentum/equity", **asked)
    points = [one for page in found for one in page]
    assert [one["as_of"] for one in points] == [T0 + n * CYCLE_MS for n in reversed(numbers)]
    assert all(len(page) == min(limit, len(numbers)) for page in found[:-1])
    assert "positions" not in points[0]


async def test_two_moments_of_one_time_are_both_covered() -> None:
    memory = filled()
    memory.value(equity(19, kind="deposit"))
    async with bridge(memory) as it:
        found = await pages(it, f"{PATH}/momentum/equity", limit=1, since=T0 + 19 * CYCLE_MS)
    assert [one["kind"] for page in found for one in page] == ["deposit", "cycle"]


MAY = [
    pytest.param(Role.ADMIN, "momentum", 200, id="admin: an admin's"),
    pytest.param(Role.ADMIN, "mine", 200, id="admin: a trader's"),
    pytest.param(Role.TRADER, "mine", 200, id="trader: own"),
    pytest.param(Role.TRADER, "momentum", 403, id="trader: an admin's"),
    pytest.param(OTHER_TRADER, "mine", 403, id="trader: another's"),
    pytest.param(Role.VIEWER, "mine", 403, id="viewer"),
    pytest.param(Role.ADMIN, "nobody", 404, id="no strategy"),
]


@pytest.mark.parametrize("kind", ["deposit", "withdrawal", "reset"])
@pytest.mark.parametrize(("who", "name", "status"), MAY)
async def test_who_may_change_the_capital(kind: str, who: Any, name: str, status: int) -> None:
    async with bridge() as it:
        found, body, _ = await it.call(
            "POST", f"{PATH}/{name}/{kind}", who, json={"amount_usd": 250.0}
        )
        assert found == status, body
        assert len(it.log.decisions) == (status == 200)


async def test_a_change_is_a_decision_with_an_id_and_comes_back_as_equity() -> None:
    async with bridge() as it:
        body = {"amount_usd": 250.5, "reason": "a bonus", "event_id": "bonus-1"}
        _, answer, headers = await it.call("POST", f"{PATH}/mine/deposit", Role.TRADER, json=body)
        (event,) = it.log.decisions
        assert (event.kind, event.decision_id, event.reason) == ("deposit", "bonus-1", "a bonus")
        assert (event.strategy_id, event.user_id, event.amount_usd) == ("mine", "trader", 250.5)
        assert event.as_of == NOW_MS
        assert problem(event) is None
        assert (answer["event_id"], answer["as_of"]) == ("bonus-1", NOW_MS)
        assert answer["portfolio"]["cash_usd"] == 48_999.0 + 250.5
        assert answer["portfolio"]["mine"] is True
        address = headers["Location"]
        assert answer["equity"] == address
        path, _, query = address.partition("?")
        found = await it.get(path, **dict([query.split("=")]))
        assert [one["kind"] for one in found["items"]] == ["deposit"]


async def test_each_change_has_an_id_of_its_own() -> None:
    async with bridge() as it:
        for _ in range(2):
            await it.call("POST", f"{PATH}/mine/reset", Role.TRADER, json={})
        first, second = it.log.decisions
        assert first.decision_id != second.decision_id
        assert first.as_of < second.as_of  # also within one ms of the clock
        assert (first.amount_usd, first.portfolio_value_usd) == (None, 50_000.0)


async def test_a_market_ahead_of_this_clock_has_the_change_after_its_last_moment() -> None:
    memory = filled()
    memory.value(equity(0, as_of=NOW_MS + 5_000))
    async with bridge(memory) as it:
        await it.call("POST", f"{PATH}/momentum/deposit", Role.ADMIN, json={"amount_usd": 1})
        assert it.log.decisions[0].as_of == NOW_MS + 5_001


async def test_what_does_not_come_back_soon_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capital, "_TAKES_EFFECT_S", 0.05)
    async with bridge() as it:
        body = {"amount_usd": 1, "reason": "lost"}
        status, answer, headers = await it.call(
            "POST", f"{PATH}/mine/deposit", Role.TRADER, json=body
        )
        assert (status, answer["portfolio"]) == (202, None)
        assert headers["Location"].startswith("/api/v1/portfolios/mine/equity?since=")


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        pytest.param("deposit", {}, "#", id="nothing"),
        pytest.param("deposit", {"amount_usd": 0}, "#/amount_usd", id="zero"),
        pytest.param("deposit", {"amount_usd": -5}, "#/amount_usd", id="less than zero"),
        pytest.param("deposit", {"amount_usd": "5"}, "#/amount_usd", id="a text"),
        pytest.param("deposit", {"amount_usd": 1e300}, "#/amount_usd", id="all money"),
        pytest.param("deposit", {"amount_usd": 5, "reason": "\0"}, "#/reason", id="NUL"),
        pytest.param("deposit", {"amount_usd": 5, "reason": "x" * 121}, "#/reason", id="long"),
        pytest.param("deposit", {"amount_usd": 5, "event_id": "a b"}, "#/event_id", id="id"),
        pytest.param("deposit", {"amount_usd": 5, "kind": "reset"}, "#", id="unknown field"),
        pytest.param("withdrawal", {"amount_usd": 48_999.01}, "#/amount_usd", id="beyond cash"),
        pytest.param("reset", {"amount_usd": 0}, "#/amount_usd", id="reset to nothing"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_with_its_place(
    kind: str, body: dict[str, Any], pointer: str
) -> None:
    async with bridge() as it:
        status, answer, _ = await it.call("POST", f"{PATH}/mine/{kind}", Role.TRADER, json=body)
        assert status == 422
        assert [one["pointer"] for one in answer["errors"]] == [pointer]
        assert not it.log.decisions


async def test_without_a_broker_nothing_changes() -> None:
    async with bridge(publish_decision=None) as it:
        status, body, _ = await it.call("POST", f"{PATH}/mine/reset", Role.TRADER, json={})
        assert status == 503
        assert "only reads" in body["detail"]


def test_the_samples_are_of_the_contract() -> None:
    for event in (equity(), trade(), trade(1)):
        assert problem(event) is None
