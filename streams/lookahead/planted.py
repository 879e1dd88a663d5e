"""Plants records from the future in a branch of a state: what is left behind must not change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.engines.scoring_stage import ScoringStage
from streams.lookahead.future_records import AHEAD, planted
from streams.lookahead.output_digest import Difference, flat, short, unequal
from streams.lookahead.steps import Step
from streams.stage import Entry, Stage, Tables, advance

_ENCODER = msgspec.msgpack.Encoder()


def last_of_each(steps: list[Step]) -> list[Step]:
    """Return the last step of every stage and key: the states that the record left."""
    return list({(step.stage.name, step.key): step for step in steps}.values())


def disturbed(step: Step, now_ms: int, tables: Tables) -> Difference | None:
    """Plant records after `now_ms` in a branch; return what changed in the state left behind.

    Looks at the state, and for an engine at what it says at `now_ms`. The branch itself, its
    outputs and errors are thrown away.
    """
    entry = step.entry
    if entry is None:
        return None
    before = _look(step.stage, entry, now_ms)
    branch = entry
    for offset, (topic, event) in enumerate(_records(step, now_ms), AHEAD):
        with contextlib.suppress(Exception):
            moved = advance(step.stage, branch, event, topic, step.partition, offset, tables)
            branch = branch if moved is None else moved[0]
    after = _look(step.stage, entry, now_ms)
    if before == after:
        return None
    here, there = _leaves(after), _leaves(before)
    field = next(unequal(here, there))
    return Difference(step.stage.name, field, short(here.get(field)), short(there.get(field)))


def _records(step: Step, now_ms: int) -> Iterator[tuple[str, Any]]:
    name = step.key.decode()
    for topic in step.stage.inputs:
        for event in planted(topic, name, now_ms):
            yield topic, event


def _look(stage: Stage, entry: Entry, now_ms: int) -> bytes:
    """Return the reading of an engine and the state of any stage, as bytes."""
    reading = None
    if isinstance(stage, ScoringStage):
        engine = stage.engine
        reading = engine.read(engine.config, entry.state.engine, max(now_ms, entry.state.clock_ms))
    return _ENCODER.encode((reading, entry))


def _leaves(look: bytes) -> dict[str, Any]:
    reading, entry = msgspec.msgpack.decode(look)
    return {**flat(reading or {}), **flat({"state": entry})}
