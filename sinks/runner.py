"""Drives a sink: reads its topics as a consumer group, flushes, then commits.

The same for every sink, and without Faust: a sink needs no tables, only order and commits.
At least once from the log, and a sink writes by id: together no event is lost or stored twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from schemas.codec import Codec
from schemas.registry_client import RegistryError
from sinks.base import Flushed, Rejected, Sink, SinkError, SinkRecord, SinkUnavailableError
from sinks.batch import Batch
from sinks.config import RunnerConfig
from sinks.dead_letter_writer import DeadLetterWriter
from sinks.decoding import ContractDecoder, RecordDecoder
from sinks.retrier import Retrier, note
from sinks.status import SinkState, Status
from transport import clients
from transport.clock import wall_ms
from transport.decoder import Resolver
from transport.group_consumer import AWAY, REFUSED, GroupConsumer, RebalancedError
from transport.settings import Settings

_log = logging.getLogger(__name__)
T = TypeVar("T")

_BROKER, _REGISTRY = "the broker", "the schema registry"
_SLOW_S = 5.0  # a request that takes longer is reported as a broker that is away
_LEAVE_S = 3.0
_YIELD_EVERY = 250  # records decoded before other tasks may run

OnFlush = Callable[[Sequence[SinkRecord]], None]
"""Called with the records of a flush once they are durable; after a restart with some again."""


class SinkRunner:
    """Runs one sink in one task; `settings` say where it reads. ValueError without a broker.

    `codec` decodes and encodes; `resolve` asks the registry about schema ids that it does not
    know (else they are dead letters); `decoder` takes the place of both. `on_flush` may measure.
    """

    def __init__(
        self,
        sink: Sink,
        codec: Codec,
        settings: Settings,
        config: RunnerConfig | None = None,
        *,
        resolve: Resolver | None = None,
        on_flush: OnFlush | None = None,
        decoder: RecordDecoder | None = None,
    ) -> None:
        self.sink = sink
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        self._config = config = config or RunnerConfig()
        self._group = settings.group_id(config.group or f"sink.{sink.name}")
        self._limits = (config.max_records, config.max_age_ms, config.max_bytes)
        self._decoder = decoder or ContractDecoder(codec, settings.prefix, resolve)
        self._on_flush = on_flush
        self._dead_letters = DeadLetterWriter(codec, f"sink.{sink.name}", settings.prefix)
        self._target = f"the target of sink {sink.name}"
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None
        self.status = Status(sink.name)
        self._retrier = Retrier(self.status, self._stopping, longest_s=config.longest_wait_s)

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled; waits for what is away.

        Raises SinkError, or what the sink raised, when waiting does not help: the offsets stay
        where they were, and a supervisor may start again. One runner runs once.
        """
        self._task = asyncio.current_task()
        try:
            await self._retrier.repeat(self.sink.setup, (SinkUnavailableError,), self._target)
            while not self._stopping.is_set():
                await self._session()
        except Exception as error:
            if not self._stopping.is_set():
                self.status.state = SinkState.FAILED
                note(self.status, error)
                raise
            _log.warning("sink %s stops without its last records: %s", self.sink.name, error)
        finally:
            await self.sink.close()
            if self.status.state is not SinkState.FAILED:
                self.status.state = SinkState.STOPPED

    async def stop(self) -> None:
        """Write what was read, commit, leave the group; after `stop_within_s` without the rest."""
        self._stopping.set()
        task = self._task
        if task is None or task.done() or task is asyncio.current_task():
            return
        _, late = await asyncio.wait({task}, timeout=self._config.stop_within_s)
        if late:
            _log.warning("sink %s is cut off: it did not stop in time", self.sink.name)
            task.cancel()
            await asyncio.wait({task}, timeout=2 * _LEAVE_S)

    async def _session(self) -> None:
        """Join the group and consume until we stop or the broker fails us."""
        consumer = GroupConsumer(self._settings, self._group, self.sink.topics)
        # A dead letter that comes twice has the same id: no need to wait for a producer id.
        options = {"client_id": self._group, "enable_idempotence": False}
        producer = clients.producer(self._settings, **options)
        try:
            await self._unless_stopping(_connect(consumer, producer))
            self.status.state = SinkState.RUNNING
            self._retrier.recovered(_BROKER)
            await self._consume(consumer, producer)
        except REFUSED as error:
            message = (
                f"The broker at {self._bootstrap} refuses sink {self.sink.name}: {error}. "
                "Check the credentials, the group's rights and the broker's settings."
            )
            raise SinkError(message) from error
        except AWAY as error:
            self._retrier.unavailable(_BROKER, error)
            await self._retrier.sleep()
        finally:
            self.sink.discard()
            await _leave(consumer, producer)

    async def _unless_stopping(self, awaitable: Awaitable[None]) -> None:
        """Wait for something that may take long; drop it when we are to stop."""
        task = asyncio.ensure_future(awaitable)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def _consume(self, consumer: GroupConsumer, producer: Any) -> None:
        batch = Batch(consumer.generation, *self._limits)
        while not self._stopping.is_set():
            try:
                await self._read(consumer, batch)
                if not batch.is_due(time.monotonic()):
                    continue
                await self._write(consumer, producer, batch)
            except RebalancedError:
                self.sink.discard()
            batch = Batch(consumer.generation, *self._limits)
        if batch.next_offsets:
            try:
                await self._write(consumer, producer, batch)
            except RebalancedError:
                _log.info("sink %s: a rebalance came before its last commit", self.sink.name)

    async def _read(self, consumer: GroupConsumer, batch: Batch) -> None:
        """Read what is there into the batch and the sink."""
        got = await consumer.read(batch.wait_ms(time.monotonic()), batch.room)
        if batch.generation != consumer.generation:
            raise RebalancedError
        for partition, raws in got.items():
            await self._take(partition, raws, batch, consumer)
        self.status.lag = await consumer.lag()

    async def _take(
        self, partition: Any, raws: Sequence[Any], batch: Batch, consumer: GroupConsumer
    ) -> None:
        records = []
        for count, raw in enumerate(raws, start=1):
            decoded = await self._decode(raw, batch, consumer)
            batch.add(decoded, time.monotonic())
            if isinstance(decoded, SinkRecord):
                records.append(decoded)
            if count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        self.sink.add(records)
        self.status.records_read += len(raws)
        batch.next_offsets[partition] = raws[-1].offset + 1

    async def _decode(
        self, raw: Any, batch: Batch, consumer: GroupConsumer
    ) -> SinkRecord | Rejected:
        try:
            return await self._decoder.decode(raw)
        except (RegistryError, OSError):
            return await self._keep_trying(
                lambda: self._decoder.decode(raw),
                (RegistryError, OSError),
                _REGISTRY,
                lambda: batch.generation != consumer.generation,
            )

    async def _keep_trying(
        self,
        action: Callable[[], Awaitable[T]],
        away: tuple[type[Exception], ...],
        what: str,
        is_outdated: Callable[[], bool],
    ) -> T:
        """Repeat an action for a batch as long as the batch is ours."""
        try:
            return await self._retrier.repeat(action, away, what, give_up=is_outdated)
        except away as error:
            if self._stopping.is_set():
                raise
            raise RebalancedError from error

    async def _write(self, consumer: GroupConsumer, producer: Any, batch: Batch) -> None:
        """Flush, send the dead letters, commit: in this order."""
        started_s = time.monotonic()
        flushed = await self._flush(lambda: batch.generation != consumer.generation)
        self._count(flushed, (time.monotonic() - started_s) * 1000)
        self._call_on_flush(batch, flushed)
        rejected = [*batch.rejected, *flushed.rejected]
        self.status.dead_letters += await self._answer(self._dead_letters.send(producer, rejected))
        if batch.generation != consumer.generation:
            raise RebalancedError
        await self._answer(consumer.commit(batch.next_offsets))
        self.status.lag = await consumer.lag()

    async def _flush(self, is_outdated: Callable[[], bool]) -> Flushed:
        try:
            return await self._keep_trying(
                self.sink.flush, (SinkUnavailableError,), self._target, is_outdated
            )
        except (KafkaError, OSError) as error:  # else it would pass for the broker's
            message = f"Sink {self.sink.name} cannot flush: {type(error).__name__}: {error}"
            raise SinkError(message) from error

    def _count(self, flushed: Flushed, took_ms: float) -> None:
        self.status.flushes += 1
        self.status.rows.update(flushed.rows)
        self.status.last_flush_at_ms = wall_ms()
        self.status.last_flush_took_ms = took_ms

    def _call_on_flush(self, batch: Batch, flushed: Flushed) -> None:
        if self._on_flush is None:
            return
        refused = {id(rejected.record) for rejected in flushed.rejected}
        try:
            self._on_flush([record for record in batch.records if id(record) not in refused])
        except Exception as error:
            note(self.status, error)
            _log.exception("sink %s: its on_flush hook failed", self.sink.name)

    async def _answer(self, awaitable: Awaitable[T]) -> T:
        """Return the broker's answer, however long it takes; log it when it takes long."""
        task = asyncio.ensure_future(awaitable)
        try:
            done, _ = await asyncio.wait({task}, timeout=_SLOW_S)
            if not done:
                self._retrier.unavailable(_BROKER, TimeoutError(f"no answer for {_SLOW_S:g} s"))
            result = await task
        finally:
            task.cancel()
        self._retrier.recovered(_BROKER)
        return result


async def _connect(consumer: GroupConsumer, producer: Any) -> None:
    await producer.start()
    await consumer.start()


async def _leave(consumer: GroupConsumer, producer: Any) -> None:
    """Close both clients; a broker that is away may not hold us up."""
    for client in (consumer, producer):
        try:
            async with asyncio.timeout(_LEAVE_S):
                await client.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            _log.debug("a client did not close: %s", error)
