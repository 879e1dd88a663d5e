"""What `quantiva status` knows, and which of it is a problem. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import fsum

import msgspec

from quantiva.status.lag import StageState
from quantiva.status.parts import Part
from quantiva.status.sources import SourceReport, source_problems
from quantiva.status.stages import LATE_MS
from schemas.scores import EngineScore
from schemas.text import age
from schemas.times import MINUTE_MS

RECENT_MS = 15 * MINUTE_MS
"""Scores older than the engine's newest by more than this are of assets that left."""


class Degraded(msgspec.Struct, frozen=True):
    """One word of an engine's `detail`: how many assets have it, and its most frequent text."""

    engine: str
    part: str
    assets: int
    of: int
    text: str


def latest(scores: Iterable[EngineScore]) -> dict[str, dict[str, EngineScore]]:
    """Return the last score of each asset by engine, without those of assets that left."""
    by_engine: dict[str, dict[str, EngineScore]] = defaultdict(dict)
    for score in scores:
        known = by_engine[score.engine].get(score.asset)
        if known is None or score.as_of >= known.as_of:
            by_engine[score.engine][score.asset] = score
    return {engine: _recent(by_asset) for engine, by_asset in by_engine.items()}


def _recent(by_asset: dict[str, EngineScore]) -> dict[str, EngineScore]:
    newest = max(score.as_of for score in by_asset.values())
    return {asset: one for asset, one in by_asset.items() if newest - one.as_of <= RECENT_MS}


def confidence(scores: Iterable[EngineScore]) -> dict[str, float]:
    """Return the mean confidence of the assets' last scores, by engine; 0 to 1."""
    return {
        engine: fsum(score.confidence for score in by_asset.values()) / len(by_asset)
        for engine, by_asset in sorted(latest(scores).items())
    }


def degraded(scores: Iterable[EngineScore]) -> tuple[Degraded, ...]:
    """Return what is degraded, by engine and then by number of assets."""
    found = []
    for engine, by_asset in sorted(latest(scores).items()):
        texts: dict[str, Counter[str]] = defaultdict(Counter)
        for score in by_asset.values():
            for part, text in score.detail.items():
                if part != "model" or text.startswith("no "):  # else it only says which one spoke
                    texts[part][text] += 1
        for part, counted in sorted(texts.items(), key=lambda item: -item[1].total()):
            text = counted.most_common(1)[0][0]
            found.append(Degraded(engine, part, counted.total(), len(by_asset), text))
    return tuple(found)


NOTHING_RUNS = (
    "Nothing runs: start everything on this machine with `quantiva demo`, or set "
    "KAFKA_BOOTSTRAP_SERVERS and start the stages with `quantiva worker`."
)
NO_STAGE_RUNS = (
    "No stage runs: start the stages with `quantiva worker` and the sink with "
    "`quantiva sink postgres`."
)


class StageReport(msgspec.Struct, frozen=True):
    """One stage: `members` is None where the broker cannot count them, ages without records.

    `waiting_ms` is the age of the oldest record that is not applied, `applied_age_ms` of the newest
    that is, `output_age_ms` of the newest on the topics that it writes. One that `may_end` is no
    problem while it does not run.
    """

    stage: str
    group: str
    state: StageState
    lag: int
    rate_per_s: float
    members: int | None
    waiting_ms: int | None
    applied_age_ms: int | None
    output_age_ms: int | None
    start: str
    may_end: bool = False

    @property
    def has_ended(self) -> bool:
        """True when it may have been stopped for good, as far as the broker knows."""
        unseen = self.state is StageState.STALLED and self.members is None
        return self.may_end and (self.state is StageState.NOT_RUNNING or unseen)


class TopicReport(msgspec.Struct, frozen=True):
    """One market topic; `missing` is true when the broker does not have it."""

    topic: str
    records: int
    rate_per_s: float
    age_ms: int | None
    missing: bool = False


class Report(msgspec.Struct, frozen=True):
    """Everything on the status screen.

    `dead_letters` are those of the last hour, by stage; `confidence` is the mean over the assets,
    by engine.
    """

    at_ms: int
    parts: tuple[Part, ...]
    stages: tuple[StageReport, ...] = ()
    topics: tuple[TopicReport, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    undecodable_scores: int = 0
    dead_letters: dict[str, int] = {}
    sources: tuple[SourceReport, ...] = ()
    confidence: dict[str, float] = {}


def problems(report: Report) -> list[str]:
    """Return what is not ok, worst first, a sentence each; degraded parts are none."""
    found = [_part(part) for part in report.parts if not part.ok]
    if not report.parts[0].address:
        return [NOTHING_RUNS]
    needed = [one for one in report.stages if not one.may_end]
    if needed and all(one.state is StageState.NOT_RUNNING for one in needed):
        found.append(NO_STAGE_RUNS)
    else:
        wrong = [one for one in report.stages if one.state is not StageState.OK]
        found += [_stage(one) for one in wrong if not one.has_ended]
    found += [text for one in report.topics if (text := _topic(one))]
    return [*found, *source_problems(report.sources), *_others(report)]


def _part(part: Part) -> str:
    if part.address is None:
        return f"No {part.name}: {part.detail}."
    return f"The {part.name} at {part.address} does not answer: {part.detail}."


def _stage(one: StageReport) -> str:
    waits = age(one.waiting_ms)
    if one.state is StageState.NOT_RUNNING:
        return f"{one.stage} does not run ({one.lag:,} records wait): start `{one.start}`."
    if one.state is StageState.BEHIND:
        return f"{one.stage} is behind: {one.lag:,} records wait, the oldest for {waits}."
    gone = "it hangs or has ended" if one.members is None else "it hangs"
    return f"{one.stage} is stalled: {one.lag:,} records wait, the oldest for {waits}; {gone}."


def _topic(one: TopicReport) -> str | None:
    if one.missing:
        return f"{one.topic} does not exist: run `quantiva topics create`."
    if one.records == 0 or one.age_ms is None:
        return f"{one.topic} is empty: its producer has published nothing."
    if one.age_ms > LATE_MS[one.topic]:
        return f"{one.topic} is late: the newest record is {age(one.age_ms)} old."
    return None


def _others(report: Report) -> Iterable[str]:
    if report.undecodable_scores:
        yield f"{report.undecodable_scores} of the latest scores could not be decoded."
    if report.dead_letters:
        total = sum(report.dead_letters.values())
        stages = ", ".join(f"{stage} {count}" for stage, count in report.dead_letters.items())
        yield (
            f"{total:,} dead letter(s) in the last hour ({stages}): see "
            "`quantiva dead-letters list --since 1h`."
        )
