"""The strategies of this deployment as an operator changes them: the log, without a bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg
import msgspec

from quantiva.discovery import load_settings
from schemas.codec import BadEventError, Codec
from schemas.control import Strategy
from schemas.strategy_changes import beyond, is_same, successor
from schemas.times import ms
from schemas.topics import STRATEGIES, physical
from schemas.validation import problem
from sinks.postgres.strategies import DELETED, HISTORY
from transport.clock import wall_ms
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings
from transport.strategies import Refused, StrategyLog


class Version(NamedTuple):
    """A version of a strategy, or its deletion: then `version` is 0. Time in ms since 1970 UTC."""

    changed_at: int
    version: int
    author: str | None
    strategy: Strategy | None


class StrategyStore:
    """What is in control.strategies, and changes of it.

    `stored` are the strategies by id, `refused` those that cannot be used any more.
    """

    def __init__(self, settings: Settings, publisher: Publisher | None, log: StrategyLog) -> None:
        self._settings, self._publisher, self._log = settings, publisher, log
        self.stored: dict[str, Strategy] = {}

    @property
    def refused(self) -> Mapping[str, Refused]:
        """Strategies in the log that break the contract as it is now, by id."""
        return self._log.refused

    def wanted(self, given: Strategy, author: str) -> tuple[Strategy | None, Strategy]:
        """Return what is stored under the id, and what would be saved; the same: nothing changes.

        ValueError with a sentence where it may not be saved.
        """
        before = self.stored.get(given.strategy_id)
        broken = self._log.refused.get(given.strategy_id)
        known = before or (None if broken is None else broken.strategy)
        after = successor(given, known, author, wall_ms())
        if wrong := problem(after) or beyond(after, self.stored, self._settings.limits):
            msg = f"{given.strategy_id} cannot be saved: {wrong}"
            raise ValueError(msg)
        if before is not None and is_same(before, after):
            return before, before
        return known, after

    async def save(self, strategies: Sequence[Strategy]) -> None:
        """Publish strategies and return when the broker has them; PublishError otherwise."""
        assert self._publisher is not None  # noqa: S101 - opened to be changed
        for one in strategies:
            await self._publisher.publish(one)
            self.stored[one.strategy_id] = one
        await self._publisher.flush()

    async def delete(self, strategy_id: str) -> None:
        """Withdraw a strategy; PublishError when the broker does not take it."""
        assert self._publisher is not None  # noqa: S101 - opened to be changed
        known = self.stored.pop(strategy_id, None)
        # Never before the version that it deletes: the clocks of two machines differ.
        at_ms = max(wall_ms(), 0 if known is None else known.updated_at)
        await self._publisher.withdraw(strategy_id, at_ms)
        await self._publisher.flush()


@asynccontextmanager
async def strategy_store(*, changing: bool = False) -> AsyncIterator[StrategyStore]:
    """Yield the strategies as they stand now, of the settings' broker.

    ValueError without addresses; BrokerError, PublishError or RegistryError when a part is away.
    """
    settings = load_settings()
    settings.require_bootstrap()
    codec, _ = await codec_of(settings)
    found: dict[str, Strategy] = {}
    log = StrategyLog(
        settings, codec, lambda placed: found.update({n: one.strategy for n, one in placed.items()})
    )
    await log.start()
    await log.stop()
    if not changing:
        store = StrategyStore(settings, None, log)
        store.stored = found
        yield store
        return
    async with Publisher(settings, codec) as publisher:
        store = StrategyStore(settings, publisher, log)
        store.stored = found
        yield store


async def versions(strategy_id: str, most: int) -> tuple[list[Version], str]:
    """Return the versions of a strategy, the newest first, and where they are from.

    From the database where one is configured, else what the log still has. Raises as
    `strategy_store` does, and asyncpg's errors.
    """
    settings = load_settings()
    if settings.database_url is not None:
        return await _in_database(settings.database_url.get_secret_value(), strategy_id, most), ""
    settings.require_bootstrap()
    codec, _ = await codec_of(settings)
    where = (
        "no database is configured (DATABASE_URL): this is what control.strategies still has; the "
        "topic is compacted, older versions may be gone"
    )
    return (await _in_log(settings, codec, strategy_id))[:most], where


async def _in_database(dsn: str, strategy_id: str, most: int) -> list[Version]:
    connection = await asyncpg.connect(dsn, timeout=10.0)
    try:
        rows = await connection.fetch(HISTORY, strategy_id, None, None, most)
    finally:
        await connection.close()
    return [
        Version(ms(row["changed_at"]), row["version"], row["author"], _from_json(row["definition"]))
        for row in rows
    ]


def _from_json(definition: str | None) -> Strategy | None:
    return None if definition is None else msgspec.json.decode(definition, type=Strategy)


async def _in_log(settings: Settings, codec: Codec, strategy_id: str) -> list[Version]:
    place = (physical(STRATEGIES.name, settings.prefix), 0)
    found: list[Version] = []
    async with LogReader(settings) as reader:
        begins, ends = await reader.begins([place]), await reader.ends([place])
        async for records in reader.scan({place: (begins[place], ends[place])}):
            for record in records:
                if record.key != strategy_id.encode():
                    continue
                if record.value is None:
                    found.append(Version(record.timestamp, DELETED, None, None))
                    continue
                try:
                    one = codec.decode(record.value)
                except BadEventError:
                    continue
                at_ms = one.updated_at or record.timestamp
                found.append(Version(at_ms, one.version, one.author, one))
    return found[::-1]
