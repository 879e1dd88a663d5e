"""One worker process: hosts stages until a signal stops it or a stage fails.

    python -m streams.agents.process sentiment technical

Exit status: 0 stopped by a signal, 2 cannot work as configured, 3 in trouble (crashed or stalled),
75 not ready in time. The supervisor starts it again after 3 and 75.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import uvloop
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import STRATEGIES, TOPICS, physical
from streams.agents.cycle_watchdog import CycleWatchdog
from streams.agents.headline_reader import HeadlineReader
from streams.agents.stage_worker import StageWorker
from streams.agents.strategies import StrategyTable
from streams.headlines.stage import HeadlinesStage
from streams.stage import EMPTY_TABLES, Stage
from streams.topology import stage, uses_strategies
from transport import admin, clients, logs, memory
from transport.groups import join_limit_s
from transport.registered_codec import codec_of
from transport.settings import Settings
from transport.supervision.keeper import EXIT_CONFIG

EVERY_S = 5.0
_TIMEOUT_S = 10.0


_log = logging.getLogger("quantiva.worker")

STOP_LIMIT_S = 10.0
EXIT_TROUBLE, EXIT_NOT_READY = 3, 75
READY_LINE = "READY"
WATCHDOG = "watchdog"


class LogMonitor:
    """Looks at the topics from outside of all groups, every five seconds.

    It gives every hosted stage the end offsets of its inputs: a stage whose own consumer hangs
    fetches nothing and so knows of no lag. Where the embedded broker names an end too low, the lag
    shows a batch later. A broker that does not answer leaves the last ends as they are, and is
    nobody's trouble. A topic that was recreated or got partitions is: then the process has to start
    again, with another look at its state.
    """

    def __init__(self, settings: Settings, stages: Iterable[Stage]) -> None:
        self._settings = settings
        topics = {STRATEGIES.name, *(topic for one in stages for topic in one.inputs)}
        self._names = sorted(physical(topic, settings.prefix) for topic in topics)
        self._consumer = clients.consumer(settings)
        self._task: asyncio.Task[None] | None = None
        self._ids: dict[str, str] = {}
        self._trouble: str | None = None

    async def remember(self) -> None:
        """Take the first look, before anything is read: what comes later is another topic."""
        with contextlib.suppress(admin.BrokerError):
            await asyncio.to_thread(self._changed)

    def start(self, hosts: Iterable[StageWorker]) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look(list(hosts)))

    def trouble(self) -> str | None:
        """Return why the process should end; None when all is well."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            return f"the log is not looked at any more: {self._task.exception()!r}"
        return self._trouble

    async def _look(self, hosts: list[StageWorker]) -> None:
        await self._consumer.start()
        while True:
            for host in hosts:
                with contextlib.suppress(KafkaError, TimeoutError):
                    await asyncio.wait_for(self._note_ends(host), _TIMEOUT_S)
            with contextlib.suppress(admin.BrokerError):
                self._trouble = await asyncio.to_thread(self._changed)
            await asyncio.sleep(EVERY_S)

    async def _note_ends(self, host: StageWorker) -> None:
        wanted = {TopicPartition(tp.topic, tp.partition): tp for tp in host.read_positions()}
        if wanted:
            ends = await self._consumer.end_offsets(list(wanted))
            host.note_ends({wanted[tp]: end for tp, end in ends.items()})

    def _changed(self) -> str | None:
        """Return what became of a topic since the first look; a missing one may come back."""
        for state in admin.states(self._settings):
            if state.name in self._names and state.problems:
                sentence = f"topic {state.name} {state.problems[0]}"
                if state.partitions is not None:
                    return sentence
                _log.error("%s", sentence)
        ids = admin.topic_ids(self._settings, self._names)
        for name, topic_id in ids.items():
            if self._ids.setdefault(name, topic_id) != topic_id:
                return f"topic {name} was deleted and recreated"
        return None

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
        await self._consumer.stop()


async def run(names: list[str], settings: Settings) -> int:
    """Host the named stages (and the cycle watchdog by its name); return the exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await admin.wait_for_broker(settings)
    problems = [s for s in await asyncio.to_thread(admin.states, settings) if s.problems]
    if problems:
        _log.error("topic %s %s", problems[0].name, problems[0].problems[0])
        return EXIT_CONFIG
    working = [name for name in names if name != WATCHDOG]
    await asyncio.to_thread(admin.create_changelogs, settings, working)
    written = [physical(topic.name, settings.prefix) for topic in TOPICS]
    written += [admin.changelog(settings, name) for name in working]
    limits = await asyncio.to_thread(admin.record_limits, settings, written)
    codec, registry = await codec_of(settings)
    strategies = StrategyTable(settings, codec)
    needs_strategies = any(uses_strategies(stage(name)) for name in working)
    if needs_strategies:
        await strategies.start()
    hosts = [
        StageWorker(
            stage(name),
            settings,
            codec,
            registry,
            strategies.tables if uses_strategies(stage(name)) else lambda: EMPTY_TABLES,
            limits,
            HeadlineReader() if name == HeadlinesStage.name else None,
        )
        for name in working
    ]
    watchdog = CycleWatchdog(settings, codec) if WATCHDOG in names else None
    probe = LogMonitor(settings, [host.stage for host in hosts])
    await probe.remember()
    if not await _start(hosts, watchdog, stop):
        return EXIT_NOT_READY
    memory.settle()
    sys.stdout.write(f"{READY_LINE} {' '.join(names)}\n")
    sys.stdout.flush()
    probe.start(hosts)
    code = await _watch([*hosts, probe, *([watchdog] if watchdog else []), strategies], stop)
    if code:
        return code
    # A stop that hangs (a broker that is gone) must not outlive its deadline.
    deadline = threading.Timer(STOP_LIMIT_S, os._exit, (0,))
    deadline.daemon = True
    deadline.start()
    await probe.stop()
    if watchdog is not None:
        await watchdog.stop()
    for host in reversed(hosts):
        await host.stop()
    if needs_strategies:
        await strategies.stop()
    return 0


async def _start(
    hosts: list[StageWorker], watchdog: CycleWatchdog | None, stop: asyncio.Event
) -> bool:
    """Start everything; False when it was not ready in time, or stopped before."""

    async def all_of_them() -> None:
        await asyncio.gather(*(host.start() for host in hosts))
        if watchdog is not None:
            await watchdog.start()

    starting = asyncio.ensure_future(all_of_them())
    stopping = asyncio.ensure_future(stop.wait())
    limit_s = join_limit_s()
    await asyncio.wait({starting, stopping}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        stopping.cancel()
        starting.result()
        return True
    _log.error("not ready within %.0f s", limit_s)
    return False


class Watched(Protocol):
    """A part of this process that works in the background."""

    def trouble(self) -> str | None:
        """Return why the process should end, as a sentence; None when all is well."""


async def _watch(parts: Sequence[Watched], stop: asyncio.Event) -> int:
    """Return 0 after a stop signal, EXIT_TROUBLE when a part crashed or stalled."""
    while not stop.is_set():
        for one in parts:
            trouble = one.trouble()
            if trouble is not None:
                _log.error("ending this process: %s", trouble)
                return EXIT_TROUBLE
        try:
            await asyncio.wait_for(stop.wait(), 0.5)
        except TimeoutError:
            continue
    return 0


def main() -> None:
    """Run the stages named on the command line with the settings of the environment."""
    logs.set_up()
    # A record passes from a consumer's thread to the main one and back: hand the lock over soon.
    sys.setswitchinterval(0.0005)
    uvloop.install()  # before any loop is made: the Kafka threads then run on it too
    asyncio.run(_run_and_exit())


async def _run_and_exit() -> None:
    """End the process itself: the threads of a crashed consumer would keep it alive."""
    try:
        code = await run(sys.argv[1:], Settings())
    except Exception:
        _log.exception("the worker process failed")
        code = EXIT_TROUBLE
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
