"""Going on from a cursor: out of memory, out of the log, with what is lost said."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

from sinks.bridge.hub import backlog
from sinks.bridge.hub.backlog import PIECE
from sinks.bridge.hub.hub import Hub
from sinks.bridge.hub.send_queue import SOCKET_BYTES
from tests.unit.sinks.bridge.fixtures import Visitor, hub_on, since, until
from tests.unit.sinks.bridge.memory_log import MemoryLog, signal

LONG = 3 * PIECE


def filled(count: int, first: int = 0) -> MemoryLog:
    log = MemoryLog()
    more(log, count, first)
    return log


def more(log: MemoryLog, count: int, first: int) -> None:
    for number in range(first, first + count):
        log.append(signal(number), partition=number % 2)


def tiny_memory(hub: Hub, most: int = 4) -> None:
    """Leave so little in the hub's memory that the log has to be read."""
    hub.core.recent_events._most = most
    for place, position in list(hub.core.positions.items()):
        hub.core.recent_events.begin(place, position)


async def ids_since(hub: Hub, cursor: Any, count: int, **fields: Any) -> Visitor:
    visitor = Visitor(hub)
    await visitor.say(channels=["signals"], since=cursor, **fields)
    await until(lambda: len(visitor.ids()) >= count, f"{count} are there")
    return visitor


@pytest.mark.parametrize("from_log", [False, True], ids=["memory", "log"])
async def test_what_was_missed_comes_once_and_in_order_and_then_what_comes(from_log: bool) -> None:
    log = filled(LONG if from_log else 40)
    total = LONG if from_log else 40
    async with hub_on(log) as hub:
        if from_log:
            tiny_memory(hub)
        visitor = await ids_since(hub, "signals:0:1,signals:1:2", total - 5)
        more(log, 10, total)
        await until(lambda: len(visitor.ids()) >= total + 5, "the live ones are there")
        by_partition = [[i for i in visitor.ids() if int(i[1:]) % 2 == n] for n in (0, 1)]
        assert by_partition[0] == [f"s{n}" for n in range(4, total + 10, 2)]
        assert by_partition[1] == [f"s{n}" for n in range(7, total + 10, 2)]
        assert visitor.heard("ack")[0]["resumed"] == ["signals"]
        assert visitor.heard("snapshot", "gap") == []
        assert visitor.cursor() == {"signals:0": total // 2 + 4, "signals:1": total // 2 + 4}


async def test_the_log_goes_on_while_a_client_catches_up() -> None:
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        number = LONG
        while len(visitor.ids()) < LONG:
            more(log, 2, number)
            number += 2
            await asyncio.sleep(0.001)
        await until(lambda: len(visitor.ids()) >= number, "all are there")
        assert sorted(visitor.ids(), key=lambda i: int(i[1:])) == [f"s{n}" for n in range(number)]


async def test_filters_hold_for_what_was_missed() -> None:
    log = MemoryLog()
    for number in range(20):
        log.append(signal(number, action="BUY" if number % 2 else "SELL"))
    async with hub_on(log) as hub:
        visitor = await ids_since(hub, "signals:0:-1,signals:1:-1", 10, actions=["SELL"])
        log.append(signal(21, action="BUY"))
        log.append(signal(22, action="SELL"))
        await until(lambda: len(visitor.ids()) == 11, "the live one is there")
        assert visitor.ids() == [f"s{n}" for n in (*range(0, 20, 2), 22)]


async def test_what_the_log_no_longer_has_is_a_gap() -> None:
    log = filled(40)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        log.expire("signals", 0, 12)
        visitor = await ids_since(hub, "signals:0:4,signals:1:18", 9)
        (gap,) = visitor.heard("gap")
        assert {k: gap[k] for k in ("id", "topic", "partition", "from", "to", "reason")} == {
            "id": "1", "topic": "signals", "partition": 0, "from": 5, "to": 11,
            "reason": "expired",
        }  # fmt: skip
        assert gap["cursor"] == "signals:0:11"
        assert sorted(visitor.ids(), key=lambda i: int(i[1:])) == [
            "s24", "s26", "s28", "s30", "s32", "s34", "s36", "s38", "s39"
        ]  # fmt: skip


async def test_a_partition_that_the_cursor_does_not_name_is_a_gap() -> None:
    async with hub_on(filled(10)) as hub:
        visitor = await ids_since(hub, "signals:0:2", 2)
        (gap,) = visitor.heard("gap")
        assert (gap["partition"], gap["from"], gap["to"]) == (1, None, 4)
        assert gap["reason"] == "no_position"
        assert visitor.ids() == ["s6", "s8"]


async def test_a_cursor_beyond_the_log_means_that_the_log_is_another() -> None:
    async with hub_on(filled(4)) as hub:
        visitor = await ids_since(hub, "signals:0:99,signals:1:1", 2)
        (gap,) = visitor.heard("gap")
        assert (gap["partition"], gap["reason"], gap["cursor"]) == (0, "replaced", "signals:0:-1")
        assert visitor.ids() == ["s0", "s2"]


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        pytest.param("signals:0:4,signals:1:18", "signals:0:4,signals:1:18", id="expired"),
        pytest.param("signals:1:18", "signals:1:18", id="no position"),
    ],
)
async def test_a_gap_that_never_went_out_is_not_behind_the_cursor_of_the_bye(
    cursor: str, expected: str
) -> None:
    """Whoever comes again with it hears of the gap then."""
    log = filled(40)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        log.expire("signals", 0, 12)
        visitor = Visitor(hub)
        visitor.socket.stuck = SOCKET_BYTES + 1
        await visitor.say(channels=["signals"], since=cursor)
        await until(lambda: visitor.client.send_queue.waiting > 1, "the gap waits")
        visitor.client.close_with_cursor("going_away")
        assert visitor.heard("gap") == []
        assert visitor.heard("bye")[0]["cursor"] == expected


async def test_a_partition_that_is_gone_while_a_client_catches_up_is_a_gap() -> None:
    log = filled(40)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        log.lose()
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"], since="signals:0:9,signals:1:9")
        await until(lambda: not hub.log_health.connected, "the loss is noticed")
        del log.records[("signals", 1)]
        log.away = False
        await until(lambda: len(visitor.ids()) == 10, "what there is has come")
        log.append(signal(100))
        await until(lambda: visitor.ids()[-1] == "s100", "it is live")
        (gap,) = visitor.heard("gap")
        assert (gap["partition"], gap["from"], gap["to"]) == (1, 10, -1)
        assert gap["reason"] == "replaced"


async def test_a_hub_that_is_behind_another_one_sends_nothing_twice() -> None:
    """The client comes from a bridge that had read more of the same log."""
    log = filled(4)
    async with hub_on(log) as hub:
        hub.feed._session.cancel()  # type: ignore[union-attr]  # it stands for a moment
        more(log, 4, 4)
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"], since="signals:0:2,signals:1:2")
        await until(lambda: hub.core.positions[("signals", 1)] == 4, "the hub goes on")
        more(log, 2, 8)
        await until(lambda: len(visitor.ids()) == 4, "the others are there")
        assert sorted(visitor.ids()) == ["s6", "s7", "s8", "s9"]
        assert visitor.heard("gap") == []


async def test_a_stalled_client_that_catches_up_holds_no_connection_to_the_log() -> None:
    log = filled(LONG)
    async with hub_on(log, queue_frames=64) as hub:
        tiny_memory(hub)
        stalled = []
        for _ in range(6):  # more than there are connections
            visitor = Visitor(hub)
            visitor.socket.stuck = SOCKET_BYTES + 1
            await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
            stalled.append(visitor)
        quick = await ids_since(hub, "signals:0:-1,signals:1:-1", LONG)
        assert len(quick.ids()) == LONG
        assert all(one.client.ending is None for one in stalled)  # waited for, not let go
        for one in stalled:
            one.socket.let_go()
        await until(lambda: all(len(one.ids()) == LONG for one in stalled), "they have all too")


async def test_the_log_away_while_a_client_catches_up_is_waited_for() -> None:
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        log.lose()
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        await asyncio.sleep(0.05)
        assert visitor.ids() == []
        log.away = False
        await until(lambda: len(visitor.ids()) == LONG, "all are there")


async def test_a_second_subscription_that_catches_up_repeats_nothing_of_the_first() -> None:
    log = filled(20)
    async with hub_on(log) as hub:
        visitor = await ids_since(hub, "signals:0:4,signals:1:4", 10)
        await visitor.say(id="2", channels=["signals"], since="signals:0:-1,signals:1:-1")
        await until(lambda: len(visitor.ids()) >= 20, "the older ones are there")
        more(log, 2, 20)
        await until(lambda: "s21" in visitor.ids(), "the live ones are there")
        assert sorted(visitor.ids(), key=lambda i: int(i[1:])) == [f"s{n}" for n in range(22)]


async def test_unsubscribed_while_it_catches_up_it_ends() -> None:
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        visitor = Visitor(hub)
        await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        await visitor.say("unsubscribe", id="2", subscription="1")
        await asyncio.sleep(0.05)
        assert visitor.heard("ack")[-1]["request"] == "unsubscribe"
        assert len(visitor.ids()) < LONG
        assert not visitor.client.subscriptions


async def test_a_merged_cursor_goes_on_anywhere() -> None:
    """What a client does: it keeps the cursors of all frames, and gives them to another bridge."""
    log = filled(11)
    async with hub_on(log) as hub, hub_on(log) as other:
        first = Visitor(hub)
        await first.say(channels=["signals", "prices", "status"])
        more(log, 6, 11)
        await until(lambda: len(first.ids()) == 6, "the first ones are there")
        more(log, 5, 17)
        await until(lambda: len(first.ids()) == 11, "more are there")
        second = Visitor(other)
        await second.say(channels=["signals", "prices", "status"], since=since(first.cursor()))
        more(log, 3, 22)
        await until(lambda: len(second.ids()) == 3, "the last ones are there")
        assert sorted(first.ids()[:11] + second.ids()) == sorted(f"s{n}" for n in range(11, 25))
        assert {one["channel"] for one in second.heard("snapshot")} == {"prices"}


async def test_the_cursor_of_a_client_that_catches_up_is_not_the_hubs() -> None:
    """Whoever is sent away in the midst of it goes on where it was."""
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        first = Visitor(hub)
        await first.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        await until(lambda: len(first.ids()) > 100, "some are there")
        first.client.close_with_cursor("going_away")
        assert len(first.ids()) < LONG
        second = await ids_since(hub, first.heard("bye")[0]["cursor"], LONG - len(first.ids()))
        assert sorted(first.ids() + second.ids()) == sorted(f"s{n}" for n in range(LONG))


async def test_the_heartbeat_of_a_client_that_catches_up_is_its_own() -> None:
    log = filled(10)
    async with hub_on(log, heartbeat_s=0.02) as hub:
        tiny_memory(hub)
        caught_up, behind = Visitor(hub), Visitor(hub)
        await caught_up.say(channels=["signals"])
        log.lose()  # what was missed cannot be read now
        await behind.say(channels=["signals"], since="signals:0:1,signals:1:1")
        await until(lambda: caught_up.heard("heartbeat") and behind.heard("heartbeat"), "they beat")
        assert caught_up.heard("heartbeat")[0]["cursor"] == "signals:0:4,signals:1:4"
        assert behind.heard("heartbeat")[0]["cursor"] == "signals:0:1,signals:1:1"


class Counted:
    """A decoder that notes what it decodes."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self.places: list[tuple[str, int, int]] = []

    async def decode(self, raw: Any) -> Any:
        self.places.append((raw.topic, raw.partition, raw.offset))
        return await self._decoder.decode(raw)


async def test_many_that_catch_up_are_served_from_one_decoded_window() -> None:
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        hub.backlog._decoder = counted = Counted(hub.backlog._decoder)
        visitors = [Visitor(hub) for _ in range(60)]
        for number, visitor in enumerate(visitors):
            fields: dict[str, Any] = {"actions": ["BUY"]} if number % 3 == 0 else {}
            await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1", **fields)
        await until(lambda: all(one.client.is_caught_up for one in visitors), "all have caught up")
        for visitor in visitors:
            assert sorted(visitor.ids(), key=lambda i: int(i[1:])) == [f"s{n}" for n in range(LONG)]
        assert len(counted.places) == len(set(counted.places)) == LONG


async def test_what_is_decoded_for_those_who_catch_up_has_a_bound_and_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 300_000)
    monkeypatch.setattr(backlog, "KEEP_S", 0.2)
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        connected = log.connections
        largest = 0
        visitors = [Visitor(hub) for _ in range(4)]
        for visitor in visitors:
            await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        while not all(one.client.is_caught_up for one in visitors):
            largest = max(largest, sum(one.size() for one in hub.backlog._kept.values()))
            assert hub.backlog._bytes == sum(one.size() for one in hub.backlog._kept.values())
            await asyncio.sleep(0)
        assert 0 < largest <= 300_000
        assert all(len(one.ids()) == LONG for one in visitors)
        await until(lambda: log.connections == connected, "the connections are closed")
        assert not hub.backlog._kept
        assert hub.backlog._bytes == 0


async def test_one_that_is_cut_off_takes_nothing_from_the_others() -> None:
    """The window that it has begun to read is for all who ask for it."""
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        connected = log.connections
        first, second = Visitor(hub), Visitor(hub)
        for visitor in (first, second):
            await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        await until(lambda: log.connections > connected, "the first window is being read")
        first.client.forget()
        await until(lambda: len(second.ids()) == LONG, "the other one has all")
        assert len(first.ids()) < LONG


async def test_a_topic_recreated_is_read_anew() -> None:
    log = filled(40)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        assert len((await ids_since(hub, "signals:0:-1,signals:1:-1", 40)).ids()) == 40
        log.renew("signals")
        more(log, 12, 100)
        await until(lambda: hub.core.positions[("signals", 0)] == 6, "the hub has seen it")
        tiny_memory(hub)
        visitor = await ids_since(hub, "signals:0:-1,signals:1:-1", 12)
        assert sorted(visitor.ids(), key=lambda i: int(i[1:])) == [f"s{n}" for n in range(100, 112)]


async def test_one_that_catches_up_lets_the_loop_go_every_few_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "KEEP_S", 1000.0)
    log = filled(8 * PIECE)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        hub.core.recent_events._most = 4 * PIECE
        visitors = [Visitor(hub) for _ in range(20)]
        for visitor in visitors:
            await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        gc.disable()  # the rest of the tests is on this heap too
        try:
            cpu_s, longest_s = time.thread_time(), 0.0
            while not all(one.client.is_caught_up for one in visitors):
                await asyncio.sleep(0)
                longest_s = max(longest_s, time.thread_time() - cpu_s)
                cpu_s = time.thread_time()
        finally:
            gc.enable()
        assert all(len(one.ids()) == 8 * PIECE for one in visitors)
        assert longest_s < 0.025  # of computing, mostly 0.003


async def test_one_that_never_reads_what_it_asked_for_is_let_go() -> None:
    log = filled(LONG)
    async with hub_on(log) as hub:
        tiny_memory(hub)
        visitor = Visitor(hub)
        visitor.client.send_queue._stall_s = 0.1
        visitor.socket.stuck = SOCKET_BYTES + 1
        await visitor.say(channels=["signals"], since="signals:0:-1,signals:1:-1")
        await until(lambda: visitor.client.ending == "slow", "it is let go")
        assert visitor.heard("bye")[0]["cursor"] == "signals:0:-1,signals:1:-1"
        assert not visitor.client.subscriptions
