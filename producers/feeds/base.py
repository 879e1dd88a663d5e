"""What the feeds have in common: a name, a run a cycle, and where their events go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from schemas.events import MarketEvent

Emit = Callable[[str, Sequence[MarketEvent]], Awaitable[int]]
"""Publishes events of a source, given by its name, and returns how many were new and valid.

It returns once all brokers' replicas have them. What was published before is left out.
"""


class Feed(Protocol):
    """Fills one market topic from its upstreams.

    `run` raises nothing but what ends the producers: an upstream that fails is reported to its
    health, and the others go on.
    """

    name: str
    cadence_ms: int

    async def run(self, cycle_ms: int) -> None:
        """Fetch and publish what is due in the cycle that starts at `cycle_ms`."""
        ...
