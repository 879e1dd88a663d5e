"""Restores the state of a stage from its changelog, and checks it against the inputs.

Faust would restore a table only where every row counts. Here rows of an owner that slept are
dropped, only committed rows are read, and a topic that was deleted and recreated, or lost its end,
is noticed: its offsets begin again, and what the state has applied of it no longer counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from schemas.topics import physical
from streams.agents.state_store import Applied, StateStore
from streams.stage import Stage
from transport import admin
from transport.log_reader import LogReader
from transport.settings import Settings

_log = logging.getLogger(__name__)
OWNER_KEY = b"\x00owner"
"""Key of the row that an owner writes about itself: no asset has such a name."""


class Owner(msgspec.Struct, array_like=True, frozen=True):
    """What an owner of a partition notes: its state is none; `applied` is empty.

    `topics` are the ids of the input topics by their names on the broker, as far as it gives them.
    The first four fields are those of a row.
    """

    state: None
    applied: Applied
    pending: list[None]
    epoch: int
    topics: dict[str, str] = {}


_decode_owner = msgspec.msgpack.Decoder(Owner).decode
_encode_owner = msgspec.msgpack.Encoder().encode


Rows = list[tuple[bytes, bytes]]
"""Keys and values to write to the changelog."""


class Restored(NamedTuple):
    """What the new owner writes first: rows by partition number, and offsets to read again from.

    `rewound` are first offsets by topic on the broker and partition, of topics that were recreated:
    somebody may have passed over their records meanwhile.
    """

    rows: dict[int, Rows]
    rewound: dict[tuple[str, int], int]


class Changelog:
    """The changelog of one stage; `name` is its topic on the broker."""

    def __init__(self, settings: Settings, stage: Stage, name: str) -> None:
        self._settings = settings
        self._stage = stage.name
        self._inputs = {topic: physical(topic, settings.prefix) for topic in stage.inputs}
        self.name = name
        self._next: dict[int, int] = {}
        self._applied: dict[int, dict[bytes, Applied]] = {}
        self._topics: dict[int, dict[str, str]] = {}

    async def restore(self, store: StateStore, numbers: Iterable[int]) -> Restored:
        """Bring the store to the end of the log; return what to write before anything else.

        What is known from an earlier assignment stays, only what came since is read. Raises
        BrokerError when the broker does not answer.
        """
        wanted = sorted(numbers)
        ids = await asyncio.to_thread(admin.topic_ids, self._settings, self._inputs.values())
        async with LogReader(self._settings, fetch_wait_ms=50) as reader:
            await self._read(reader, store, wanted)
            places = [(name, number) for name in self._inputs.values() for number in wanted]
            begins, ends = await reader.begins(places), await reader.ends(places)
        rows: dict[int, Rows] = {}
        rewound: dict[tuple[str, int], int] = {}
        for number in wanted:
            rows[number] = []
            for topic, name in self._inputs.items():
                place = (name, number)
                changed = self._recreated(store, number, topic, ends[place], ids)
                if changed:
                    rewound[place] = begins[place]
                rows[number] += changed
            rows[number].append((OWNER_KEY, self._owned(store, number, ids)))
        return Restored(rows, rewound)

    async def _read(self, reader: LogReader, store: StateStore, numbers: list[int]) -> None:
        places = [(self.name, number) for number in numbers]
        begins, ends = await reader.begins(places), await reader.ends(places)
        if any(ends[self.name, number] < self._next.get(number, 0) for number in numbers):
            _log.warning("the changelog %s was recreated: its state is read again", self.name)
            store.clear()
            for known in (self._next, self._applied, self._topics):
                known.clear()
        ranges = {}
        for place in places:
            number = place[1]
            ranges[place] = (max(begins[place], self._next.get(number, 0)), ends[place])
        async for records in reader.scan(ranges):
            rows: dict[int, Rows] = {}
            for record in records:
                rows.setdefault(record.partition, []).append((record.key, record.value))
            for number, of_one in rows.items():
                self._take(store, number, of_one)
        self._next |= {number: ends[self.name, number] for number in numbers}

    def _take(self, store: StateStore, number: int, rows: Rows) -> None:
        taken = store.restore(number, rows)
        if taken.pop(OWNER_KEY, None) is not None:
            owners = [value for key, value in rows if key == OWNER_KEY]
            self._topics[number] = _decode_owner(owners[-1]).topics
        self._applied.setdefault(number, {}).update(taken)

    def _recreated(
        self, store: StateStore, number: int, topic: str, end: int, ids: Mapping[str, str]
    ) -> Rows:
        """Return the rows of the keys that applied more of a topic than it has now ever had."""
        name, former = self._inputs[topic], self._topics.get(number, {})
        is_another = name in former and name in ids and former[name] != ids[name]
        by_key = self._applied.get(number, {})
        keys = [
            key
            for key, applied in by_key.items()
            if topic in applied and (is_another or applied[topic] >= end)
        ]
        if not keys:
            return []
        _log.warning(
            "%s[%d] %s: %s goes on with what it has from its first offset on",
            *(name, number, "was deleted and recreated" if is_another else f"ends at {end} now"),
            self._stage,
        )
        rows = [(key, store.recreated(number, key, topic)) for key in keys]
        for key in keys:
            by_key[key] = {one: at for one, at in by_key[key].items() if one != topic}
        return rows

    def _owned(self, store: StateStore, number: int, ids: Mapping[str, str]) -> bytes:
        """Return the row of this owner; its epoch is the one after all that were there."""
        store.epochs[number] = store.epochs.get(number, 0) + 1
        self._topics[number] = dict(ids)
        return _encode_owner(Owner(None, {}, [], store.epochs[number], dict(ids)))
