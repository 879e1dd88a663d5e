"""Scripted faults: what goes wrong at which upstream, when, and how often.

A fault selects requests: every n-th, from a time to a time, at most so often, only
those whose path has a part in it. The first that matches wins. Times are the simulated clock's.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias, get_args

import msgspec

from simulator.request_log import RequestLog
from transport.clock import Clock

HttpKind: TypeAlias = Literal[
    "status", "limit", "silence", "html", "half_body", "broken_json", "reset", "unplugged", "stale"
]
SocketKind: TypeAlias = Literal["ws_dies", "ws_skips", "ws_silent", "ws_refuses"]
Kind: TypeAlias = HttpKind | SocketKind

HTTP_KINDS: tuple[str, ...] = get_args(HttpKind)
SOCKET_KINDS: tuple[str, ...] = get_args(SocketKind)


class FaultError(ValueError):
    """A fault that cannot be; the text names the field and what it may be."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scripted fault.

    upstream       name of the stand-in, for example lunarcrush; * for all
    kind           status: answers `status` in the vendor's shape; limit: 429 with Retry-After;
                   silence: no answer; html: HTML with `status`; half_body: the connection breaks
                   in the middle of the body; broken_json: the body ends early; reset, unplugged:
                   the connection is reset; stale: the first answer again and again;
                   ws_dies, ws_skips (an id), ws_silent, ws_refuses: for websockets
    status         of status (default 500) and html (default 502)
    code           the vendor's error code with it (status, limit), for example insufficient_quota;
                   then the answer is in the vendor's own form also where its proxy would answer
    retry_after_s  seconds in Retry-After (limit: 60 by default); 0 sends none
    http_date      send Retry-After as an HTTP date
    every          every n-th matching request
    times          how often at most; None for no end
    from_ms, until_ms  clock times, ms; None for no bound
    path           only requests whose path has this in it
    """

    upstream: str
    kind: Kind
    status: int | None = None
    code: str | None = None
    retry_after_s: float | None = None
    http_date: bool = False
    every: int = 1
    times: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    path: str = ""

    def __post_init__(self) -> None:
        if self.every < 1:
            msg = f"every {self.every} must be 1 or more"
            raise FaultError(msg)
        if self.status is not None and not 200 <= self.status <= 599:
            msg = f"status {self.status} must be from 200 to 599"
            raise FaultError(msg)

    def covers(self, upstream: str, path: str, now_ms: int) -> bool:
        """Whether upstream, path and time are this fault's."""
        return (
            self.upstream in ("*", upstream)
            and self.path in path
            and (self.from_ms is None or self.from_ms <= now_ms)
            and (self.until_ms is None or now_ms < self.until_ms)
        )


class Faults:
    """The script of one simulator, and its log of requests."""

    def __init__(self, clock: Clock, requests: RequestLog | None = None) -> None:
        """Without `requests` a new log is begun, with the documented limits."""
        self._clock = clock
        self.requests = RequestLog(clock) if requests is None else requests
        self._script: dict[int, Fault] = {}
        self._matched: Counter[int] = Counter()
        self._done: Counter[int] = Counter()
        self._number = 0

    def add(self, fault: Fault) -> int:
        """Add a fault at the end of the script and return its number."""
        self._number += 1
        self._script[self._number] = fault
        return self._number

    def unplug(self, upstream: str) -> int:
        """Reset every connection to an upstream, until the fault is removed."""
        return self.add(Fault(upstream=upstream, kind="unplugged"))

    def unplugged(self, upstream: str) -> bool:
        """Whether an upstream is unplugged now, for connections that are open; counts nothing."""
        now_ms = self._clock.now_ms()
        return any(
            fault.kind == "unplugged" and fault.covers(upstream, "", now_ms)
            for fault in self._script.values()
        )

    def remove(self, number: int) -> None:
        """Remove a fault by its number; nothing happens when it is gone."""
        self._script.pop(number, None)

    def clear(self, upstream: str | None = None) -> None:
        """Remove the faults of an upstream; without one, all."""
        self._script = {
            number: fault
            for number, fault in self._script.items()
            if upstream is not None and fault.upstream != upstream
        }

    def script(self) -> dict[int, tuple[Fault, int]]:
        """Return the faults by number, each with how often it has struck."""
        return {number: (fault, self._done[number]) for number, fault in self._script.items()}

    def pick(
        self, upstream: str, path: str = "", kinds: tuple[str, ...] = HTTP_KINDS
    ) -> Fault | None:
        """Count a request (or, with `SOCKET_KINDS`, a frame) and return the fault it meets."""
        now_ms = self._clock.now_ms()
        for number, fault in self._script.items():
            if fault.kind not in kinds or not fault.covers(upstream, path, now_ms):
                continue
            if fault.times is not None and self._done[number] >= fault.times:
                continue
            self._matched[number] += 1
            if self._matched[number] % fault.every == 0:
                self._done[number] += 1
                return fault
        return None
