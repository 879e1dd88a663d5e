"""Whatever comes between: each wanted record once, and those of a partition in order.

Snapshot, backlog and live records interleave in every way: the hubs read a little or a lot, the
client goes and comes back with its cursor to one of two bridges, its socket stands still, it is let
go for that, the log is away. The memory of the hubs and the pieces of the log are so small that all
the ways from a cursor to the live stream are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.bridge.auth import Auth
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.hub.send_queue import SOCKET_BYTES
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.fixtures import Visitor, bridge_settings, merged, since, until
from tests.unit.sinks.bridge.memory_log import CODEC, PARTITIONS, MemoryLog, signal

CHANNELS = ("signals", "scores")
CLIENTS = 3
"""They catch up beside each other, out of the same windows."""
TOPICS = {"signal": "signals", "score": "engine.scores"}


class Publish(NamedTuple):
    count: int
    partition: int
    action: str


class Return(NamedTuple):
    """A client drops its connection and comes back to a bridge, with the cursor."""

    client: int
    bridge: int


class Stall(NamedTuple):
    client: int
    stalled: bool


class Away(NamedTuple):
    away: bool


class Cut(NamedTuple):
    """Cuts a bridge off the log for a moment: the other one goes ahead."""

    bridge: int


PUBLISH = st.builds(
    Publish, st.integers(1, 12), st.integers(0, PARTITIONS - 1), st.sampled_from(["BUY", "SELL"])
)
ACTIONS = st.one_of(
    PUBLISH,
    PUBLISH,
    st.builds(Return, st.integers(0, CLIENTS - 1), st.integers(0, 1)),
    st.builds(Stall, st.integers(0, CLIENTS - 1), st.sampled_from([True, True, False])),
    st.builds(Away, st.booleans()),
    st.builds(Cut, st.integers(0, 1)),
)
STEPS = st.lists(st.tuples(ACTIONS, st.sampled_from([0, 1, 2, 5, 20, 20])), max_size=30)
"""Each with how many turns of the loop the tasks get after it."""
FILTERS = st.sampled_from([{}, {"actions": ["BUY"]}, {"actions": ["SELL"], "min_confidence": 0.5}])


class Traveller:
    """A client that merges the cursors of all frames, and comes back with them."""

    def __init__(self, hubs: list[Hub], wanted: dict[str, Any]) -> None:
        self.hubs = hubs
        self._wanted = wanted
        self._before: list[dict[str, Any]] = []
        self.at = 0
        self.visitor: Visitor

    async def arrive(self, bridge: int) -> None:
        cursor = merged(self._before)
        fields = {"since": since(cursor)} if cursor else {}
        self.at = bridge
        self.visitor = Visitor(self.hubs[bridge])
        await self.visitor.say(channels=CHANNELS, **self._wanted, **fields)

    async def travel(self, bridge: int) -> None:
        self._before = self.frames()
        self.visitor.hub.part(self.visitor.client)
        self.visitor.client.forget()
        await self.arrive(bridge)

    def frames(self) -> list[dict[str, Any]]:
        return self._before + self.visitor.heard()

    def has_all_or_is_let_go(self) -> bool:
        client = self.visitor.client
        return self.was_let_go or not (client._tasks or client.send_queue.waiting)

    @property
    def was_let_go(self) -> bool:
        return self.visitor.client.ending is not None


@asynccontextmanager
async def bridges(log: MemoryLog) -> AsyncIterator[list[Hub]]:
    options = bridge_settings(queue_frames=16)
    hubs = [Hub(options, LogParts(log.open, CODEC), Auth(options)) for _ in range(2)]
    for hub in hubs:
        hub.core.recent_events._most = 3
        hub.backlog.piece = 4
        await hub.start()
    for hub in hubs:
        await hub.ready.wait()
    try:
        yield hubs
    finally:
        for hub in hubs:
            for client in list(hub._clients):
                hub.part(client)
                client.forget()
            await hub.stop()


async def follow(
    before: list[Publish], steps: list[tuple[Any, int]], wanted: list[dict[str, Any]]
) -> tuple[MemoryLog, list[list[dict[str, Any]]]]:
    """Do the steps, then let all settle; return the log and all frames of each client."""
    log = MemoryLog()
    for one in before:
        publish(log, one)
    async with bridges(log) as hubs:
        travellers = [Traveller(hubs, fields) for fields in wanted]
        for traveller in travellers:
            await traveller.arrive(0)
        for step, turns in steps:
            await take(step, log, hubs, travellers)
            for _ in range(turns):
                await asyncio.sleep(0)
            for traveller in travellers:
                if traveller.was_let_go:
                    await traveller.travel(traveller.at)
        log.away = False
        for traveller in travellers:
            traveller.visitor.socket.let_go()
        for traveller in travellers:
            await settled(log, hubs, traveller)
        return log, [traveller.frames() for traveller in travellers]


async def take(step: Any, log: MemoryLog, hubs: list[Hub], travellers: list[Traveller]) -> None:
    match step:
        case Publish():
            publish(log, step)
        case Return(client, bridge):
            await travellers[client].travel(bridge)
        case Stall(client, True):
            travellers[client].visitor.socket.stuck = SOCKET_BYTES + 1
        case Stall(client, False):
            travellers[client].visitor.socket.let_go()
        case Cut(bridge):
            hubs[bridge].feed.reconnect()
        case Away(away):
            log.away = away


async def settled(log: MemoryLog, hubs: list[Hub], traveller: Traveller) -> None:
    def caught_up() -> bool:
        return all(
            log.end(*place) == at for hub in hubs for place, at in hub.core.positions.items()
        )

    await until(caught_up, "the hubs have read all")
    while True:
        await until(traveller.has_all_or_is_let_go, "the client has all")
        if not traveller.was_let_go:
            return
        await traveller.travel(traveller.at)


def publish(log: MemoryLog, one: Publish) -> None:
    for number in range(one.count):
        log.append(signal(number, action=one.action), one.partition)
        log.append(
            samples.score(sequence=number, confidence=0.4 + 0.2 * (number % 2)), one.partition
        )


def wants(topic: str, event: Any, wanted: dict[str, Any]) -> bool:
    if event.confidence < wanted.get("min_confidence", 0.0):
        return False
    return topic != "signals" or event.action in wanted.get("actions", [event.action])


@settings(max_examples=150)
@given(st.lists(PUBLISH, max_size=4), STEPS, st.lists(FILTERS, min_size=CLIENTS, max_size=CLIENTS))
def test_each_wanted_record_comes_once_and_in_order(
    before: list[Publish], steps: list[tuple[Any, int]], wanted: list[dict[str, Any]]
) -> None:
    log, all_frames = asyncio.run(follow(before, steps, wanted))
    for frames, fields in zip(all_frames, wanted, strict=True):
        check(log, frames, fields)


def check(log: MemoryLog, frames: list[dict[str, Any]], wanted: dict[str, Any]) -> None:
    begun = merged([frame for frame in frames if frame["type"] == "snapshot"][: len(CHANNELS)])
    got: dict[str, list[int]] = {place: [] for place in begun}
    for frame in frames:
        if frame["type"] in TOPICS:
            topic, partition, offset = frame["cursor"].split(":")
            assert topic == TOPICS[frame["type"]]
            got[f"{topic}:{partition}"].append(int(offset))
    for place, offsets in got.items():
        topic, partition = place.split(":")
        expected = [
            record.offset
            for record in log.records[(topic, int(partition))]
            if record.offset > begun[place] and wants(topic, CODEC.decode(record.value), wanted)
        ]
        assert offsets == expected, place
    assert [frame for frame in frames if frame["type"] in {"gap", "error"}] == []
