"""Requests counted: by upstream, simulated minute and day, and broken limits."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from producers.http_client.upstream import Limits
from producers.upstreams.table import UPSTREAMS
from schemas.times import DAY_MS, MINUTE_MS
from transport.clock import Clock

LATE_S = 0.1
"""Wall seconds that a request may be late: at 600x it then comes a minute after it was sent, and
so many more are let through in a minute or a day before a limit counts as broken."""
_DAYS_KEPT = 40
_LOG_KEPT = 300
_VIOLATIONS_KEPT = 50

DOCUMENTED: dict[str, Limits] = {
    **{upstream.name: upstream.limits for upstream in UPSTREAMS},
    "chat": Limits(per_minute=500),
}


@dataclass(frozen=True, slots=True)
class Use:
    """What of the limits has been used, this request included, and until when it counts.

    violation  a sentence when a limit is broken by this request, else None
    """

    limits: Limits
    minute: int
    day: int
    month: int
    minute_ends_ms: int
    day_ends_ms: int
    violation: str | None


@dataclass(slots=True)
class _Account:
    total: int = 0
    minute: int = -1
    in_minute: int = 0
    minute_max: int = 0
    by_day: Counter[str] = field(default_factory=Counter)
    by_month: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    violations: int = 0


class RequestLog:
    """Counts every request, in windows of the clock: its minutes, UTC days, calendar months."""

    def __init__(
        self, clock: Clock, limits: Mapping[str, Limits] | None = None, speed: float = 1.0
    ) -> None:
        """`limits` by upstream replace the documented ones; `speed` of the clock."""
        self._clock = clock
        self._limits = {**DOCUMENTED, **(limits or {})}
        self._late_min = LATE_S * speed / 60.0
        self._accounts: dict[str, _Account] = {}
        self._log: deque[dict[str, Any]] = deque(maxlen=_LOG_KEPT)
        self._violations: deque[dict[str, Any]] = deque(maxlen=_VIOLATIONS_KEPT)

    def limits(self, upstream: str) -> Limits:
        """Return what an upstream allows."""
        return self._limits.get(upstream, Limits())

    def count(self, upstream: str, limits: Limits | None = None) -> Use:
        """Count a request; `limits` where they depend on the key. A broken limit is recorded."""
        now_ms = self._clock.now_ms()
        limits = self.limits(upstream) if limits is None else limits
        account = self._accounts.setdefault(upstream, _Account())
        minute, day = now_ms // MINUTE_MS, _date(now_ms)
        if minute != account.minute:
            account.minute, account.in_minute = minute, 0
        account.total += 1
        account.in_minute += 1
        account.minute_max = max(account.minute_max, account.in_minute)
        account.by_day[day] += 1
        account.by_month[day[:7]] += 1
        _drop_oldest(account.by_day, _DAYS_KEPT)
        _drop_oldest(account.by_month, _DAYS_KEPT)
        used = account.in_minute, account.by_day[day], account.by_month[day[:7]]
        broken = self._broken(upstream, limits, used)
        if broken is not None:
            self.violation(upstream, broken)
        minute_ends, day_ends = (minute + 1) * MINUTE_MS, (now_ms // DAY_MS + 1) * DAY_MS
        return Use(limits, *used, minute_ends, day_ends, broken)

    def _broken(self, upstream: str, limits: Limits, used: tuple[int, int, int]) -> str | None:
        allowed = (limits.per_minute, limits.per_day, limits.per_month)
        late = int(self._late_min * (limits.per_minute or 0))
        for count, most, window in zip(used, allowed, ("minute", "day", "month"), strict=True):
            if most is not None and count > most + late:
                return f"{upstream}: {count} requests in a {window}, {most} are allowed"
        return None

    def violation(self, upstream: str, text: str) -> None:
        """Record that a client broke a rule of an upstream; `text` is a sentence."""
        self._accounts.setdefault(upstream, _Account()).violations += 1
        self._violations.append(
            {"at_ms": self._clock.now_ms(), "upstream": upstream, "violation": text}
        )

    def done(
        self, upstream: str, method: str, path: str, status: int | str, fault: str | None = None
    ) -> None:
        """Log an answered request: `status` is a number, or a word when there was no answer."""
        account = self._accounts.setdefault(upstream, _Account())
        account.by_status[str(status)] += 1
        account.by_path[path] += 1
        _drop_oldest(account.by_path, _LOG_KEPT)
        self._log.append(
            {
                "at_ms": self._clock.now_ms(),
                "upstream": upstream,
                "method": method,
                "path": path,
                "status": status,
                "fault": fault,
            }
        )

    def violations(self) -> int:
        """Return how many limits have been broken so far, at all upstreams."""
        return sum(account.violations for account in self._accounts.values())

    def report(self) -> dict[str, Any]:
        """Return counts by upstream, the last violations and the last requests, as plain data."""
        return {
            "now_ms": self._clock.now_ms(),
            "upstreams": {name: self._line(name) for name in sorted(self._accounts)},
            "violations": list(self._violations),
            "last": list(self._log),
        }

    def _line(self, name: str) -> dict[str, Any]:
        account, limits = self._accounts[name], self.limits(name)
        return {
            "requests": account.total,
            "minute_max": account.minute_max,
            "by_day": dict(account.by_day),
            "by_status": dict(account.by_status),
            "by_path": dict(account.by_path.most_common(20)),
            "violations": account.violations,
            "limit_minute": limits.per_minute,
            "limit_day": limits.per_day,
            "limit_month": limits.per_month,
        }


def _date(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000.0, UTC).strftime("%Y-%m-%d")


def _drop_oldest(counts: Counter[str], kept: int) -> None:
    while len(counts) > kept:
        del counts[next(iter(counts))]
