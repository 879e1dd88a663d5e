"""Faults of aiokafka 0.14 and their cures. Importing this module applies them.

With uvloop, a write to a socket that the broker's death has already closed raises RuntimeError.
aiokafka expects OSError only, so its metadata task dies in silence and every later coordinator
lookup waits for ever: the worker looks healthy and never commits again.

The name of a header that is no UTF-8 raises in the middle of a fetch: nobody could ever read beyond
that record. Brokers do not look at headers, and other clients write what they like.

A transaction that follows at once waits 20 ms, though the markers of the one before take two.

A consumer that is stopped while its broker is away raises the CancelledError of a task of its own,
which looks as if the one that stops it had been cancelled.

A fetcher that is closed just as it gives up its last assignment takes the cancellation for that of
a fetch of its own, and goes on; who waits for its end waits for ever.

A client that is cancelled while it asks its first broker for metadata leaves that connection open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiokafka.client
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer import sender
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

_CANCEL_AGAIN_S = 0.1
_send = AIOKafkaConnection.send
_unpack = fetcher.PartitionRecords._unpack_records


def _send_or_connection_error(self: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return _send(self, *args, **kwargs)
    except RuntimeError as error:
        broken = KafkaConnectionError(f"connection to {self._host}:{self._port}: {error}")
        self.close(exc=broken)
        raise broken from error


class _KeptRecords:
    """What was fetched, parsed by aiokafka's extension; the bytes stay for a second look."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        records = MemoryRecords(data)
        self.has_next = records.has_next
        self.next_batch = records.next_batch
        self.size_in_bytes = records.size_in_bytes


class _Text(bytes):
    """Bytes of which every part becomes a text, whatever it is."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _Text(found)

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _PatientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Text(self._buffer)


class _PatientRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """aiokafka's parser in Python, which takes any name of a header."""

    def next_batch(self, *_: Any) -> Any:
        batch = self._next_slice
        self._cache_next()
        return _PatientBatch(batch)


def _unpack_any_header(self: Any) -> Iterator[Any]:
    try:
        yield from _unpack(self)
    except UnicodeDecodeError:
        self._records = _PatientRecords(self._records.data)
        yield from _unpack(self)  # what was handed over already lies below its next offset


_stop = AIOKafkaConsumer.stop


async def _stop_whole(self: Any) -> None:
    try:
        await _stop(self)
    except asyncio.CancelledError:
        await self._client.close()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


_close_fetcher = fetcher.Fetcher.close


async def _close_fetcher_until_it_ends(self: Any) -> None:
    self._closed = True
    while not self._fetch_task.done():
        self._fetch_task.cancel()
        await asyncio.wait({self._fetch_task}, timeout=_CANCEL_AGAIN_S)
    await _close_fetcher(self)


AIOKafkaConsumer.stop = _stop_whole
fetcher.Fetcher.close = _close_fetcher_until_it_ends
AIOKafkaConnection.send = _send_or_connection_error
sender.BACKOFF_OVERRIDE = 0.002
fetcher.MemoryRecords = _KeptRecords
fetcher.PartitionRecords._unpack_records = _unpack_any_header


_create_conn = aiokafka.client.create_conn
_bootstrap = AIOKafkaClient.bootstrap
_made: dict[Any, list[AIOKafkaConnection]] = {}
"""Connections that a task makes while it asks for the first metadata, by the task."""


async def _create_and_note(*args: Any, **kwargs: Any) -> AIOKafkaConnection:
    connection = await _create_conn(*args, **kwargs)
    _made.get(asyncio.current_task(), []).append(connection)
    return connection


async def _bootstrap_or_close(self: Any) -> None:
    task = asyncio.current_task()
    _made[task] = []
    try:
        await _bootstrap(self)
    except BaseException:
        for connection in _made[task]:
            connection.close()
        raise
    finally:
        del _made[task]


aiokafka.client.create_conn = _create_and_note
AIOKafkaClient.bootstrap = _bootstrap_or_close
