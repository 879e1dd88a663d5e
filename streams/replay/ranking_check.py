"""The rankings of a recorded run: the recorded entries in, the recorded rankings out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.codec import BadEventError
from schemas.partitioning import partition_for
from schemas.topics import RANKING, TOP
from streams.replay.letters import Letters
from streams.replay.logs import Logs
from streams.replay.parity import Comparison
from streams.replay.recorded_outputs import RecordedOutputs
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage


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
    runner = StageRunner(ranking, partitions, given_up=letters.given_up_check(ranking.name))
    expected = RecordedOutputs(
        TOP.name,
        partition,
        (one for one in logs.read(TOP.name, partition) if not isinstance(one.event, BadEventError)),
        lambda one: one.event.strategy_id,
        lambda top: top.cycle,
        comparison,
    )
    for record, event in logs.read(RANKING.name, partition):
        if on_progress is not None:
            on_progress(1)
        key = record.key
        try:
            outputs = runner.apply(RANKING.name, partition, record.offset, key, event)
        except (BadEventError, UnusableEventError):
            continue
        taken: Any = event
        if taken.kind == "grace":
            comparison.result.decisions[RANKING.name] += 1
        for output in outputs:
            target = partition_for(output.key.encode(), key, partition, partitions)
            produced = Produced(
                output.topic, target, -1, output.key, record.timestamp_ms, output.event
            )
            expected.match(output.key, produced)
    # Every recorded entry has been applied: what they do not lead to came of later ones.
    expected.finish(lambda _: True)
