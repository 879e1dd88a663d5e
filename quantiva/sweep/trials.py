"""The trials of a sweep at work: in processes or Ray's, each result kept before the next is asked.

DIR/scores/        what the engines say, once for all trials (`streams.replay.score_tape`)
DIR/sweep.json     of what they are
DIR/trials.jsonl   a line a trial, appended and flushed to the disk; a torn last line is cut off
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import msgspec

from schemas.control import Strategy
from streams.backtest.trials import Ledger, Trial

FOLDER, ABOUT, TRIALS = "scores", "sweep.json", "trials.jsonl"
BATCH = 5
"""Trials that a process takes through the scores at a time: reading is then a quarter of the work;
a killed sweep loses at most these, for each process."""


class SweepFolderError(RuntimeError):
    """A folder that a sweep cannot work in; the text says why and what to do."""


class Asked(msgspec.Struct, frozen=True):
    """A trial that is to be made."""

    key: str
    data: str
    choice: dict[str, str]
    strategy: Strategy


class TrialLog:
    """The file of trials; one sweep at a time writes it. Use as a context.

    `found` are the trials that are in it, by key.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / TRIALS
        self.found: dict[str, Trial] = {}
        self._file: Any = None

    def __enter__(self) -> TrialLog:
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"another sweep works in {self._path.parent}; wait for it, or use another --out"
            raise SweepFolderError(msg) from None
        self._file.seek(0)
        good = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            self._read(line, good)
            good += len(line)
        self._file.truncate(good)
        return self

    def _read(self, line: bytes, place: int) -> None:
        try:
            one = msgspec.json.decode(line, type=Trial)
        except msgspec.MsgspecError as error:
            msg = f"{self._path}, byte {place}: this is no trial: {error}; use another --out"
            raise SweepFolderError(msg) from None
        self.found[one.key] = one

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, trials: Sequence[Trial]) -> None:
        """Keep trials; they are on the disk when this returns."""
        for one in trials:
            self._file.write(msgspec.json.encode(one) + b"\n")
            self.found[one.key] = one
        self._file.flush()
        os.fsync(self._file.fileno())


def tried(scores: str, batch: Sequence[Asked]) -> list[Trial]:
    """Make trials, in one pass over the scores; what a process of a sweep does."""
    from streams.replay.score_tape import play

    ledgers = [Ledger() for _ in batch]
    play(
        Path(scores),
        [one.strategy for one in batch],
        lambda number, produced: ledgers[number].take(produced.event),
    )
    return [
        ledger.trial(one.key, one.data, one.choice)
        for one, ledger in zip(batch, ledgers, strict=True)
    ]


class Processes:
    """Makes trials in processes of this machine; use as a context."""

    def __init__(self, scores: Path, jobs: int) -> None:
        self._scores = str(scores)
        # Not forked: a process would have all that this one holds, and its threads' locks.
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=end_with_parent
        )
        self.most = 2 * jobs

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, batch: Sequence[Asked]) -> Future[list[Trial]]:
        """Begin a batch."""
        return self._pool.submit(tried, self._scores, batch)


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone: nobody would take its work."""
    parent = parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class RayTasks:
    """Makes trials as Ray's tasks, on the cluster that `ray.init` finds or starts.

    Every node of it has to see the folder of the scores under the same path.
    """

    def __init__(self, scores: Path) -> None:
        try:
            import ray
        except ImportError:
            msg = "--ray needs ray, which is not installed: pip install ray, or leave --ray out"
            raise SweepFolderError(msg) from None
        ray.init(ignore_reinit_error=True, log_to_driver=False)
        self._scores, self._tried = str(scores.resolve()), ray.remote(tried)
        self._ray, self.most = ray, 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))

    def __enter__(self) -> RayTasks:
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def submit(self, batch: Sequence[Asked]) -> Future[list[Trial]]:
        """Begin a batch."""
        found: Future[list[Trial]] = self._tried.remote(self._scores, list(batch)).future()
        return found


def make(
    asked: Sequence[Asked], log: TrialLog, workers: Processes | RayTasks
) -> Iterator[list[Trial]]:
    """Make the trials that the log does not have yet, and yield each batch as it is kept."""
    new = {one.key: one for one in asked if one.key not in log.found}
    left = list(new.values())
    running: set[Future[list[Trial]]] = set()
    while left or running:
        while left and len(running) < workers.most:
            running.add(workers.submit(left[:BATCH]))
            left = left[BATCH:]
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for one in done:
            try:
                trials = one.result()
            except BrokenExecutor:
                msg = "a process of the sweep ended before it was done; the same command goes on"
                raise SweepFolderError(msg) from None
            log.add(trials)
            yield trials
