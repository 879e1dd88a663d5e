"""Requests of one client, and what it gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.registry_client import RegistryError
from sinks.bridge.hub.client import FRAME_BYTES, MESSAGES_AT_ONCE, MOST_REFUSED
from sinks.bridge.hub.core import ITEMS_A_SNAPSHOT
from sinks.bridge.hub.send_queue import SOCKET_BYTES
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.fixtures import Visitor, hub_on, until
from tests.unit.sinks.bridge.memory_log import MemoryLog, signal


async def test_an_ack_then_the_snapshot_then_what_changes() -> None:
    log = MemoryLog()
    log.append(signal(0))
    log.append(signal(1, strategy_id="value"), partition=1)
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        log.append(signal(2))
        await until(lambda: visitor.ids() == ["s2"], "the change is there")
        ack, snapshot, change = visitor.heard()
    assert ack == {"type": "ack", "id": "1", "request": "subscribe", "channels": ["signals"],
                   "resumed": []}  # fmt: skip
    assert snapshot["cursor"] == "signals:0:0,signals:1:0"
    assert {item["data"]["signal_id"] for item in snapshot["items"]} == {"s0", "s1"}
    assert {item["cursor"] for item in snapshot["items"]} == {"signals:0:0", "signals:1:0"}
    assert change["cursor"] == "signals:0:1"


async def test_a_snapshot_is_the_latest_of_each_and_follows_the_filter() -> None:
    log = MemoryLog()
    for number, asset in enumerate(("BTC", "ETH", "BTC")):
        log.append(signal(number, asset=asset))
    log.append(samples.score())
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals", "scores"], assets=["btc"], min_confidence=0.6)
        found = {s["channel"]: s["items"] for s in visitor.heard("snapshot")}
    assert [item["data"]["signal_id"] for item in found["signals"]] == ["s2"]
    assert found["scores"] == []  # of confidence 0.5


async def test_a_snapshot_in_parts_counts_with_the_last_one() -> None:
    """Whoever got the first part only, and comes again with its cursor, would miss the others."""
    log = MemoryLog()
    for number in range(2 * ITEMS_A_SNAPSHOT + 1):
        log.append(signal(number, asset=f"A{number}"))
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        parts = visitor.heard("snapshot")
    assert [(len(one["items"]), one["more"], one["cursor"]) for one in parts] == [
        (ITEMS_A_SNAPSHOT, True, ""),
        (ITEMS_A_SNAPSHOT, True, ""),
        (1, False, f"signals:0:{2 * ITEMS_A_SNAPSHOT},signals:1:-1"),
    ]


async def test_every_channel_has_its_events() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        channels = ["signals", "scores", "explanations", "top", "prices", "status"]
        await visitor.say(channels=channels)
        for event in (samples.SIGNAL, samples.score(), samples.EXPLANATION, samples.TOP,
                      samples.SOURCE, samples.TRENDING, samples.BOOK):  # fmt: skip
            log.append(event)
        kinds = ("signal", "score", "explanation", "top", "source", "price")
        await until(lambda: len(visitor.heard(*kinds)) == 7, "all are there")
        found = {frame["type"]: frame for frame in visitor.heard(*kinds)}
        assert visitor.heard("health")
    assert set(found) == set(kinds)
    assert found["price"]["data"]["asset"] == "BTC"
    assert found["explanation"]["cursor"] == "signals.explanations:0:0"


async def test_two_subscriptions_that_want_the_same_get_it_once() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"])
        await visitor.say(id="2", channels=["signals", "prices"], assets=["BTC"])
        log.append(signal(0))
        log.append(signal(1, asset="ETH"))
        await until(lambda: "s1" in visitor.ids(), "both are there")
        assert visitor.ids() == ["s0", "s1"]


async def test_unsubscribed_nothing_more_comes() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        visitor, other = Visitor(hub), Visitor(hub)
        for one in (visitor, other):
            await one.say(channels=["signals"])
        await visitor.say("unsubscribe", id="2", subscription="1")
        log.append(signal(0))
        await until(lambda: other.ids() == ["s0"], "the other has it")
        assert visitor.ids() == []
        assert visitor.heard("ack")[-1] == {"type": "ack", "id": "2", "request": "unsubscribe"}


@pytest.mark.parametrize(
    ("requests", "code", "said"),
    [
        pytest.param([{"channels": ["signals"]}] * 2, "duplicate_id", "'1' is in use", id="id"),
        pytest.param([{"id": str(n), "channels": ["signals"]} for n in range(3)], "too_many",
                     "Unsubscribe one", id="subscriptions"),
        pytest.param([{"kind": "unsubscribe", "subscription": "9"}], "unknown_subscription",
                     "there are: none", id="unsubscribe"),
        pytest.param([{"channels": ["signals"], "since": "signals:0"}], "wrong_field",
                     "for example signals:2:145", id="cursor"),
        pytest.param([{"channels": ["signals"], "since": "sginals:0:1"}], "wrong_field",
                     "no topic", id="topic of a cursor"),
        pytest.param([{"channels": ["signals"], "since": "signals:7:1"}], "wrong_field",
                     "partition 7 of signals, which has 2", id="partition of a cursor"),
    ],
)  # fmt: skip
async def test_what_is_refused_says_why_and_for_which_request(
    requests: list[dict[str, Any]], code: str, said: str
) -> None:
    async with hub_on(MemoryLog(), max_subscriptions=2) as hub:
        visitor = Visitor(hub)
        for request in requests:
            await visitor.say(**request)
        (error,) = visitor.heard("error")
    assert error["code"] == code
    assert said in error["message"]
    assert error["id"] == requests[-1].get("id", "1")


async def test_a_long_message_is_refused() -> None:
    async with hub_on(MemoryLog()) as hub:
        visitor = Visitor(hub)
        await visitor.client.hear(json.dumps({"type": "ping", "id": "x" * FRAME_BYTES}))
        assert [frame["code"] for frame in visitor.heard()] == ["too_large"]


async def test_who_asks_too_fast_is_told_and_then_let_go() -> None:
    async with hub_on(MemoryLog()) as hub:
        visitor = Visitor(hub)
        for _ in range(int(MESSAGES_AT_ONCE) + MOST_REFUSED + 60):
            await visitor.say("ping")
        answers = [frame["type"] for frame in visitor.heard()]
    assert answers.count("pong") >= MESSAGES_AT_ONCE
    assert {frame["code"] for frame in visitor.heard("error")} == {"too_fast"}
    assert answers[-1] == "bye"
    assert visitor.heard("bye")[0]["reason"] == "too_fast"


async def test_a_slow_client_hears_how_far_it_is_and_the_others_notice_nothing() -> None:
    log = MemoryLog()
    async with hub_on(log, queue_frames=16) as hub:
        slow, quick = Visitor(hub), Visitor(hub)
        for one in (slow, quick):
            await one.say(channels=["signals"])
        for number in range(5):
            log.append(signal(number), partition=number % 2)
        await until(lambda: len(slow.ids()) == 5, "the first ones are there")
        slow.socket.stuck = SOCKET_BYTES + 1
        for number in range(5, 40):
            log.append(signal(number), partition=number % 2)
        await until(lambda: len(quick.ids()) == 40, "the quick one has all")
        assert slow.client.ending == "slow"
        (bye,) = slow.heard("bye")
        assert slow.heard()[-1] == bye
        # All up to there came, and nothing after it: the first five.
        assert slow.ids() == [f"s{number}" for number in range(5)]
        assert bye["cursor"] == "signals:0:2,signals:1:1"


async def test_a_snapshot_that_never_went_out_is_not_behind_the_cursor_of_the_bye() -> None:
    """Whoever comes again with it would miss all that was before it."""
    log = MemoryLog()
    for number in range(3):
        log.append(signal(number))
    async with hub_on(log, queue_frames=16) as hub:
        slow, quick = Visitor(hub), Visitor(hub)
        await quick.say(channels=["signals"])
        await slow.say(channels=["status"])
        slow.socket.stuck = SOCKET_BYTES + 1
        await slow.say(id="2", channels=["signals"])
        for number in range(3, 40):
            log.append(signal(number))
        await until(lambda: len(quick.ids()) == 37, "the quick one has all")
        (bye,) = slow.heard("bye")
        assert bye["reason"] == "slow"
        assert slow.heard("snapshot")[-1]["channel"] == "status"
        assert bye["cursor"] == "control.sources:0:-1,control.sources:1:-1"


async def test_a_defect_is_said_and_ends_the_connection() -> None:
    async with hub_on(MemoryLog()) as hub:
        visitor = Visitor(hub)
        hub.core._snapshots = None  # type: ignore[assignment]
        await visitor.say(channels=["signals"])
        assert [one["reason"] for one in visitor.heard("bye")] == ["failed"]


async def test_no_address_of_ours_is_told_to_clients() -> None:
    log = MemoryLog()
    async with hub_on(log) as hub:
        hub.log_health.lost(
            RegistryError("schema registry http://me:secret@host:8081 does not answer")
        )
        assert hub.log_health.last_error == "the schema registry does not answer"
        hub.log_health.lost(ConnectionError("no answer from the Kafka broker at 10.0.0.7:9092"))
        visitor = Visitor(hub)
        await visitor.say(channels=["status"])
        said = visitor.heard("health")[0]["last_error"]
        assert said == "the log does not answer (ConnectionError)"


async def test_a_heartbeat_says_how_far_the_client_and_how_late_the_bridge_is() -> None:
    log = MemoryLog()
    log.append(signal(0))
    async with hub_on(log, heartbeat_s=0.02) as hub:
        visitor = Visitor(hub)
        await visitor.say(channels=["signals", "prices"])
        await until(
            lambda: visitor.heard("heartbeat") and visitor.heard("heartbeat")[-1]["behind"] == 0,
            "the ends of the log are known",
        )
        beat = visitor.heard("heartbeat")[-1]
        assert beat["cursor"] == "signals:0:0,signals:1:-1"
        assert beat["lag_ms"] == 0
        log.lose()
        await until(lambda: visitor.heard("heartbeat")[-1]["lag_ms"] > 0, "it lags")
        assert visitor.heard("heartbeat")[-1]["behind"] is None
