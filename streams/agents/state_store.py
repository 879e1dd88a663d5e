"""What a stage remembers, by key: decoded entries over the bytes of the changelog.

The stored value of a key is one msgpack array: the stage's state, the applied offsets, the outputs
of the last batch that touched the key, and the epoch of who wrote it.

Where the broker has transactions the outputs are empty: state, outputs and offsets reach the log
together. Where it has none (the embedded one) the value is written *before* the outputs are sent: a
worker that dies between the two finds them here and sends them again. So what was decided once
stays decided, also when records arrive in another order the second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from streams.stage import FORMER, Entry, Stage
from transport.records import Outgoing

S = TypeVar("S")


Applied = dict[str, int]


class Row(msgspec.Struct, Generic[S], array_like=True, frozen=True, gc=False):
    """What the changelog has of a key; older rows have no epoch."""

    state: S
    applied: Applied
    pending: list[Outgoing] = []
    epoch: int = 0


_decode_without_state = msgspec.msgpack.Decoder(Row[msgspec.Raw]).decode


class StateStore:
    """Entries of one stage, over the bytes that `restore` fills in."""

    def __init__(self, stage: Stage) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._entries: dict[bytes, Entry] = {}
        self._decode = msgspec.msgpack.Decoder(Row[stage.state_type]).decode  # type: ignore[name-defined]
        self._encode = msgspec.msgpack.Encoder().encode
        self.epochs: dict[int, int] = {}
        """The epoch of this owner by partition number, 0 for one that nobody took over."""

    def load(self, key: bytes) -> tuple[Entry | None, list[Outgoing]]:
        """Return the entry of a key, and on the first touch the outputs it last decided on."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry, []
        value = self._rows.get(key)
        if value is None:
            return None, []
        row = self._decode(value)
        entry = self._entries[key] = Entry(row.state, row.applied)
        return entry, row.pending

    def peek(self, key: bytes) -> Entry | None:
        """Return the entry of a key and touch nothing: `load` will still tell of its outputs."""
        entry, value = self._entries.get(key), self._rows.get(key)
        if entry is not None or value is None:
            return entry
        row = self._decode(value)
        return Entry(row.state, row.applied)

    def put(self, key: bytes, entry: Entry) -> None:
        """Remember an entry in memory; it is lost unless its bytes reach the changelog."""
        self._entries[key] = entry

    def encode(self, entry: Entry, pending: list[Outgoing], partition: int) -> bytes:
        """Return the bytes for the changelog."""
        return self._encode(Row(entry.state, entry.applied, pending, self.epochs.get(partition, 0)))

    def persisted(self, key: bytes, value: bytes) -> None:
        """Note that the changelog has these bytes."""
        self._rows[key] = value

    def forget(self) -> None:
        """Drop what is only in memory: after a rebalance, or a batch that was given up."""
        self._entries.clear()

    def clear(self) -> None:
        """Drop everything: the changelog is another one, or was cut."""
        self._rows.clear()
        self._entries.clear()
        self.epochs.clear()

    def restore(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> dict[bytes, Applied]:
        """Take rows of the changelog of one partition, in the order of their offsets.

        Returns the applied offsets of each key taken. A row of an older epoch than one before it
        was written by an owner that slept while another one had taken the partition; so was one of
        the same epoch with less applied. Both are dropped. Raises msgspec.DecodeError for bytes
        that are no row.
        """
        epoch = self.epochs.get(partition, 0)
        taken: dict[bytes, Applied] = {}
        of_epoch: dict[bytes, tuple[int, int]] = {}
        for key, value in rows:
            row = _decode_without_state(value)
            if row.epoch < epoch:
                continue
            epoch = row.epoch
            rank = (epoch, sum(row.applied.values()))
            if rank < of_epoch.get(key, rank):
                continue
            of_epoch[key] = rank
            taken[key] = row.applied
            self._rows[key] = value
            self._entries.pop(key, None)
        self.epochs[partition] = epoch
        return taken

    def recreated(self, partition: int, key: bytes, topic: str) -> bytes:
        """Forget what a key applied of a topic that was recreated; return its row for the log.

        What it had applied stays under another name, so that sequence numbers go on.
        """
        row = self._decode(self._rows[key])
        applied = {**row.applied}
        number = sum(name.startswith(f"{topic}{FORMER}") for name in applied) + 1
        applied[f"{topic}{FORMER}{number}"] = applied.pop(topic)
        value = self.encode(Entry(row.state, applied), row.pending, partition)
        self._rows[key] = value
        self._entries.pop(key, None)
        return value
