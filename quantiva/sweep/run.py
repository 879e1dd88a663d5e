"""A sweep from its choices to its report: scores once, trials once each, what they say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from quantiva.sweep.scores import About, scores_of
from quantiva.sweep.search import guided
from quantiva.sweep.trials import FOLDER, Asked, Processes, RayTasks, TrialLog, make
from schemas.strategy_files import StrategyFileError
from streams.backtest.sweep import (
    Axis,
    Choice,
    StrategyFile,
    every,
    key_of,
    random_choices,
    strategy_of,
    with_all_rules,
)
from streams.backtest.sweep_report import SweepReport, report_of
from streams.backtest.trials import METRICS, Trial
from streams.backtest.walk_forward import Window, between, known, windows
from streams.replay.shards import OnProgress
from streams.replay.sources import Source

REPORT = "report.json"


class Search(NamedTuple):
    """How choices are made: all of the grid, so many at random, or so many guided."""

    at_random: int | None = None
    guided: int | None = None
    seed: int = 1
    metric: str = "sharpe"


class Windows(NamedTuple):
    """So many walk-forward windows, and their days; None: as they fit."""

    number: int = 0
    train_days: int | None = None
    test_days: int | None = None


class Telling(NamedTuple):
    """What a sweep says while it works.

    scores  called with what is known of the scores and whether they were made now
    trials  called with how many trials were made now, were there before, and are asked for
    """

    progress: OnProgress | None
    scores: Callable[[About, bool], None]
    trials: Callable[[int, int, int], None]


class SweepRun:
    """One sweep in its folder. `made` and `before` count trials made now and found there."""

    def __init__(
        self, file: StrategyFile, axes: tuple[Axis, ...], search: Search, telling: Telling
    ) -> None:
        self._file, self._axes, self._search, self._telling = file, axes, search, telling
        self._data = ""
        self._asked: dict[str, Asked] = {}
        self._refused: dict[tuple[str, ...], str] = {}
        self.made = self.before = 0
        strategy_of(file, next(every(axes)))  # an axis that is none is told before any work

    @property
    def refused(self) -> dict[tuple[str, ...], str]:
        """Why choices make no strategy, by their values."""
        return self._refused

    def run(
        self,
        source: Source,
        asked: About,
        folder: Path,
        jobs: int,
        plan: Windows,
        *,
        with_ray: bool = False,
    ) -> SweepReport:
        """Do all that is not done yet, and return the report, which is in the folder then.

        Raises SweepError, SweepFolderError, WindowError and what a replay raises.
        """
        rules = with_all_rules(self._file, self._axes)
        if asked.from_ms is not None and asked.until_ms is not None:
            _windows(asked.from_ms, asked.until_ms, plan)  # refused before any work
        about, is_new = scores_of(folder, asked, source, rules, jobs, self._telling.progress)
        self._telling.scores(about, is_new)
        self._data = about.digest
        from_ms = about.first_ms if about.from_ms is None else about.from_ms
        until_ms = about.last_ms + 1 if about.until_ms is None else about.until_ms
        spans = _windows(from_ms, until_ms, plan)
        with TrialLog(folder) as log, self._workers(folder, jobs, with_ray=with_ray) as workers:
            self.before = 0
            chosen = self._search_all(log, workers, (from_ms, until_ms), spans)
            trials = [  # in the names of this sweep's axes, whoever made them
                msgspec.structs.replace(log.found[key], choice=one.choice)
                for key, one in self._asked.items()
            ]
            others = [one for key, one in log.found.items() if key not in self._asked]
        made = report_of(
            *(trials, self._search.metric, from_ms, until_ms),
            refused=len(self._refused),
            others=[one for one in others if one.data == self._data],
            windows=list(zip(spans, chosen, strict=True)),
        )
        body = msgspec.json.encode({"about": about, "sweep": made}, order="deterministic")
        (folder / REPORT).write_bytes(msgspec.json.format(body))
        return made

    @contextmanager
    def _workers(
        self, folder: Path, jobs: int, *, with_ray: bool
    ) -> Iterator[Processes | RayTasks]:
        scores = folder / FOLDER
        with RayTasks(scores) if with_ray else Processes(scores, jobs) as workers:
            yield workers

    def _search_all(
        self,
        log: TrialLog,
        workers: Processes | RayTasks,
        span: tuple[int, int],
        spans: Sequence[Window],
    ) -> list[frozenset[str]]:
        """Make all trials; return the keys among which each window may choose."""
        search = self._search
        if search.guided is None:
            choices = list(every(self._axes)) if search.at_random is None else self._drawn()
            self._try(choices, log, workers)
            return [frozenset(self._asked)] * len(spans)
        found = []
        # Each window is searched by what its own training days say, and by nothing after them.
        for from_ms, until_ms in [(one.train_from_ms, one.test_from_ms) for one in spans] or [span]:
            seen: set[str] = set()

            def evaluate(
                choices: list[dict[str, str]],
                from_ms: int = from_ms,
                until_ms: int = until_ms,
                seen: set[str] = seen,
            ) -> list[float | None]:
                keys = self._try(choices, log, workers)
                seen |= {key for key in keys if key is not None}
                return [
                    None if key is None else self._value(log.found[key], from_ms, until_ms)
                    for key in keys
                ]

            guided(self._axes, search.guided, search.seed, evaluate)
            found.append(frozenset(seen))
        return found if spans else []

    def _drawn(self) -> list[dict[str, str]]:
        """Return the choices drawn that make a strategy, as many as were asked for."""
        drawn = (
            choice
            for choice in random_choices(self._axes, self._search.seed)
            if self._ask(choice) is not None
        )
        return list(islice(drawn, self._search.at_random))

    def _value(self, trial: Trial, from_ms: int, until_ms: int) -> float | None:
        days = between(trial.returns, trial.first_day_ms, from_ms, until_ms)
        return known(METRICS[self._search.metric](days))

    def _ask(self, choice: Choice) -> Asked | None:
        """Return the trial of a choice; None where it makes no strategy."""
        try:
            strategy = strategy_of(self._file, choice)
        except StrategyFileError as error:
            self._refused.setdefault(tuple(choice.values()), str(error))
            return None
        key = key_of(strategy, self._data)
        return Asked(key, self._data, dict(choice), strategy)

    def _try(
        self, choices: Sequence[Choice], log: TrialLog, workers: Processes | RayTasks
    ) -> list[str | None]:
        """Make the trials of choices that are not made yet; return their keys."""
        asked = [self._ask(choice) for choice in choices]
        keys = [None if one is None else one.key for one in asked]
        new = {one.key: one for one in asked if one is not None and one.key not in self._asked}
        self.before += sum(key in log.found for key in new)
        self._asked |= new
        self._telling.trials(self.made, self.before, len(self._asked))
        for trials in make(list(new.values()), log, workers):
            self.made += len(trials)
            self._telling.trials(self.made, self.before, len(self._asked))
        return keys


def _windows(from_ms: int, until_ms: int, plan: Windows) -> tuple[Window, ...]:
    return windows(from_ms, until_ms, *plan) if plan.number else ()
