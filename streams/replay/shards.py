"""Runs the shards of a replay in sealed processes and collects what they send."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

import msgspec

from schemas.outcomes import Outcome
from schemas.signals import Decision

_MOST_HELD = 50
"""Batches of decisions that wait for a slower shard; then the faster one is not read from."""
_A_BATCH = 200
_DECISIONS = msgspec.msgpack.Decoder(list[tuple[int, int, Decision]])
_OUTCOMES = msgspec.msgpack.Decoder(list[tuple[int, int, Outcome]])

OnProgress = Callable[[int, int, int], None]
"""Called with (shard, records, clock_ms or 0) as the work goes on."""


class ReplayError(RuntimeError):
    """A shard failed; the text is its error."""


class Shards:
    """The processes; use as a context, which ends them. `results` fills as they are done."""

    def __init__(self, tasks: Sequence[Any], on_progress: OnProgress | None = None) -> None:
        self._on_progress = on_progress
        self._pipes: dict[Connection, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._decisions: list[deque[Any]] = [deque() for _ in tasks]
        self._outcomes: list[deque[tuple[int, int, Outcome]]] = [deque() for _ in tasks]
        self._clocks = [-1] * len(tasks)
        self.results: dict[int, Any] = {}
        for number, task in enumerate(tasks):
            self._start(number, task)

    def __enter__(self) -> Shards:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            if error is not None:
                process.kill()
            process.wait()

    def decisions(self) -> list[Iterator[tuple[int, int, Decision]]]:
        """Return the decisions of each shard as they come."""
        return [self._decisions_of(number) for number in range(len(self._decisions))]

    def outcomes_before(self, clock_ms: int | None) -> Iterator[tuple[int, int, Outcome]]:
        """Yield the outcomes from before a clock, shard by shard, once they are all there.

        None: all that are left.
        """
        for number, held in enumerate(self._outcomes):
            while number not in self.results and (
                clock_ms is None or self._clocks[number] < clock_ms
            ):
                yield from self._taken(held, clock_ms)
                self._pump(number)
            yield from self._taken(held, clock_ms)

    @staticmethod
    def _taken(
        held: deque[tuple[int, int, Outcome]], clock_ms: int | None
    ) -> Iterator[tuple[int, int, Outcome]]:
        while held and (clock_ms is None or held[0][0] < clock_ms):
            yield held.popleft()

    def finish(self) -> list[Any]:
        """Wait for every shard and return the results; ReplayError when one failed."""
        while len(self.results) < len(self._processes):
            self._pump(None)
        return [self.results[number] for number in range(len(self._processes))]

    def _start(self, number: int, task: Any) -> None:
        reader, writer = Pipe(duplex=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.replay.child", str(writer.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[writer.fileno()],
        )
        writer.close()
        self._processes.append(process)
        self._pipes[reader] = number
        if process.stdin is not None:
            process.stdin.write(msgspec.msgpack.encode(task))
            process.stdin.close()

    def _decisions_of(self, number: int) -> Iterator[tuple[int, int, Decision]]:
        held = self._decisions[number]
        while True:
            while held:
                yield from _DECISIONS.decode(held.popleft())
            if number in self.results:
                return
            self._pump(number)

    def _pump(self, needed: int | None) -> None:
        """Take messages; a shard that is far ahead waits, unless it is the one needed."""
        open_pipes = [
            pipe
            for pipe, number in self._pipes.items()
            if number not in self.results
            and (number == needed or needed is None or self._held(number) < _MOST_HELD)
        ]
        for pipe in wait(open_pipes):
            if isinstance(pipe, Connection):
                self._take(pipe)

    def _held(self, number: int) -> int:
        """Return how many batches of a shard wait, about."""
        return len(self._decisions[number]) + len(self._outcomes[number]) // _A_BATCH

    def _take(self, pipe: Connection) -> None:
        number = self._pipes[pipe]
        try:
            kind, content = pipe.recv()
        except EOFError:
            code = self._processes[number].wait()
            msg = f"a process of the replay ended with status {code} before it was done"
            raise ReplayError(msg) from None
        if kind == "failed":
            said, trace = content
            error = ReplayError(said)
            error.add_note(trace)
            raise error
        if kind == "progress":
            self._clocks[number] = max(self._clocks[number], content[1])
            if self._on_progress is not None:
                self._on_progress(number, *content)
        elif kind == "decisions":
            self._decisions[number].append(content)
        elif kind == "outcomes":
            self._outcomes[number].extend(_OUTCOMES.decode(content))
        else:
            self.results[number] = content


def spread(weights: Mapping[int, int], jobs: int) -> list[tuple[int, ...]]:
    """Divide partitions among at most `jobs` shards so that their weights are about equal."""
    shards: list[list[int]] = [[] for _ in range(max(1, min(jobs, len(weights))))]
    load = [0] * len(shards)
    for partition in sorted(weights, key=lambda number: (-weights[number], number)):
        lightest = min(range(len(shards)), key=lambda shard: (load[shard], len(shards[shard])))
        shards[lightest].append(partition)
        load[lightest] += weights[partition]
    return [tuple(sorted(shard)) for shard in shards]
