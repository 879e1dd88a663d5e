"""What a stage remembers, by key: decoded entries over the bytes of a Faust table.

The stored value of a key is one msgpack array: the stage's state, the applied offsets, and the
outputs of the last batch that touched the key. The outputs are there because the value is written
*before* they are sent: a worker that dies between the two finds them here and sends them again.
So what was decided once stays decided, also when records arrive in another order the second time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from streams.stage import Entry, Stage


class Pending(NamedTuple):
    """An encoded output: logical topic, partition, key, timestamp and value as on the broker.

    `sent_ms` is the wall-clock time at which the market event behind it was published (0: unknown).
    """

    topic: str
    partition: int
    key: bytes
    timestamp_ms: int
    value: bytes
    sent_ms: int


class StateStore:
    """Entries of one stage; `table` is the Faust table that recovery fills with bytes."""

    def __init__(self, stage: Stage, table: Any) -> None:
        self._single = stage.single_key.encode() if stage.single_key else None
        self._table = table
        self._entries: dict[bytes, Entry] = {}
        stored: Any = tuple[stage.state_type, dict[str, int], list[Pending]]  # type: ignore[name-defined]
        self._decode = msgspec.msgpack.Decoder(stored).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def key(self, record_key: bytes, partition: int) -> bytes:
        """Return the key of the entry that a record belongs to."""
        if self._single is None:
            return record_key
        return b"%d|%s" % (partition, self._single)

    def load(self, key: bytes) -> tuple[Entry | None, list[Pending]]:
        """Return the entry of a key, and on the first touch the outputs it last decided on."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry, []
        value = self._table.data.get(key)
        if value is None:
            return None, []
        state, applied, pending = self._decode(value)
        entry = self._entries[key] = Entry(state, applied)
        return entry, pending

    def put(self, key: bytes, entry: Entry) -> None:
        """Remember an entry in memory; it is lost unless its bytes reach the changelog."""
        self._entries[key] = entry

    def encode(self, entry: Entry, pending: list[Pending]) -> bytes:
        """Return the bytes for the changelog."""
        return self._encode((entry.state, entry.applied, pending))

    def persisted(self, key: bytes, value: bytes) -> None:
        """Note that the changelog has these bytes."""
        self._table.data[key] = value

    def forget(self) -> None:
        """Drop what is only in memory: after a rebalance, or a batch that was given up."""
        self._entries.clear()
