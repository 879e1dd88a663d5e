"""An asset whose symbol is in another script, through every part of the REST interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from schemas.coins import is_money
from sinks.bridge.auth import Role
from sinks.bridge.hub.prices import Price
from tests.contract.sink_samples import T0, signal
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge, filled

CASE = Path(__file__).resolve().parents[5] / "shared" / "cases" / "asset-in-chinese"
SYMBOLS = ["币安人生", "ЁЖ", "ÆTH", "1INCH", "USDC.E", "ETH-BULL", "C+CHARGE", "♥", "汤"]


def knowing(asset: str) -> Memory:
    memory = filled()
    made = signal(1, asset=asset, strategy_id="momentum")
    memory.signals[asset, made.strategy_id] = made
    memory.prices[asset] = Price(asset=asset, price_usd=1.5, at=T0, topic="market.candles")
    return memory


@pytest.mark.parametrize("asset", SYMBOLS)
@pytest.mark.parametrize("path", ["{}", "{}/candles"])
async def test_an_asset_by_its_address(asset: str, path: str) -> None:
    async with bridge(knowing(asset)) as it:
        found = await it.get(f"/api/v1/assets/{path.format(quote(asset))}")
        assert found["asset"] == asset


@pytest.mark.parametrize("asset", SYMBOLS)
async def test_an_asset_as_a_filter(asset: str) -> None:
    async with bridge(knowing(asset)) as it:
        found = await it.get("/api/v1/signals/latest", asset=asset)
        assert [one["asset"] for one in found["items"]] == [asset]
        assert asset in [one["asset"] for one in (await it.get("/api/v1/assets"))["items"]]
        assert (await it.get("/api/v1/scores", asset=asset))["items"] == []


@pytest.mark.parametrize("asset", SYMBOLS)
async def test_an_asset_in_a_request_and_in_a_strategy(asset: str) -> None:
    async with bridge(knowing(asset)) as it:
        asked: dict[str, Any] = {"asset": asset, "strategy_id": "momentum"}
        status, answer, _ = await it.call(
            "POST", "/api/v1/signals/generate", Role.TRADER, json=asked
        )
        if is_money(asset):
            assert (status, "worth a currency" in answer["detail"]) == (404, True)
        else:
            assert (status, answer["asset"]) == (202, asset)
        body = {"name": "Mine", "assets": [asset]}
        path = "/api/v1/strategies/new"
        status, answer, _ = await it.call("PUT", path, Role.TRADER, json=body)
        assert (status, answer["strategy"]["assets"]) == (201, [asset])


@pytest.mark.parametrize(
    "asset",
    ["", "btc", "é", "\uff22TC", "B TC", "A/B", "A,B", "..", "$X", "B\0", "B\u200b", "A" * 21],
)
async def test_no_signal_is_asked_for_what_is_no_symbol(asset: str) -> None:
    async with bridge() as it:
        asked = {"asset": asset, "strategy_id": "momentum"}
        status, answer, _ = await it.call(
            "POST", "/api/v1/signals/generate", Role.TRADER, json=asked
        )
        assert (status, [one["pointer"] for one in answer["errors"]]) == (422, ["#/asset"])
        assert not it.log.requests


@pytest.mark.parametrize("length", [65, 400_000])
async def test_no_signal_is_asked_for_a_strategy_of_a_long_id(length: int) -> None:
    async with bridge() as it:
        asked = {"asset": "BTC", "strategy_id": "x" * length}
        path = "/api/v1/signals/generate"
        status, answer, _ = await it.call("POST", path, Role.TRADER, json=asked)
        assert status in {413, 422}
        assert len(json.dumps(answer)) < 2_000
        assert not it.log.requests


@pytest.mark.skipif(not CASE.is_dir(), reason="no cases beside the project")
async def test_case_asset_in_chinese_as_given() -> None:
    asked = json.loads((CASE / "requests.json").read_text("utf-8"))
    memory = knowing("币安人生")
    momentum = memory.strategies["momentum"]
    memory.strategies["balanced"] = momentum
    del memory.strategies["mine"]
    async with bridge(memory) as it:
        for method, path, *body, status in asked:
            sent = {"json": body[0]} if body else {}
            found, answer, _ = await it.call(method, path, Role.TRADER, **sent)
            assert found == status, answer
