"""The requests of a recorded run, each due where fusion answered it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from schemas.codec import BadEventError
from schemas.topics import REQUESTS
from streams.replay.logs import Logs
from streams.replay.per_key_reader import Keyed
from streams.replay.recorded_decisions import RecordedDecisions


class Requests:
    """Requests of a partition, each due once the scores in its answer have been read."""

    def __init__(self, logs: Logs, decisions: RecordedDecisions, partition: int) -> None:
        self._due: dict[str, deque[tuple[int, Keyed]]] = {}
        answers = decisions.answers(partition)
        if not answers:
            return
        requests = {
            one.record.offset: one
            for one in logs.read(REQUESTS.name, partition)
            if not isinstance(one.event, BadEventError)
        }
        for answer in answers:
            request = requests.get(answer.request)
            if request is not None:
                queue = self._due.setdefault(answer.asset, deque())
                queue.append((answer.scores_to, request))

    def due(self, asset: str | None, read_to: int) -> Iterator[Keyed]:
        """Take the requests for an asset (None: for any) whose scores lie up to an offset."""
        for name in [asset] if asset is not None else list(self._due):
            queue = self._due.get(name)
            while queue and queue[0][0] <= read_to:
                yield queue.popleft()[1]
