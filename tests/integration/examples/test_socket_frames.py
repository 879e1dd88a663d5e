"""Every frame of a real bridge is one that the AsyncAPI document describes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import jsonschema
import msgspec
import pytest

from quantiva import asyncapi_socket
from quantiva.asyncapi import document
from sinks.bridge.hub.channels import CHANNELS
from sinks.bridge.settings import BridgeSettings
from tests.unit.quantiva.status import samples
from transport.settings import Settings

from .bridge import TOKEN, running_bridge
from .running import Market

pytestmark = [pytest.mark.embedded, pytest.mark.asyncio(loop_scope="module")]
DOCUMENT = document(Settings.model_construct(), BridgeSettings.model_construct())
DAY_MS = 86_400_000
SAID = sorted(
    {
        reference["$ref"].rsplit("/", 1)[1]
        for reference in DOCUMENT["operations"]["websocket.send"]["messages"]
    }
)


def problems(frame: dict[str, Any]) -> list[str]:
    """Return what of a frame is not as the document says; references lead into the document."""
    message = DOCUMENT["components"]["messages"].get(f"websocket.{frame['type']}")
    if message is None:
        return [f"there is no frame {frame['type']}"]
    whole = {**message["payload"], "components": DOCUMENT["components"]}
    found = [error.message for error in jsonschema.Draft7Validator(whole).iter_errors(frame)]
    if frame["type"] == "snapshot":
        found += [said for item in frame["items"] for said in problems(item)]
    return found


class Talk:
    """A websocket whose frames are kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.frames: list[dict[str, Any]] = []

    async def say(self, **request: Any) -> None:
        await self._socket.send_json(request)

    async def hear_until(self, *kinds: str) -> None:
        """Read frames until each kind was heard, or the bridge has closed."""
        try:
            async with asyncio.timeout(120):
                while set(kinds) - self.kinds():
                    message = await self._socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return
                    self.frames.append(json.loads(message.data))
        except TimeoutError:
            pytest.fail(f"there came no {sorted(set(kinds) - self.kinds())}")

    def kinds(self) -> set[str]:
        return {one["type"] for one in self.frames}


async def conversation(running_market: Market) -> list[dict[str, Any]]:
    """Make a bridge say everything it can say."""
    new = msgspec.structs.replace(running_market.signals[-1], signal_id="f" * 32)
    book = msgspec.structs.replace(samples.BOOK, observed_at=samples.T0 + 10 * DAY_MS)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with running_bridge(running_market.running) as base:
            talk = Talk(await session.ws_connect(f"{base}/ws"))
            await talk.say(type="subscribe", id="all", channels=CHANNELS)
            await talk.say(type="subscribe", id="all", channels=["signals"])  # refused
            await talk.say(type="ping", id="2")
            await talk.say(type="subscribe", id="3", channels=["signals"], since="signals:0:999999")
            await talk.hear_until("snapshot", "error", "pong", "gap", "heartbeat", "health")
            for event in (new, samples.score(), samples.EXPLANATION, samples.TOP, samples.SOURCE):
                await running_market.publish_event(event)
            for event in (book, samples.TRADE, samples.EQUITY):
                await running_market.publish_event(event)
            await talk.hear_until(*asyncapi_socket.events())
            await talk.say(type="unsubscribe", id="4", subscription="3")
        await talk.hear_until("bye")
        return talk.frames


async def test_each_frame_is_as_documented(running_market: Market) -> None:
    frames = await conversation(running_market)
    assert sorted({frame["type"] for frame in frames}) == SAID
    assert {frame["type"]: problems(frame) for frame in frames if problems(frame)} == {}
    assert next(one["items"] for one in frames if one.get("channel") == "signals")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        pytest.param({"type": "pong", "id": "1"}, [], id="right"),
        pytest.param({"type": "pong"}, ["'id' is a required property"], id="a field is missing"),
        pytest.param({"type": "gone"}, ["there is no frame gone"], id="kind"),
        pytest.param(
            {"type": "top", "cursor": "", "at": 0, "data": 1},
            ["1 is not of type 'object'"],
            id="data",
        ),
    ],
)
async def test_the_check_itself(frame: dict[str, Any], said: list[str]) -> None:
    assert problems(frame) == said
