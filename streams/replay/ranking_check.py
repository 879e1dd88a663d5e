"""The rankings of a recorded run: the recorded entries in, the recorded rankings out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.codec import BadEventError
from schemas.partitioning import partition_of
from schemas.topics import RANKING, TOP
from streams.replay.letters import Letters
from streams.replay.logs import Logs
from streams.replay.market import Produced
from streams.replay.parity import Comparison
from streams.replay.recorded_outputs import RecordedOutputs
from streams.stage import Entry, advance
from streams.topology import stage
from streams.validator import RecordValidator


def check_rankings(
    logs: Logs,
    partition: int,
    comparison: Comparison,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Replay one partition of the ranking and compare what comes out.

    That the entries themselves are right is compared with the signals they come from.
    """
    ranking = stage("ranking")
    partitions = logs.archive.partitions[RANKING.name]
    letters = Letters(logs, partition, None)
    gate = RecordValidator(RANKING, partitions, keyed=False).check
    expected = RecordedOutputs(
        TOP.name,
        partition,
        (one for one in logs.read(TOP.name, partition) if not isinstance(one.event, BadEventError)),
        lambda one: one.event.strategy_id,
        lambda top: top.cycle,
        comparison,
    )
    entry: Entry | None = None
    for record, event in logs.read(RANKING.name, partition):
        if on_progress is not None:
            on_progress(1)
        try:
            if isinstance(event, BadEventError):
                raise event
            gate(event, record.key, partition)
        except BadEventError:
            continue
        if letters.is_given_up(ranking.name, RANKING.name, record.offset):
            continue
        taken: Any = event
        if taken.kind == "grace":
            comparison.result.decisions[RANKING.name] += 1
        moved = advance(ranking, entry, event, RANKING.name, partition, record.offset)
        if moved is None:
            continue
        entry = moved[0]
        for output in moved[1]:
            target = partition_of(output.key.encode(), partitions)
            produced = Produced(
                output.topic, target, -1, output.key, record.timestamp_ms, output.event
            )
            expected.match(output.key, produced)
    # Every recorded entry has been applied: what they do not lead to came of later ones.
    expected.finish(lambda _: True)
