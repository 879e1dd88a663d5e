"""What every endpoint does alike: ETags, limits, parameters, problems."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.signals import Signal
from sinks.bridge.api.route_decorator import pointer
from sinks.bridge.auth import Role
from tests.contract.sink_samples import signal
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge, filled

LATEST = "/api/v1/signals/latest"


async def test_an_answer_known_already_is_not_sent_again() -> None:
    async with bridge() as it:
        _, body, headers = await it.call("GET", LATEST)
        known = {"If-None-Match": headers["ETag"]}
        status, again, same = await it.call("GET", LATEST, headers=known)
        assert (status, again, same["ETag"]) == (304, b"", headers["ETag"])
        changed = signal(1, as_of=signal(1).as_of + 1)
        it.memory.signals[changed.asset, changed.strategy_id] = changed
        status, other, _ = await it.call("GET", LATEST, headers=known)
        assert status == 200
        assert other != body


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param("{tag}", 304, id="the tag"),
        pytest.param('"x", {tag}', 304, id="among others"),
        pytest.param("*", 304, id="any"),
        pytest.param('W/"x"', 200, id="another"),
        pytest.param("", 200, id="empty"),
    ],
)
async def test_if_none_match(header: str, status: int) -> None:
    async with bridge() as it:
        _, _, headers = await it.call("GET", LATEST)
        sent = {"If-None-Match": header.format(tag=headers["ETag"])}
        assert (await it.call("GET", LATEST, headers=sent))[0] == status


async def test_answers_are_compressed_and_private() -> None:
    async with bridge() as it:
        _, _, headers = await it.call("GET", LATEST)
        assert headers["Content-Encoding"] in {"gzip", "deflate"}
        assert headers["Cache-Control"] == "private, no-cache"
    async with bridge(settings={"compression": False}) as it:
        _, _, headers = await it.call("GET", LATEST)
        assert "Content-Encoding" not in headers


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        pytest.param(f"{LATEST}?asset=btc", "asset", id="small letters"),
        pytest.param(f"{LATEST}?min_confidence=2", "min_confidence", id="range"),
        pytest.param(f"{LATEST}?min_confidence=nan", "min_confidence", id="no number"),
        pytest.param(f"{LATEST}?action=KEEP", "action", id="action"),
        pytest.param("/api/v1/signals?limit=201", "limit", id="limit"),
        pytest.param("/api/v1/signals?limit=0", "limit", id="limit 0"),
        pytest.param("/api/v1/signals?since=yesterday", "since", id="time"),
        pytest.param("/api/v1/signals?cursor=!", "cursor", id="cursor"),
        pytest.param("/api/v1/signals/xyz", "signal_id", id="id"),
        pytest.param("/api/v1/signals/abc", "signal_id", id="too few digits"),
        pytest.param("/api/v1/assets/btc", "asset", id="asset"),
        pytest.param("/api/v1/assets/BTC%0A", "asset", id="a line end"),
        pytest.param(f"/api/v1/signals/{'a' * 32}%0A", "signal_id", id="a line end, id"),
        pytest.param("/api/v1/scores?engine=technical%0A", "engine", id="a line end, engine"),
        pytest.param("/api/v1/signals?cycle=null", "cycle", id="the word null"),
        pytest.param(f"{LATEST}?min_confidence=NULL", "min_confidence", id="the word NULL"),
        pytest.param("/api/v1/assets/A0/candles?timeframe=2h", "timeframe", id="timeframe"),
        pytest.param(f"{LATEST}?asset=A&asset=B", "asset", id="twice"),
        pytest.param(f"{LATEST}?asset=%C3%A9", "asset", id="small letters of a script"),
        pytest.param("/api/v1/assets/%EF%BC%A2TC", "asset", id="a wide letter"),
        pytest.param("/api/v1/assets/B%00C", "asset", id="a NUL"),
        pytest.param(f"/api/v1/assets/{'A' * 21}", "asset", id="a long symbol"),
        pytest.param(f"/api/v1/signals?request_id={'x' * 65}", "request_id", id="a long id"),
    ],
)
async def test_a_wrong_parameter_is_named(path: str, parameter: str) -> None:
    async with bridge() as it:
        status, body, headers = await it.call("GET", path)
        assert status == 400
        assert headers["Content-Type"].startswith("application/problem+json")
        assert [one["parameter"] for one in body["errors"]] == [parameter]
        assert body["instance"] == path.partition("?")[0]


async def test_an_unknown_parameter_is_refused_with_what_there_is() -> None:
    async with bridge() as it:
        _, body, _ = await it.call("GET", f"{LATEST}?assets=BTC")
        assert "`assets`" in body["detail"]
        assert "min_confidence" in body["detail"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_refused(chunked: bool) -> None:
    async def parts() -> Any:
        for _ in range(40):
            yield b" " * 1024

    async with bridge(settings={"max_body_bytes": 10_000}) as it:
        status, body, _ = await it.call(
            "PUT",
            "/api/v1/strategies/x",
            Role.ADMIN,
            data=parts() if chunked else b" " * 10_001,
            headers={"Content-Type": "application/json"},
        )
        assert (status, body["type"]) == (413, "/docs#problem-too-large")


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        pytest.param(b"name=x", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"{", "application/json", 400, id="no JSON"),
        pytest.param(b"\xff", "application/json", 400, id="no text"),
        pytest.param(b'{"name":"\xff"}', "application/json", 400, id="a text that is none"),
        pytest.param(b"[]", "application/json", 422, id="a list"),
        pytest.param(b"[" * 20_000, "application/json", 422, id="deep"),
    ],
)
async def test_a_body_that_is_none_is_refused(data: bytes, kind: str, status: int) -> None:
    async with bridge() as it:
        found, body, _ = await it.call(
            "PUT",
            "/api/v1/strategies/x",
            Role.ADMIN,
            data=data,
            headers={"Content-Type": kind},
        )
        assert (found, body["status"]) == (status, status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("PATCH", "/api/v1/me", 405), ("PUT", "/health", 405)],
)
async def test_what_does_not_exist_is_a_problem(method: str, path: str, status: int) -> None:
    async with bridge() as it:
        found, body, headers = await it.call(method, path)
        assert (found, body["status"], body["instance"]) == (status, status, path)
        assert status != 405 or "GET" in headers["Allow"]


async def test_a_defect_is_a_problem_without_its_text() -> None:
    memory = Memory()
    memory.prices = None  # type: ignore[assignment]
    async with bridge(memory) as it:
        status, body, _ = await it.call("GET", "/api/v1/assets")
        assert (status, body["detail"]) == (500, "The bridge failed; its log has the cause.")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 8),
        ({"asset": "A3"}, 1),
        ({"strategy": "strategy-1"}, 2),
        ({"action": "SELL"}, 0),
        ({"min_confidence": "0.9"}, 0),
        ({"min_confidence": "0.814"}, 8),
    ],
)
async def test_the_latest_signals_are_filtered(query: Any, count: int) -> None:
    async with bridge() as it:
        assert len((await it.get(LATEST, **query))["items"]) == count


async def test_memory_is_answered_as_it_is() -> None:
    async with bridge() as it:
        signals = (await it.get(LATEST))["items"]
        first = msgspec.convert(signals[0], type=Signal)
        assert first == it.memory.signals["A0", "strategy-0"]
        asset = await it.get("/api/v1/assets/A0")
        assert asset["price"]["price_usd"] == 10.5
        assert [one["engine"] for one in asset["scores"]] == ["sentiment", "technical"]
        bars = await it.get("/api/v1/assets/A0/candles", limit=2)
        assert [bar["closed"] for bar in bars["bars"]] == [True, False]
        assert (bars["exchange"], bars["symbol"]) == ("binance", "A0/USDT")
        ranking = (await it.get("/api/v1/top"))["items"][0]
        assert ranking["ranked"][0]["explanation"]["text"] == "Because the trend is up."
        assert ranking["ranked"][1]["explanation"] is None
        assert len((await it.get("/api/v1/assets"))["items"]) == 8


async def test_an_empty_memory_is_no_failure() -> None:
    async with bridge(Memory()) as it:
        for path in (LATEST, "/api/v1/assets", "/api/v1/scores", "/api/v1/top"):
            assert await it.get(path) == {"items": []}
        assert (await it.get("/api/v1/assets/BTC/candles"))["bars"] == []
        assert (await it.call("GET", "/api/v1/assets/BTC"))[0] == 404


async def test_a_signal_is_found_in_memory_by_its_first_digits() -> None:
    memory = filled()
    one, other = "abcdef12" + "0" * 24, "abcdef13" + "0" * 24
    for number, name in enumerate((one, other)):
        memory.signals[f"X{number}", "s"] = signal(number, signal_id=name)
    async with bridge(memory) as it:
        assert (await it.get("/api/v1/signals/abcdef12"))["signal"]["signal_id"] == one
        status, body, _ = await it.call("GET", "/api/v1/signals/abcdef1")
        assert (status, body["matches"]) == (409, [one, other])
        assert (await it.call("GET", "/api/v1/signals/ffffff"))[0] == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "#"),
        (".name", "#/name"),
        (".assets[2]", "#/assets/2"),
        (".weights[...]", "#/weights/*"),
    ],
)
def test_pointers(path: str, expected: str) -> None:
    assert pointer(path) == expected
