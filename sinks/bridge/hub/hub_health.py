"""How the bridge itself does: how far behind the log it is, and what is wrong."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.registry_client import RegistryError
from schemas.scores import EngineScore
from sinks.bridge.hub.cursors import Place, Positions
from transport.log_reader import OpenLog, Partition

_log = logging.getLogger(__name__)
_LIMIT_S = 10.0
_FIRST_S = 0.1


class HubHealth:
    """What is known of the way from the log to here.

    `lag_ms` is for how long the bridge has not had all that the log had: 0 while it keeps up.
    `behind` are the records that it had not read when the log's ends were looked at, None for
    unknown. `last_error` is for clients. `clock_s` is a clock that never goes back.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._caught_up_s = clock_s()
        self._is_caught_up = False
        self.connected = False
        self.behind: dict[str, int] | None = None
        self.last_error: str | None = None
        self.undecoded = 0

    @property
    def lag_ms(self) -> int:
        """For how long the bridge has been behind the log, in ms."""
        return 0 if self._is_caught_up else round((self._clock_s() - self._caught_up_s) * 1000)

    def found(self) -> None:
        """Take note that the log is read."""
        self.connected = True
        self.last_error = None

    def lost(self, error: BaseException | None) -> None:
        """Take note that the log, or the registry, cannot be read."""
        if self.connected or self.last_error is None:
            _log.warning("the bridge waits for the log: %s", error or "it ended")
        self.connected = False
        self.unknown(error)

    def unknown(self, error: BaseException | None) -> None:
        """Take note that nobody knows how far the log is, and why."""
        self._is_caught_up = False
        self.behind = None
        self.last_error = _public_text(error)

    def unusable(self, place: Place, offset: int, reason: str) -> None:
        """Count a record that no client gets, because it cannot be decoded."""
        self.undecoded += 1
        _log.warning("no client gets %s:%d:%d: %s", *place, offset, reason)

    def seen(self, ends: Mapping[Place, int], positions: Positions, at_s: float) -> None:
        """Compare with the ends of the log as they were at a time of the clock."""
        behind: dict[str, int] = {}
        for place, end in ends.items():
            missing = max(0, end - positions.get(place, 0))
            behind[place[0]] = behind.get(place[0], 0) + missing
        self.behind = behind
        if self.connected:
            self.last_error = None
        self._is_caught_up = self.connected and not any(behind.values())
        if self._is_caught_up:
            self._caught_up_s = max(self._caught_up_s, at_s)

    @property
    def now_s(self) -> float:
        """The clock."""
        return self._clock_s()


def _public_text(error: BaseException | None) -> str:
    """Return the text about an error for clients: the error itself may name addresses."""
    if isinstance(error, LookupError):
        return str(error)
    if isinstance(error, RegistryError):
        return "the schema registry does not answer"
    return f"the log does not answer ({type(error).__name__})" if error else "the log ended"


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends of the log: asked for at `at_s` of the clock, when the positions were `positions`."""

    ends: Positions
    positions: Positions
    at_s: float


async def watch(
    open_log: OpenLog,
    look: Callable[[], tuple[Mapping[Place, Partition], Positions]],
    on_ends: Callable[[Ends], None],
    log_health: HubHealth,
    every_s: float,
) -> None:
    """Ask the log for its ends every `every_s`, over a separate connection. Never returns."""
    while True:
        try:
            async with open_log() as log:
                while True:
                    places, live = look()
                    if not places:
                        await asyncio.sleep(min(every_s, _FIRST_S))
                        continue
                    positions = dict(live)
                    at_s = log_health.now_s
                    async with asyncio.timeout(_LIMIT_S):
                        found: Mapping[Any, int] = await log.ends(places.values())
                    ends = {place: found[name] for place, name in places.items()}
                    on_ends(Ends(ends, positions, at_s))
                    await asyncio.sleep(every_s)
        except Exception as error:  # whatever the log says when it is away
            log_health.unknown(error)
        await asyncio.sleep(every_s)


class PlatformHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What `status` subscribers hear with every heartbeat; times in ms since 1970.

    `topics` are the records read since the start, the last one's timestamp and how many are still
    to come (null: not known); `engines` of how many assets each has a score, how many of those are
    missing or degraded, and when the last one is of.
    """

    at: int
    connected: bool
    lag_ms: int
    clients: int
    undecoded: int
    last_error: str | None
    topics: list[Any]
    engines: dict[str, dict[str, int]]


def engines_of(scores: Iterable[EngineScore]) -> dict[str, dict[str, int]]:
    """Return of each engine: assets, how many of them are missing or degraded, the last time."""
    found: dict[str, dict[str, int]] = {}
    for score in scores:
        one = found.setdefault(
            score.engine, {"assets": 0, "missing": 0, "degraded": 0, "last_as_of": 0}
        )
        one["assets"] += 1
        one["missing"] += score.status != "ok"
        one["degraded"] += score.status == "ok" and bool(score.detail)
        one["last_as_of"] = max(one["last_as_of"], score.as_of)
    return found
