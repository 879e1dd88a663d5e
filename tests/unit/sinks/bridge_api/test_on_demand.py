"""Signals on demand: who gets which answer, and what is published for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schemas.control import DRY_RUN, SignalRequest
from schemas.engines import ENGINES
from schemas.signals import Contribution, Signal
from schemas.sources import UNIVERSE, UNKNOWN, SourceStatus
from schemas.validation import problem
from sinks.bridge.auth import Role
from tests.contract.sink_samples import signal, strategy
from tests.unit.sinks.bridge_api.fixtures import NOW_MS, Bridge, bridge, filled, source

PATH = "/api/v1/signals/generate"
NOTHING = tuple(Contribution(name, "missing", 0.0, 0.0, 0.2, 0.0) for name in ENGINES)


def answered(request: SignalRequest, **changes: Any) -> Signal:
    """Return the signal that answers a request."""
    dry = request.strategy is not None
    fields = {
        "asset": request.asset,
        "strategy_id": request.strategy_id,
        "request_id": request.request_id,
        "trigger": "dry_run" if dry else "request",
        "cycle": None,
    }
    return msgspec.structs.replace(signal(7), **{**fields, **changes})


def without_data(request: SignalRequest) -> Signal:
    return answered(request, contributions=NOTHING)


def universe(assets: dict[str, str], *unknown: str) -> SourceStatus:
    return msgspec.structs.replace(source(), source=UNIVERSE, assets=assets, unknown=unknown)


async def ask(it: Bridge, who: Any = Role.TRADER, **body: Any) -> tuple[int, Any, Any]:
    return await it.call("POST", PATH, who, json={"asset": "A0", **body})


async def test_the_signal_is_the_answer() -> None:
    async with bridge() as it:
        it.log.answer = answered
        status, answer, headers = await ask(it, strategy_id="momentum")
        (asked,) = it.log.requests
    assert (status, answer["tracked"], answer["exchange"]) == (200, True, "binance")
    assert answer["signal"]["request_id"] == answer["request_id"] == asked.request_id
    assert (asked.asset, asked.strategy_id, asked.requested_at) == ("A0", "momentum", NOW_MS)
    assert problem(asked) is None
    assert headers["Location"] == answer["signals"]
    assert answer["signals"] == f"/api/v1/signals/requests/{asked.request_id}"


async def test_a_platform_that_does_not_answer_in_time_is_polled() -> None:
    async with bridge() as it:
        status, answer, headers = await ask(it, strategy_id="momentum")
        assert (status, answer["signal"], headers["Retry-After"]) == (202, None, "2")
        assert (await it.call("GET", answer["signals"], Role.TRADER))[0] == 202
        it.memory.answers.take(answered(it.log.requests[0]))
        status, later, _ = await it.call("GET", answer["signals"], Role.TRADER)
        assert (status, later["signal"]["asset"]) == (200, "A0")
        assert len(it.log.requests) == 1, "asked once"
        other = await it.call("GET", "/api/v1/signals/requests/nobodys", Role.TRADER)
        assert other[0] == 404


async def test_an_answer_is_found_at_any_bridge() -> None:
    async with bridge() as it:
        it.memory.answers.take(answered(SignalRequest("r9", "A0", "momentum", NOW_MS)))
        status, found, _ = await it.call("GET", "/api/v1/signals/requests/r9", Role.TRADER)
        assert (status, found["strategy_id"]) == (200, "momentum")


async def test_an_asset_that_is_followed_only_now_gets_its_signal_later() -> None:
    async with bridge() as it:
        it.memory.sources[UNIVERSE] = universe({"NEW": "asked for"})
        it.log.answer = without_data
        status, answer, headers = await ask(it, asset="NEW", strategy_id="momentum")
        assert (status, answer["tracked"], answer["signal"]) == (202, False, None)
        assert answer["data_at"] == NOW_MS + 60_000
        assert int(headers["Retry-After"]) > 0
        assert "it is from now on" in answer["note"]
        again = await it.call("GET", answer["signals"], Role.TRADER)
        assert (again[0], len(it.log.requests)) == (202, 1), "nothing has come: not asked again"
        it.memory.scores["NEW", "technical"] = it.memory.scores["A0", "technical"]
        it.log.answer = answered
        status, found, _ = await it.call("GET", answer["signals"], Role.TRADER)
        assert (status, found["signal"]["asset"]) == (200, "NEW")
        assert [one.request_id for one in it.log.requests] == [answer["request_id"]] * 2


async def test_what_the_universe_says_is_waited_for() -> None:
    """Nobody has looked NEW up when it is asked for; the answer says what came of that."""
    for status, found in (
        (202, {"NEW": "asked for"}),
        (404, {"NEW": f"asked for: {UNKNOWN}"}),
    ):
        async with bridge() as it:
            it.memory.sources[UNIVERSE] = universe({"NEW": f"asked for: {UNKNOWN}"})
            unknown = ("NEW",) if status == 404 else ()
            later = universe(found, *unknown)

            def answer(request: SignalRequest, it: Bridge = it, later: Any = later) -> Signal:
                it.memory.sources[UNIVERSE] = later
                return without_data(request)

            it.log.answer = answer
            assert (await ask(it, asset="NEW", strategy_id="momentum"))[0] == status


REFUSED: list[Any] = [
    pytest.param({"strategy_id": "none"}, 404, "no strategy none", id="unknown strategy"),
    pytest.param({"strategy_id": "off"}, 409, "not active", id="inactive strategy"),
    pytest.param({}, 422, "strategy_id, or a whole strategy", id="neither"),
    pytest.param(
        {"strategy_id": "momentum", "strategy": {"name": "x"}}, 422, "one of the two", id="both"
    ),
    pytest.param(
        {"strategy_id": "momentum", "asset": "NOSUCH"}, 404, "another name", id="unknown asset"
    ),
    pytest.param({"strategy_id": "momentum", "asset": "USDC"}, 404, "a currency", id="a currency"),
    pytest.param({"strategy_id": "momentum", "exchange": ""}, 422, "exchange", id="exchange"),
    pytest.param(
        {"strategy": {"name": "x", "entry_rule": "RSI <"}}, 422, "entry_rule", id="wrong rule"
    ),
    pytest.param(
        {"strategy": {"name": "x", "assets": [f"A{n}" for n in range(51)]}},
        422,
        "more than the 50",
        id="too much for a user",
    ),
]


@pytest.mark.parametrize(("body", "status", "said"), REFUSED)
async def test_what_cannot_be_asked_is_refused_and_not_published(
    body: dict[str, Any], status: int, said: str
) -> None:
    async with bridge() as it:
        it.memory.strategies["off"] = strategy(strategy_id="off", active=False)
        it.memory.sources[UNIVERSE] = universe({"NOSUCH": "asked for: another name"}, "NOSUCH")
        found, answer, _ = await ask(it, **body)
        assert (found, it.log.requests) == (status, [])
        assert said in answer["detail"]


async def test_without_producers_an_asset_without_data_is_unknown() -> None:
    async with bridge() as it:
        it.log.answer = without_data
        status, answer, _ = await ask(it, asset="NEW", strategy_id="momentum")
        assert status == 404
        assert "no producers run" in answer["detail"]


async def test_a_dry_run_brings_its_strategy_and_is_one_of_the_asker() -> None:
    async with bridge() as it:
        it.log.answer = answered
        own = {"name": "Mine", "entry_rule": "RSI < 30", "buy_threshold": 0.2}
        status, answer, _ = await ask(it, strategy=own)
        (asked,) = it.log.requests
        found = asked.own_strategy()
        assert (status, answer["strategy_id"]) == (200, DRY_RUN)
        assert answer["signal"]["trigger"] == "dry_run"
        assert problem(asked) is None
        assert found is not None
        assert (found.strategy_id, found.user_id, found.entry_rule) == (
            DRY_RUN, "trader", "RSI < 30",
        )  # fmt: skip
        wrong = await ask(it, strategy={"name": "x", "entry_rule": "RSI <"})
        assert [one["pointer"] for one in wrong[1]["errors"]] == ["#/strategy/entry_rule"]


async def test_a_dry_run_is_not_one_more_of_a_users_strategies() -> None:
    memory = filled()
    for number in range(20):
        name = f"s{number}"
        memory.strategies[name] = strategy(strategy_id=name, owner="user", user_id="trader")
    async with bridge(memory) as it:
        it.log.answer = answered
        assert (await ask(it, strategy={"name": "Mine"}))[0] == 200


@pytest.mark.parametrize("who", [Role.VIEWER, None])
async def test_only_traders_ask(who: Role | None) -> None:
    async with bridge() as it:
        status, _, _ = await ask(it, who, strategy_id="momentum")
        assert (status, it.log.requests) == (401 if who is None else 403, [])


@pytest.mark.parametrize("made", [answered, without_data], ids=["an answer", "one without data"])
async def test_where_the_prices_are_from_is_said(made: Callable[..., Signal]) -> None:
    async with bridge() as it:
        it.log.answer = made
        it.memory.sources[UNIVERSE] = universe({"A0": "trending"})
        _, answer, _ = await ask(it, strategy_id="momentum", exchange="kraken")
        assert it.log.requests[0].exchange == "kraken"
        if made is answered:
            assert (answer["exchange"], "are from binance" in answer["note"]) == ("binance", True)
