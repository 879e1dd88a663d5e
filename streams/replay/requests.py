"""The requests of a recorded run, each due where fusion answered it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from schemas.codec import BadEventError
from schemas.topics import REQUESTS, SCORES, SIGNALS
from streams.replay.logs import Logs
from streams.replay.per_key_reader import Keyed


class Requests:
    """Requests of a partition, each due once the scores in its answer have been read."""

    def __init__(self, logs: Logs, partition: int) -> None:
        self._due: dict[str, deque[tuple[int, Keyed]]] = {}
        requests = {
            one.record.offset: one
            for one in logs.read(REQUESTS.name, partition)
            if not isinstance(one.event, BadEventError)
        }
        if not requests:
            return
        for one in logs.read(SIGNALS.name, partition):
            signal: Any = one.event
            if getattr(signal, "trigger", None) != "request":
                continue
            scores = [p.offset for p in signal.inputs if p.topic == SCORES.name]
            asked = [p.offset for p in signal.inputs if p.topic == REQUESTS.name]
            request = requests.pop(asked[0], None) if asked else None
            if request is not None:  # else a repetition
                queue = self._due.setdefault(signal.asset, deque())
                queue.append((max(scores, default=-1), request))

    def due(self, asset: str | None, read_to: int) -> Iterator[Keyed]:
        """Take the requests for an asset (None: for any) whose scores lie up to an offset."""
        for name in [asset] if asset is not None else list(self._due):
            queue = self._due.get(name)
            while queue and queue[0][0] <= read_to:
                yield queue.popleft()[1]
