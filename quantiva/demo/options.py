"""What a demo is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MOST_ASSETS = 50
"""Assets that the simulated market can have."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Where the market comes from and how long it runs.

    source     upstreams: the real producers against the simulator; direct: the simulated market
               published as it is, the same every time; live: the real upstreams
    cycles     cycles to run, None: until Ctrl-C
    cycle_s    wall seconds per simulated 10-minute cycle
    seed       of the simulated market
    assets     how many it has
    data       directory of recorded data instead of the simulated market
    from_ms    start of the span to play, ms since 1970 UTC
    until_ms   end of the span, exclusive
    speed      multiple of the data's own pace; None: as fast as the stack answers
    ordered    at full speed, wait between waves, so that each play gives identical signals
    processes  worker processes that share the stages
    delivery   also run the bridge with its page, and the explanations
    directory  keeps topics, database, schemas and state for the next run, and an archive of the
               log; None: they are temporary
    """

    source: str = "upstreams"
    cycles: int | None = None
    cycle_s: float = 10.0
    seed: int = 1
    assets: int = MOST_ASSETS
    data: Path | None = None
    from_ms: int = 0
    until_ms: int = 0
    speed: float | None = None
    ordered: bool = True
    processes: int = 2
    delivery: bool = True
    directory: Path | None = None
