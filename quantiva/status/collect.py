"""Looks at the broker twice and reports the state of every stage and market topic."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from quantiva.status.lag import Progress, Snapshot, progress, state, topic_rate
from quantiva.status.parts import probe
from quantiva.status.report import Report, StageReport, TopicReport, confidence, degraded
from quantiva.status.sources import SourceReport, reports
from quantiva.status.stages import ARCHIVE, ENGINE_STAGES, STAGES, WatchedStage, archive_stage
from schemas.dead_letters import DeadLetter
from schemas.scores import EngineScore
from schemas.sources import SourceStatus
from schemas.times import HOUR_MS
from schemas.topics import DEAD_LETTERS, MARKET_TOPICS, SCORES, SOURCES
from transport.clock import wall_ms
from transport.decoder import Decoder
from transport.groups import ConsumerGroups
from transport.log_reader import LogReader, Partition, Place, arrived_ms
from transport.settings import Settings

_SCORES_A_PARTITION = 500
_STATUSES = 2_000
_SMALL_FETCH = 65_536


async def collect(settings: Settings, sample_s: float) -> Report:
    """Return the report. Takes a bit longer than `sample_s`, over which rates are measured.

    Raises BrokerError when the broker goes away in between.
    """
    parts = await probe(settings)
    if not parts[0].ok:
        return Report(at_ms=wall_ms(), parts=parts)
    async with (
        LogReader(settings, fetch_bytes=_SMALL_FETCH) as reader,
        ConsumerGroups(settings) as groups,
    ):
        return await _Survey(settings, reader, groups).report(parts, sample_s)


class _Survey:
    def __init__(self, settings: Settings, reader: LogReader, groups: ConsumerGroups) -> None:
        self._settings = settings
        self._reader = reader
        self._groups = groups
        self._partitions: dict[str, list[Partition]] = {}
        self._begins: dict[Partition, int] = {}
        self._newest: dict[Partition, int] = {}
        self._stages = STAGES

    async def report(self, parts: Any, sample_s: float) -> Report:
        self._partitions = await self._reader.partitions()
        everything = [tp for partitions in self._partitions.values() for tp in partitions]
        self._begins = await self._reader.begins(everything)
        self._stages = (*STAGES, *await self._archives(everything))
        first = await self._snapshot(everything)
        await asyncio.sleep(sample_s)
        second = await self._snapshot(everything)
        members = await self._groups.members(self._group(stage) for stage in self._stages)
        moves = {
            stage.name: progress(
                first, second, self._group(stage), self._read_by(stage), self._begins
            )
            for stage in self._stages
        }
        times = await self._times(second.ends, moves.values())
        self._newest = {tp: times.get((tp, end - 1), 0) for tp, end in second.ends.items()}
        scores, undecodable = await self._scores()
        spoke = _spoke(scores)
        now_ms = wall_ms()
        return Report(
            at_ms=now_ms,
            parts=parts,
            stages=tuple(
                self._stage(stage, moves[stage.name], members, times, spoke, now_ms)
                for stage in self._stages
            ),
            topics=tuple(self._topic(t.name, first, second, now_ms) for t in MARKET_TOPICS),
            degraded=degraded(score for score, _ in scores),
            confidence=confidence(score for score, _ in scores),
            undecodable_scores=undecodable,
            dead_letters=await self._dead_letters(now_ms - HOUR_MS),
            sources=await self._sources(now_ms),
        )

    async def _archives(self, everything: list[Partition]) -> list[WatchedStage]:
        """Return the archives that have a group, each with the topics that it has committed."""
        own = self._settings.group_id("")
        groups = await self._groups.named(self._settings.group_id(ARCHIVE))
        committed = await self._groups.committed(dict.fromkeys(groups, everything))
        return [
            archive_stage(
                group.removeprefix(own),
                tuple(
                    name
                    for name, places in self._partitions.items()
                    if any(committed[group].get(tp, -1) >= 0 for tp in places)
                ),
            )
            for group in groups
        ]

    def _group(self, stage: WatchedStage) -> str:
        return self._settings.group_id(stage.name)

    def _read_by(self, stage: WatchedStage) -> list[Partition]:
        return [tp for name in stage.inputs for tp in self._partitions.get(name, [])]

    async def _snapshot(self, everything: list[Partition]) -> Snapshot:
        """Read commits before ends: a lag may be too large by what came in between, never less."""
        committed = await self._groups.committed(
            {self._group(stage): self._read_by(stage) for stage in self._stages}
        )
        return Snapshot(time.monotonic(), await self._reader.ends(everything), committed)

    async def _times(
        self, ends: Mapping[Partition, int], moves: Iterable[Progress]
    ) -> dict[Place, int]:
        """Return when the records at the ends, and around every group's position, came in."""
        places = {(tp, end - 1) for tp, end in ends.items()}
        for move in moves:
            places |= {(tp, offset - 1) for tp, offset in move.next.items()}
            places |= {(tp, offset) for tp, offset in move.next.items() if offset < ends[tp]}
        there = {(tp, offset) for tp, offset in places if offset >= self._begins[tp]}
        records = await self._reader.peek(there)
        return {place: arrived_ms(record) for place, record in records.items()}

    def _stage(
        self,
        stage: WatchedStage,
        move: Progress,
        members: Mapping[str, int | None],
        times: Mapping[Place, int],
        spoke: Mapping[str, int],
        now_ms: int,
    ) -> StageReport:
        group = self._group(stage)
        unapplied = [times[one] for one in move.next.items() if one in times]
        applied = [t for tp, offset in move.next.items() if (t := times.get((tp, offset - 1)))]
        if stage in ENGINE_STAGES:
            output_ms = spoke.get(stage.name, 0)
        else:
            written = [tp for name in stage.outputs for tp in self._partitions.get(name, [])]
            output_ms = max((self._newest.get(tp, 0) for tp in written), default=0)
        waiting_ms = now_ms - min(unapplied) if unapplied else None
        stall_s = self._settings.stall_s + (2 * self._settings.grace_s if stage.waits else 0)
        return StageReport(
            stage=stage.name,
            group=group,
            state=state(
                members=members[group],
                lag=move.lag,
                moved=move.moved,
                waiting_ms=waiting_ms or 0,
                stall_ms=stall_s * 1000,
                waits=stage.waits,
            ),
            lag=move.lag,
            rate_per_s=round(move.rate_per_s, 1),
            members=members[group],
            waiting_ms=waiting_ms,
            applied_age_ms=now_ms - max(applied) if applied else None,
            output_age_ms=now_ms - output_ms if output_ms else None,
            start=stage.start,
            may_end=stage.may_end,
        )

    def _topic(self, name: str, first: Snapshot, second: Snapshot, now_ms: int) -> TopicReport:
        partitions = self._partitions.get(name, [])
        newest_ms = max((self._newest.get(tp, 0) for tp in partitions), default=0)
        return TopicReport(
            topic=name,
            records=sum(second.ends[tp] - self._begins[tp] for tp in partitions),
            rate_per_s=round(topic_rate(first, second, partitions), 1),
            age_ms=now_ms - newest_ms if newest_ms else None,
            missing=not partitions,
        )

    async def _scores(self) -> tuple[list[tuple[EngineScore, int]], int]:
        """Return the last scores with the time they came in, and how many are not decodable."""
        decoder, found, wrong = Decoder.of(self._settings), [], 0
        ends = await self._reader.ends(self._partitions.get(SCORES.name, []))
        ranges = {
            tp: (max(self._begins[tp], end - _SCORES_A_PARTITION), end) for tp, end in ends.items()
        }
        async for records in self._reader.scan(ranges):
            for record in records:
                event, _ = await decoder.read(record.value)
                if isinstance(event, EngineScore):
                    found.append((event, arrived_ms(record)))
                else:
                    wrong += 1
        return found, wrong

    async def _sources(self, now_ms: int) -> tuple[SourceReport, ...]:
        """Return the last reported state of each upstream."""
        decoder, told = Decoder.of(self._settings), []
        ends = await self._reader.ends(self._partitions.get(SOURCES.name, []))
        ranges = {tp: (max(self._begins[tp], end - _STATUSES), end) for tp, end in ends.items()}
        async for records in self._reader.scan(ranges):
            for record in records:
                event, _ = await decoder.read(record.value)
                if isinstance(event, SourceStatus):
                    told.append((event, arrived_ms(record)))
        return reports(told, now_ms)

    async def _dead_letters(self, since_ms: int) -> dict[str, int]:
        decoder, by_stage = Decoder.of(self._settings), Counter[str]()
        partitions = self._partitions.get(DEAD_LETTERS.name, [])
        async for records in self._reader.scan(await self._reader.from_time(partitions, since_ms)):
            for record in records:
                if record.timestamp >= since_ms:
                    letter, _ = await decoder.read(record.value)
                    known = isinstance(letter, DeadLetter)
                    by_stage[letter.stage if known else "undecodable"] += 1
        return dict(by_stage.most_common())


def _spoke(scores: list[tuple[EngineScore, int]]) -> dict[str, int]:
    """Return when each engine's last score was written, in ms, the watchdog's records left out."""
    spoke: dict[str, int] = {}
    for score, came_ms in scores:
        if score.status != "missing":
            spoke[score.engine] = max(spoke.get(score.engine, 0), came_ms)
    return spoke
