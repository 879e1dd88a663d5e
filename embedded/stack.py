"""Broker, database and schema registry together; a part whose address is given is left out."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.broker import Broker
from embedded.database import Database
from embedded.registry.server import Registry
from embedded.service import Service
from transport.supervision.processes import StartError, tail

Progress = Callable[[str, str], None]
LOOK_EVERY_S = 0.25
ASK_EVERY_S = 5.0
ANSWER_WITHIN_S = 5.0
MOST_RESTARTS = 5
RESTARTS_WITHIN_S = 600.0
_WATCHED = ("broker", "database")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    given: str | None
    start: Callable[[], Awaitable[str]]
    stop: Callable[[], Awaitable[None]]


class Stack:
    """`async with Stack(bootstrap=..., database_url=..., registry_url=...) as stack:`.

    An address that is given is taken as it is; for each that is None (or "") the embedded part is
    started, all at once, and stopped at the end in reverse order. The attributes `bootstrap`,
    `database_url` and `registry_url` are the addresses, None before the start.

    `directory` keeps the logs, topics, the database and the registry's schemas from one run to the
    next; without it all is temporary. `fast` leaves out the database's waiting for the disk,
    `memory_mb` and `keep_for` are the broker's. `on_progress(part, state)` is called in the event
    loop; part is "broker", "database" or "registry", state "given", "starting", "ready", "failed",
    "stopping" or "stopped".
    """

    def __init__(
        self,
        *,
        bootstrap: str | None = None,
        database_url: str | None = None,
        registry_url: str | None = None,
        directory: Path | None = None,
        fast: bool = False,
        memory_mb: int = 400,
        keep_for: str = "",
        on_progress: Progress | None = None,
    ) -> None:
        folder = None if directory is None else directory.resolve()
        self.broker = Broker(
            directory=folder and folder / "broker", memory_mb=memory_mb, keep_for=keep_for
        )
        self.database = Database(directory=folder and folder / "database", fast=fast)
        self.registry = Registry(journal=folder and folder / "registry" / "journal.jsonl")
        self._on_progress = on_progress
        self._parts = (
            _Part("broker", bootstrap, self.broker.start, self.broker.stop),
            _Part("database", database_url, self.database.start, self.database.stop),
            _Part("registry", registry_url, self.registry.start, self.registry.stop),
        )
        self._addresses: dict[str, str] = {}
        self._started: set[str] = set()

    @property
    def bootstrap(self) -> str | None:
        """The brokers, "host:port" and more after commas; None before the start."""
        return self._addresses.get("broker")

    @property
    def database_url(self) -> str | None:
        """The database, postgresql://...; None before the start."""
        return self._addresses.get("database")

    @property
    def registry_url(self) -> str | None:
        """The schema registry, http://...; None before the start."""
        return self._addresses.get("registry")

    def env(self) -> dict[str, str]:
        """Return the environment variables by which other processes find the parts.

        QUANTIVA_BROKER is among them when the broker is the embedded one, which needs some
        workarounds. Raises RuntimeError before the start.
        """
        if len(self._addresses) < len(self._parts):
            message = "The stack has no addresses: it is not running."
            raise RuntimeError(message)
        variables = {
            "KAFKA_BOOTSTRAP_SERVERS": self._addresses["broker"],
            "DATABASE_URL": self._addresses["database"],
            "SCHEMA_REGISTRY_URL": self._addresses["registry"],
        }
        kind = {"QUANTIVA_BROKER": self.broker.kind}
        return variables | (kind if "broker" in self._started else {})

    async def start(self) -> None:
        """Start what is not given. Raises StartError, after stopping what had started."""
        tasks = [asyncio.create_task(self._start(part)) for part in self._parts]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            # A part that is cancelled while it starts cleans up after itself.
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what was started, in reverse order; one part's failure does not keep the next.

        Cancelled, it goes on to the end, killing what does not end at once, and then raises.
        """
        failure: BaseException | None = None
        for part in reversed(self._parts):
            self._addresses.pop(part.name, None)
            if part.name not in self._started:
                continue
            self._report(part, "stopping")
            try:
                await part.stop()
            except BaseException as error:
                failure = failure or error
            self._started.remove(part.name)
            self._report(part, "stopped")
        if failure is not None:
            raise failure

    def is_whole(self) -> bool:
        """Return False while a part started here has ended and is not back."""
        return all(self._services()[name].is_running() for name in self._started & {*_WATCHED})

    def _services(self) -> dict[str, Service]:
        return dict(zip(_WATCHED, (self.broker, self.database), strict=True))

    async def watch(self) -> None:
        """Start broker and database again when they end or hang, for ever.

        Raises StartError, with the cause, when what a part held ended with it, when it does not
        start any more, or when it ended too often.
        """
        watched = [
            asyncio.create_task(self._watch(name, service))
            for name, service in self._services().items()
            if name in self._started
        ]
        try:
            await asyncio.gather(*watched, asyncio.Event().wait())
        finally:
            for task in watched:
                task.cancel()
            await asyncio.gather(*watched, return_exceptions=True)

    async def _watch(self, name: str, service: Service) -> None:
        ended_s: list[float] = []
        asked_s = answered_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if service.is_running() and time.monotonic() - asked_s > ASK_EVERY_S:
                asked_s = time.monotonic()
                if await service.answers(ANSWER_WITHIN_S):
                    answered_s = time.monotonic()
                elif time.monotonic() - answered_s > service.silent_s:
                    await service.kill()
            if service.is_running():
                continue
            how = _how_it_ended(service)
            now_s = time.monotonic()
            ended_s = [one for one in ended_s if now_s - one < RESTARTS_WITHIN_S] + [now_s]
            if not service.restores or len(ended_s) > MOST_RESTARTS:
                raise StartError(_sentence(service, how, len(ended_s)))
            self._tell(name, f"{how}; starting it again")
            await service.start()
            asked_s = answered_s = time.monotonic()
            self._tell(name, "ready again")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _start(self, part: _Part) -> None:
        if part.given:
            self._addresses[part.name] = part.given
            self._report(part, "given")
            return
        self._report(part, "starting")
        try:
            self._addresses[part.name] = await part.start()
        except BaseException:
            self._report(part, "failed")
            raise
        self._started.add(part.name)
        self._report(part, "ready")

    def _report(self, part: _Part, state: str) -> None:
        self._tell(part.name, state)

    def _tell(self, name: str, state: str) -> None:
        if self._on_progress is not None:
            self._on_progress(name, state)


def _how_it_ended(service: Service) -> str:
    code = service.returncode
    if code is None:
        return f"gave no answer for {service.silent_s:.0f} s and was ended"
    return f"ended with status {code}" + (f" (signal {code - 128})" if code > 128 else "")


def _sentence(service: Service, how: str, times: int) -> str:
    log = tail(service.log)
    said = f"Its log ends with:\n{log}" if log else "Its log is empty."
    if service.restores:
        return f"{service.name} {how}, the {times}th time within ten minutes. {said}"
    return f"{service.name} {how}, and what it held in memory ended with it. {said}"
