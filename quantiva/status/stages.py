"""The stages as operators see them: what each reads and writes. A test binds it to the topology."""

from __future__ import annotations

from typing import NamedTuple

from quantiva.wiring.sinks import SINKS
from schemas.times import MINUTE_MS
from schemas.topics import (
    BOOKS,
    CALENDAR,
    CANDLES,
    DECISIONS,
    FUNDAMENTALS,
    NEWS,
    NEWS_SCORES,
    OUTCOMES,
    REQUESTS,
    SCORES,
    SIGNALS,
    TOP,
    TRENDING,
)
from streams.topology import scoring_engines


class WatchedStage(NamedTuple):
    """A stage, the logical topics it reads and writes, and how it is started.

    `waits`: it keeps records uncommitted on purpose, while a cycle, or a file, is open.
    `may_end`: it may have been stopped for good.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    start: str
    waits: bool = False
    may_end: bool = False


def _engine(name: str, topic: str) -> WatchedStage:
    return WatchedStage(name, (TRENDING.name, topic), (SCORES.name,), f"quantiva worker {name}")


ENGINE_STAGES: tuple[WatchedStage, ...] = tuple(
    _engine(engine.name, engine.topic) for engine in scoring_engines()
)
HEADLINES = WatchedStage(
    "headlines", (NEWS.name,), (NEWS_SCORES.name,), "quantiva worker headlines"
)
FUSION = WatchedStage(
    "fusion",
    (SCORES.name, REQUESTS.name),
    (DECISIONS.name,),
    "quantiva worker fusion",
)
CONFIDENCE = WatchedStage(
    "confidence", (DECISIONS.name,), (SIGNALS.name, TOP.name), "quantiva worker confidence"
)
OUTCOMES_STAGE = WatchedStage(
    "outcomes", (SCORES.name, SIGNALS.name), (OUTCOMES.name,), "quantiva worker outcomes"
)
WATCHDOG = WatchedStage(
    "watchdog",
    (TRENDING.name, SCORES.name, DECISIONS.name),
    (),
    "quantiva worker watchdog",
    waits=True,
)
SINK_STAGES: tuple[WatchedStage, ...] = tuple(
    WatchedStage(entry.stage, entry.topics, (), f"quantiva sink {entry.name}")
    for entry in SINKS
    if entry.is_watched
)
STAGES: tuple[WatchedStage, ...] = (
    HEADLINES,
    *ENGINE_STAGES,
    FUSION,
    CONFIDENCE,
    OUTCOMES_STAGE,
    WATCHDOG,
    *SINK_STAGES,
)

ARCHIVE = "sink.archive."
"""How the stage of an archive begins: each archive has a group of its own."""


def archive_stage(name: str, inputs: tuple[str, ...]) -> WatchedStage:
    """Return the stage of an archive that is or was written."""
    return WatchedStage(name, inputs, (), "quantiva archive run", waits=True, may_end=True)


LATE_MS: dict[str, int] = {
    TRENDING.name: 25 * MINUTE_MS,
    NEWS.name: 180 * MINUTE_MS,
    CANDLES.name: 150 * MINUTE_MS,
    BOOKS.name: 5 * MINUTE_MS,
    FUNDAMENTALS.name: 150 * MINUTE_MS,
    CALENDAR.name: 150 * MINUTE_MS,
}
"""How old the newest record of a market topic may be: a bit more than two of its cadences."""
