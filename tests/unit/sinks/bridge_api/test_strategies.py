"""Changes of strategies: by whom, checked how, published as what."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from schemas.control import DRY_RUN, Strategy
from schemas.strategy_changes import Limits
from schemas.validation import problem
from sinks.bridge.api.queries import StrategyBody
from sinks.bridge.auth import Role
from tests.contract.sink_samples import strategy
from tests.unit.sinks.bridge_api.fixtures import NOW_MS, OTHER_TRADER, Memory, bridge, filled

PATH = "/api/v1/strategies"
BODY: dict[str, Any] = {"name": "Mine", "assets": ["BTC"], "weights": {"technical": 1.0}}


@pytest.mark.parametrize(
    ("who", "name", "status"),
    [
        pytest.param(Role.ADMIN, "momentum", 200, id="admin: an admin's"),
        pytest.param(Role.ADMIN, "mine", 200, id="admin: a trader's"),
        pytest.param(Role.ADMIN, "new", 201, id="admin: a new one"),
        pytest.param(Role.TRADER, "mine", 200, id="trader: own"),
        pytest.param(Role.TRADER, "new", 201, id="trader: a new one"),
        pytest.param(Role.TRADER, "momentum", 403, id="trader: an admin's"),
        pytest.param(OTHER_TRADER, "mine", 403, id="trader: another's"),
        pytest.param(Role.VIEWER, "mine", 403, id="viewer"),
        pytest.param(Role.VIEWER, "new", 403, id="viewer: a new one"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_who_may_change_what(method: str, who: Any, name: str, status: int) -> None:
    async with bridge() as it:
        before = dict(it.memory.strategies)
        body = BODY if method == "PUT" else None
        found, answer, _ = await it.call(method, f"{PATH}/{name}", who, json=body)
        if method == "DELETE":
            status = {200: 204, 201: 404}.get(status, status)
        assert found == status, answer
        changed = status in {200, 201, 204}
        assert len(it.log.strategies) == changed
        assert (it.memory.strategies == before) != changed


async def test_a_change_is_the_next_version_of_the_same_owner() -> None:
    async with bridge() as it:
        _, answer, _ = await it.call("PUT", f"{PATH}/mine", Role.ADMIN, json=BODY)
        published = it.log.strategies[0][1]
        assert published is not None
        assert (published.version, published.owner, published.user_id) == (2, "user", "trader")
        assert published.updated_at == NOW_MS
        assert answer["strategy"]["name"] == "Mine"
        assert answer["effective_weights"] == {
            "sentiment": 0.0,
            "technical": 1.0,
            "fundamental": 0.0,
            "event_risk": 0.0,
            "liquidity": 0.0,
        }
        assert problem(published) is None


def test_a_body_has_every_field_that_one_writes_with_its_default() -> None:
    added = {"strategy_id", "version", "owner", "user_id", "author", "updated_at"}
    assert set(StrategyBody.__struct_fields__) == set(Strategy.__struct_fields__) - added
    plain = asdict(Strategy(strategy_id="a", owner="admin", name="a"))
    assert asdict(StrategyBody(name="a")) == {n: plain[n] for n in StrategyBody.__struct_fields__}


async def test_a_version_names_its_author_and_the_same_again_is_none() -> None:
    body = {**BODY, "description": "why", "trailing_stop_pct": 4, "max_age_hours": 36}
    async with bridge() as it:
        for status in (201, 200):
            found, answer, headers = await it.call("PUT", f"{PATH}/new", Role.TRADER, json=body)
            assert (found, answer["strategy"]["version"]) == (status, 1)
        ((_, published),) = it.log.strategies
        assert published is not None
        assert (published.author, published.trailing_stop_pct) == ("trader", 4.0)
        again = {"If-Match": headers["ETag"]}
        _, answer, _ = await it.call("PUT", f"{PATH}/new", Role.ADMIN, json=BODY, headers=again)
        found = [answer["strategy"][name] for name in ("version", "author", "user_id")]
        assert found == [2, "admin", "trader"]


async def test_a_strategy_is_switched_off_and_on() -> None:
    async with bridge() as it:
        for action, active, version in (
            ("disable", False, 2),
            ("disable", False, 2),
            ("enable", True, 3),
        ):
            status, answer, _ = await it.call("POST", f"{PATH}/mine/{action}", Role.TRADER)
            saved = answer["strategy"]
            assert (status, saved["active"], saved["version"]) == (200, active, version)
        assert len(it.log.strategies) == 2
        for who, name, expected in (
            (Role.VIEWER, "mine", 403),
            (OTHER_TRADER, "mine", 403),
            (Role.ADMIN, "none", 404),
        ):
            assert (await it.call("POST", f"{PATH}/{name}/enable", who))[0] == expected
        old = {"If-Match": '"old"'}
        assert (await it.call("POST", f"{PATH}/mine/enable", Role.ADMIN, headers=old))[0] == 412


async def test_a_user_has_so_many_strategies_of_so_many_assets() -> None:
    async with bridge(limits=Limits(strategies=2, assets=3)) as it:
        wide = {**BODY, "assets": ["A", "B", "C", "D"]}
        status, answer, _ = await it.call("PUT", f"{PATH}/new", Role.TRADER, json=wide)
        assert (status, answer["errors"][0]["pointer"]) == (422, "#/assets")
        assert "more than the 3 that a user's strategy may name" in answer["detail"]
        assert (await it.call("PUT", f"{PATH}/wide", Role.ADMIN, json=wide))[0] == 201
        assert (await it.call("PUT", f"{PATH}/second", Role.TRADER, json=BODY))[0] == 201
        status, answer, _ = await it.call("PUT", f"{PATH}/third", Role.TRADER, json=BODY)
        assert status == 422
        assert "one more than the 2 strategies that trader may have" in answer["detail"]


async def test_nobody_saves_a_strategy_under_the_id_of_dry_runs() -> None:
    async with bridge() as it:
        status, answer, _ = await it.call("PUT", f"{PATH}/{DRY_RUN}", Role.ADMIN, json=BODY)
        assert (status, "kept for dry runs" in answer["detail"]) == (422, True)


async def test_a_new_one_belongs_to_who_made_it() -> None:
    async with bridge() as it:
        await it.call("PUT", f"{PATH}/a", Role.TRADER, json=BODY)
        await it.call("PUT", f"{PATH}/b", Role.ADMIN, json=BODY)
        owners = [(one.version, one.owner, one.user_id) for _, one in it.log.strategies if one]
        assert owners == [(1, "user", "trader"), (1, "admin", None)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"weights": {"astrology": 1.0}}, "#/weights/astrology", id="engine"),
        pytest.param({"weights": {"technical": -1}}, "#/weights/technical", id="weight"),
        pytest.param({"weights": {"technical": "much"}}, "#/weights/*", id="no number"),
        pytest.param({"buy_threshold": -1}, "#/sell_threshold", id="thresholds"),
        pytest.param({"timeframe": "2h"}, "#/timeframe", id="timeframe"),
        pytest.param({"assets": ["BTC", "eth"]}, "#/assets/1", id="asset"),
        pytest.param({"stop_loss_pct": 0}, "#/stop_loss_pct", id="stop"),
        pytest.param({"portfolio_value_usd": 0}, "#/portfolio_value_usd", id="portfolio"),
        pytest.param({"holdings_usd": {"BTC": 5}}, "#", id="a field that is gone"),
        pytest.param({"name": ""}, "#/name", id="name"),
        pytest.param({"owner": "admin"}, "#", id="unknown field"),
        pytest.param({"entry_rule": "x" * 4001}, "#/entry_rule", id="long rule"),
        pytest.param({"name": "my\0strategy"}, "#/name", id="case nul-in-a-strategy"),
        pytest.param({"name": "x" * 121}, "#/name", id="long name"),
        pytest.param({"entry_rule": "RSI < 30\0"}, "#/entry_rule", id="NUL in a rule"),
        pytest.param({"exit_rule": "\0"}, "#/exit_rule", id="NUL in the other rule"),
        pytest.param({"assets": ["BTC", "B\0C"]}, "#/assets/1", id="NUL in an asset"),
        pytest.param({"assets": ["BTC", "\u00e9"]}, "#/assets", id="small letters of a script"),
        pytest.param({"assets": ["A"] * 501}, "#/assets", id="many assets"),
        pytest.param({"weights": {"tech\0": 1}}, "#/weights/tech\\x00", id="NUL in a weight"),
        pytest.param({"weights": {"technical": 0.6, "sentiment": 0.5}}, "#/weights", id="sum"),
        pytest.param({"buy_threshold": 1.5}, "#/buy_threshold", id="buy above 1"),
        pytest.param({"sell_threshold": -1.5}, "#/sell_threshold", id="sell below -1"),
        pytest.param({"event_risk_floor": -2}, "#/event_risk_floor", id="floor"),
        pytest.param({"portfolio_value_usd": 1e300}, "#/portfolio_value_usd", id="all money"),
    ],
)
async def test_what_is_wrong_is_refused_with_its_place(changes: Any, pointer: str) -> None:
    async with bridge() as it:
        body = {**BODY, **changes}
        status, answer, headers = await it.call("PUT", f"{PATH}/new", Role.ADMIN, json=body)
        assert status == 422
        assert headers["Content-Type"].startswith("application/problem+json")
        assert [one["pointer"] for one in answer["errors"]] == [pointer]
        assert answer["errors"][0]["detail"] in answer["detail"]
        assert not it.log.strategies


@pytest.mark.parametrize(
    ("changes", "field", "place"),
    [
        pytest.param({"entry_rule": "RSI < 30 AND\n  MA21 > 5"}, "entry_rule", (2, 3), id="name"),
        pytest.param({"exit_rule": "RSI >"}, "exit_rule", (1, 6), id="form"),
        pytest.param(
            {"timeframe": "4h", "entry_rule": "RSI CROSSES_ABOVE MA20@1h"},
            "entry_rule",
            (1, 5),
            id="timeframes",
        ),
    ],
)
async def test_a_wrong_rule_is_refused_with_its_line_and_column(
    changes: Any, field: str, place: tuple[int, int]
) -> None:
    async with bridge() as it:
        for method, path, body in (
            ("PUT", f"{PATH}/new", {**BODY, **changes}),
            ("PUT", f"{PATH}/mine", {**BODY, **changes}),
        ):
            status, answer, _ = await it.call(method, path, Role.ADMIN, json=body)
            assert status == 422
            (error,) = answer["errors"]
            assert error["pointer"] == f"#/{field}"
            line, column = place
            assert f"line {line}, column {column}: " in error["detail"]
        assert not it.log.strategies


CASE = Path(__file__).resolve().parents[5] / "shared" / "cases" / "nul-in-a-strategy"


@pytest.mark.skipif(not CASE.is_dir(), reason="no cases beside the project")
async def test_case_nul_in_a_strategy_as_given() -> None:
    async with bridge() as it:
        body = json.loads((CASE / "put.json").read_text("utf-8"))
        status, answer, _ = await it.call("PUT", f"{PATH}/nul", Role.ADMIN, json=body)
        assert (status, [one["pointer"] for one in answer["errors"]]) == (422, ["#/name"])
        assert not it.log.strategies


async def test_half_a_character_is_no_json() -> None:
    async with bridge() as it:
        sent = {"data": b'{"name": "\\ud83d"}', "headers": {"Content-Type": "application/json"}}
        status, _, _ = await it.call("PUT", f"{PATH}/half", Role.ADMIN, **sent)
        assert status == 400
        assert not it.log.strategies


@pytest.mark.parametrize("name", ["a b", "%C3%A4", "x" * 65, "-x", "a%0Ab", "a%0A", "a%00"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_id_that_is_none_is_refused(method: str, name: str) -> None:
    async with bridge() as it:
        body = BODY if method == "PUT" else None
        status, answer, _ = await it.call(method, f"{PATH}/{name}", Role.ADMIN, json=body)
        assert status == 400
        assert answer["errors"][0]["parameter"] == "strategy_id"


async def test_a_change_of_what_was_changed_meanwhile_is_refused() -> None:
    async with bridge() as it:
        _, _, headers = await it.call("GET", f"{PATH}/mine")
        match = {"If-Match": headers["ETag"]}
        first = await it.call("PUT", f"{PATH}/mine", Role.TRADER, json=BODY, headers=match)
        assert first[0] == 200
        for method in ("PUT", "DELETE"):
            again = await it.call(method, f"{PATH}/mine", Role.TRADER, json=BODY, headers=match)
            assert again[0] == 412
        match = {"If-Match": first[2]["ETag"]}
        assert (await it.call("DELETE", f"{PATH}/mine", Role.TRADER, headers=match))[0] == 204
        assert (await it.call("GET", f"{PATH}/mine"))[0] == 404
        nothing = {"If-Match": "*"}
        again = await it.call("PUT", f"{PATH}/mine", Role.TRADER, json=BODY, headers=nothing)
        assert again[0] == 412


async def test_of_two_changes_of_the_same_state_one_is_refused() -> None:
    """Also when the first one is on its way through the log."""
    memory = filled()
    known = memory.strategies

    async def slow(name: str, change: Any) -> None:
        back = known.pop if change is None else known.__setitem__
        asyncio.get_running_loop().call_later(0.1, back, name, change)

    async with bridge(memory, publish_strategy=slow) as other:
        _, _, headers = await other.call("GET", f"{PATH}/mine")
        match = {"If-Match": headers["ETag"]}
        both = await asyncio.gather(
            *(other.call("PUT", f"{PATH}/mine", Role.TRADER, json=BODY, headers=match)
              for _ in range(2))
        )  # fmt: skip
        assert sorted(status for status, _, _ in both) == [200, 412]
        assert (await other.call("DELETE", f"{PATH}/mine", Role.TRADER))[0] == 204
        assert (await other.call("GET", f"{PATH}/mine"))[0] == 404


async def test_mine_says_what_one_may_change() -> None:
    async with bridge() as it:
        for who, mine in ((Role.VIEWER, []), (Role.TRADER, ["mine"]), (OTHER_TRADER, [])):
            _, body, _ = await it.call("GET", PATH, who)
            assert [one["strategy"]["strategy_id"] for one in body["items"] if one["mine"]] == mine


async def test_while_the_strategies_are_not_read_nobody_changes_one() -> None:
    memory = Memory(strategies={"momentum": strategy()})
    async with bridge(memory) as it:
        for method in ("GET", "PUT", "DELETE"):
            status, _, headers = await it.call(method, f"{PATH}/momentum", Role.ADMIN, json=BODY)
            assert (status, "Retry-After" in headers) == (503, True)
        assert not it.log.strategies


async def test_a_broker_that_is_away_is_a_503() -> None:
    async def away(*_: Any) -> None:
        raise ConnectionError

    for publisher in (away, None):
        async with bridge(publish_strategy=publisher, publish_request=publisher) as it:
            status, answer, _ = await it.call("PUT", f"{PATH}/mine", Role.ADMIN, json=BODY)
            assert (status, answer["type"]) == (503, "/docs#problem-unavailable")
            assert (await it.call("GET", f"{PATH}/mine"))[0] == 200
