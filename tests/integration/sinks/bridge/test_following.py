"""Real clients of real bridges on the embedded broker: filters, absence, restarts."""

from __future__ import annotations

import asyncio
import gc
import json
import socket

import msgspec
import pytest

from tests.integration.sinks.bench import PARTITIONS
from tests.integration.sinks.bridge.fixtures import TOKEN, Bridge, Follower, Site, signal, until
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.fixtures import merged, since
from transport.supervision.ports import free_port

pytestmark = pytest.mark.embedded
ASSETS = [f"A{number:02d}" for number in range(10)]
CYCLES, STRATEGIES = 6, ("momentum", "value", "swing", "scalping")


def hour(first: int = 0, assets: int = 50) -> list[msgspec.Struct]:
    """Return what an hour brings: six cycles of signals and scores of 50 assets."""
    events: list[msgspec.Struct] = []
    number = first
    for _ in range(CYCLES):
        for place in range(assets):
            asset = f"A{place:02d}"
            events += [samples.score(asset=asset, engine=one, sequence=number)
                       for one in ("sentiment", "technical", "liquidity")]  # fmt: skip
            for strategy in STRATEGIES:
                events.append(signal(number, asset=asset, strategy_id=strategy))
                number += 1
    return events


async def assert_nothing_is_missing_or_double(
    site: Site, followers: list[Follower], begun: dict[str, int], kind: str = "signal"
) -> None:
    """Compare what the followers got after `begun`, one after the other, with the topic."""
    topic = {"signal": "signals", "score": "engine.scores"}[kind]
    for place, events in (await site.of_topic(topic)).items():
        got = [pair for one in followers for pair in one.by_place(kind).get(place, [])]
        expected = [(n, msgspec.json.decode(msgspec.json.encode(event)))
                    for n, event in enumerate(events) if n > begun[place]]  # fmt: skip
        assert got == expected, place


async def test_each_client_gets_what_it_asked_for(site: Site) -> None:
    async with (
        site.bridge() as bridge,
        bridge.client(compress=15) as everything,
        bridge.client() as one_asset,
        bridge.client(compress=15) as buys,
    ):
        await everything.subscribed(channels=["signals", "prices", "status"])
        await one_asset.subscribed(channels=["signals", "prices"], assets=["a03"])
        await buys.subscribed(channels=["signals"], actions=["BUY"], min_confidence=0.5,
                              strategies=["value"])  # fmt: skip
        events = [
            signal(n, asset=ASSETS[n % 10], strategy_id=STRATEGIES[n % 4],
                   action=("BUY", "SELL", "HOLD")[n % 3], confidence=n / 100)
            for n in range(100)
        ]  # fmt: skip
        book = msgspec.structs.replace(samples.BOOK, asset="A03")
        await site.send(*events, samples.BOOK, book, samples.SOURCE)
        await until(lambda: len(everything.ids()) == 100, "all are there")
        await until(lambda: len(everything.of("price")) == 2, "both prices are there")
        await until(lambda: everything.of("source"), "the source's state is there")
        assert sorted(one_asset.ids()) == sorted(e.signal_id for e in events if e.asset == "A03")
        assert [frame["data"]["price_usd"] for frame in one_asset.of("price")] == [100.0]
        assert sorted(buys.ids()) == sorted(
            e.signal_id for e in events
            if e.action == "BUY" and e.strategy_id == "value" and e.confidence >= 0.5
        )  # fmt: skip


async def test_an_hour_away_leaves_nothing_out_and_brings_nothing_twice(site: Site) -> None:
    await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(30)))
    async with site.bridge(recent_events=32) as bridge:
        async with bridge.client(compress=15) as before:
            await before.subscribed(channels=["signals", "scores"])
            await until(lambda: len(before.of("snapshot")) == 2, "the snapshots are there")
            await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(30, 60)))
            await until(lambda: len(before.ids()) == 30, "the live ones are there")
        begun = merged(before.of("snapshot"))
        await site.send(*hour(1_000))
        ends = bridge.hub.core.positions
        await until(lambda: ends[("signals", 0)] + ends[("signals", 1)] >= 1_260, "it is read")
        async with bridge.client(compress=15) as after:
            await after.subscribed(channels=["signals", "scores"],
                                   since=since(merged(before.frames)))  # fmt: skip
            await site.send(*hour(9_000, assets=3))  # it goes on meanwhile
            await until(lambda: len(after.ids()) >= 1_272, "all signals are there")
            await until(lambda: len(after.of("score")) >= 954, "all scores are there")
            assert after.of("gap", "error", "snapshot") == []
        await assert_nothing_is_missing_or_double(site, [before, after], begun)
        await assert_nothing_is_missing_or_double(site, [before, after], begun, "score")


async def test_a_bridge_that_is_started_again_is_gone_on_with(site: Site) -> None:
    port = free_port()
    await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(20)))
    async with site.bridge(port) as bridge, bridge.client() as before:
        await before.subscribed(channels=["signals"])
        await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(20, 40)))
        stopping = asyncio.create_task(bridge.hub.stop())
        await until(lambda: before.socket.closed, "the bridge has said bye")
        await stopping
    assert len(before.ids()) == 20, "what the log had was sent before the bye"
    (bye,) = before.of("bye")
    assert (bye["reason"], before.socket.close_code) == ("going_away", 1001)
    await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(40, 60)))
    async with site.bridge(port) as bridge, bridge.client() as after:
        await after.subscribed(channels=["signals"], since=bye["cursor"])
        await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(60, 80)))
        await until(lambda: len(after.ids()) >= 40, "the others are there")
        begun = merged(before.of("snapshot"))
        await assert_nothing_is_missing_or_double(site, [before, after], begun)


async def test_two_bridges_give_the_same_and_take_each_others_clients(site: Site) -> None:
    async with site.bridge() as one, site.bridge() as two:
        async with one.client() as here, two.client() as there:
            for client in (here, there):
                await client.subscribed(channels=["signals"])
                await until(lambda c=client: c.of("snapshot"), "the snapshot is there")  # type: ignore[misc]
            await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(50)))
            await until(lambda: len(here.ids()) == len(there.ids()) == 50, "both have all")
            assert here.by_place() == there.by_place()
        async with two.client() as moved:
            await moved.subscribed(channels=["signals"], since=since(merged(here.frames)))
            await site.send(*(signal(n, asset=ASSETS[n % 10]) for n in range(50, 70)))
            await until(lambda: len(moved.ids()) >= 20, "the others are there")
            begun = merged(here.of("snapshot"))
            await assert_nothing_is_missing_or_double(site, [here, moved], begun)


async def test_a_client_that_does_not_read_is_let_go_with_its_cursor(site: Site) -> None:
    async with site.bridge(queue_frames=16) as bridge, bridge.client() as other:
        await other.subscribed(channels=["signals"])
        stalled = await _stalled(bridge)
        number = 0
        while not any(client.ending for client in bridge.hub._clients):
            await site.send(*(signal(n, asset=ASSETS[n % 10], detail={"pad": "x" * 4_000})
                              for n in range(number, number + 50)))  # fmt: skip
            number += 50
            await until(lambda n=number: len(other.ids()) == n, "the other one has all")  # type: ignore[misc]
            assert number < 20_000
        frames = await asyncio.to_thread(_read_all, stalled)
        bye = frames[-1]
        assert (bye["type"], bye["reason"]) == ("bye", "slow")
        got = [frame["data"]["signal_id"] for frame in frames if frame["type"] == "signal"]
        assert 0 < len(got) < number
        async with bridge.client() as again:
            await again.subscribed(channels=["signals"], since=bye["cursor"])
            await until(lambda: len(got) + len(again.ids()) >= number, "the rest is there")
            assert sorted(got + again.ids()) == sorted(other.ids())


async def test_a_client_that_never_reads_again_is_cut_off(site: Site) -> None:
    async with site.bridge(queue_frames=16) as bridge, bridge.client() as other:
        stalled = await _stalled(bridge)
        number = 0
        while not any(client.ending for client in bridge.hub._clients):
            await site.send(*(signal(number, detail={"pad": "x" * 60_000}) for _ in range(20)))
            number += 1
        await until(lambda: bridge.hub.clients == 1, "it is gone")
        await other.subscribed(channels=["signals"])
        stalled.close()


async def _stalled(bridge: Bridge) -> socket.socket:
    """Return a connection that has subscribed and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", bridge.port))
    lines = ("GET /ws HTTP/1.1", f"Host: 127.0.0.1:{bridge.port}", "Upgrade: websocket",
             "Connection: Upgrade", f"Authorization: Bearer {TOKEN}", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "")  # fmt: skip
    await loop.sock_sendall(client, "\r\n".join(lines).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await loop.sock_recv(client, 1)
    text = json.dumps({"type": "subscribe", "id": "1", "channels": ["signals"]}).encode()
    await loop.sock_sendall(client, bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text)
    await until(lambda: bridge.hub.clients == 2, "it is there")
    return client


def _read_all(client: socket.socket) -> list[dict[str, object]]:
    """Read to the close, and return the messages in it."""
    client.settimeout(120)
    data = b""
    while chunk := client.recv(65_536):
        data += chunk
    client.close()
    found, at = [], 0
    while at < len(data) and data[at] & 0x0F != 8:
        size, head = data[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        if data[at] & 0x0F == 1:
            found.append(json.loads(data[at + head : at + head + size]))
        at += head + size
    return found


async def test_clients_that_are_cut_off_while_they_catch_up_leave_nothing_behind(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    loop, said = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: said.append(context["message"]))
    try:
        await site.send(*(signal(number) for number in range(2_000)))
        async with site.bridge(recent_events=2) as bridge:
            before = tuple(f"signals:{number}:-1" for number in range(PARTITIONS))
            for turns in (0, 1, 2, 5, 10, 20):
                async with asyncio.TaskGroup() as group:
                    for _ in range(5):
                        group.create_task(_asks_and_goes(bridge, before, 0.001 * turns))
            async with bridge.client() as stays:
                await stays.say(channels=["signals"], since=before)
                await until(lambda: len(stays.ids()) == 2_000, "who stays gets all")
            # The bridge ends while somebody catches up.
            async with bridge.client() as last:
                await last.say(channels=["signals"], since=before)
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert said == []
    assert [one for one in caplog.records if one.exc_info] == []


async def _asks_and_goes(bridge: Bridge, before: tuple[str, ...], after_s: float) -> None:
    async with bridge.client() as client:
        await client.say(channels=["signals"], since=before)
        await asyncio.sleep(after_s)
