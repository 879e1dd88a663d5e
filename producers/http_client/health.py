"""How an upstream does, for the status page: from what succeeded and failed, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from schemas.redact import redacted
from schemas.sources import SourceStatus
from transport.clock import Clock

LONGEST_ERROR = 400
_LATE, _GONE = 2.0, 4.0  # cadences without a success


@dataclass(frozen=True, slots=True)
class SourceCounters:
    """What is known of a source; times are ms since 1970 UTC, None: never."""

    started_ms: int
    success_ms: int | None = None
    error_ms: int | None = None
    error: str | None = None
    error_kind: str | None = None
    erring: bool = False  # what happened last was an error
    events: int = 0
    off: str | None = None
    unusable: str = ""  # answers that could not be used, until the like of them can be
    all_unusable: bool = False  # of every kind of answer
    partial: str = ""  # what is wrong with answers of which the rest is used


def state_of(
    record: SourceCounters, now_ms: int, cadence_s: float, circuit: str
) -> tuple[str, str]:
    """Return the state (one of SOURCE_STATES) and why, in a sentence; empty when all is well."""
    if record.off is not None:
        return "off", record.off
    since_ms = record.started_ms if record.success_ms is None else record.success_ms
    silence_s = max(now_ms - since_ms, 0) / 1000
    never = record.success_ms is None
    if record.erring and (never or record.error_kind == "auth"):
        return "failing", record.error or "it fails"
    if circuit == "open" or silence_s > _GONE * cadence_s:
        what = "no answer yet" if never else "no good answer"
        return "failing", f"{what} for {_span(silence_s)}: {record.error or 'it was not asked'}"
    if record.unusable:
        return "failing" if record.all_unusable else "degraded", record.unusable
    if silence_s > _LATE * cadence_s:
        return "degraded", f"late: no good answer for {_span(silence_s)}"
    if record.erring:
        return "degraded", record.error or "it fails"
    if circuit == "half_open" or record.partial:
        tried = "it failed too often and is tried once" if circuit == "half_open" else ""
        return "degraded", tried or record.partial
    return "ok", "not asked yet" if never else ""


@dataclass(frozen=True, slots=True)
class _Part:
    """What the last answer of one kind was: a coin list, one feed of several."""

    problem: str = ""
    remarks: str = ""
    is_partial: bool = False
    before: _Part | None = None  # what the last answer was, where an error came in place of one


class SourceHealth:
    """One source's health. `cadence_s`: how often it is expected to answer.

    A source may have answers of several kinds (`part`, "" for none in particular): one that cannot
    be used is not made good by one of another kind.
    """

    def __init__(
        self,
        source: str,
        feeds: tuple[str, ...],
        quota: Quota | None,
        clock: Clock,
        *,
        cadence_s: float = 600.0,
        circuit: Callable[[], str] = lambda: "closed",
    ) -> None:
        self.refresh_s: float | None = None
        self._source = source
        self._feeds = feeds
        self._quota = quota
        self._clock = clock
        self._cadence_s = cadence_s
        self._circuit = circuit
        self._note = ""
        self._parts: dict[str, _Part] = {}
        self._record = SourceCounters(clock.now_ms())

    def success(
        self, part: str = "", remarks: Sequence[str] = (), *, is_partial: bool = False
    ) -> None:
        """Note a good answer, and what a person should know of it; `is_partial`: it is degraded."""
        self.unchanged()
        if part:
            self.judge(part, remarks, is_partial=is_partial)

    def judge(self, part: str, remarks: Sequence[str] = (), *, is_partial: bool = False) -> None:
        """Note that what came of one kind could be used, and what a person should know of it."""
        self._parts[part] = _Part(remarks=_told("; ".join(remarks)), is_partial=is_partial)

    def forget(self, part: str) -> None:
        """Take back what was noted of one kind."""
        self._parts.pop(part, None)

    def unchanged(self, part: str = "") -> None:
        """Note an answer that says that nothing is new: what was wrong with the last one stays."""
        last = self._parts.get(part)
        if last is not None and last.before is not None:
            self._parts[part] = last.before
        now_ms = self._clock.now_ms()
        self._record = replace(self._record, success_ms=now_ms, erring=False, off=None)

    def published(self, events: int) -> None:
        """Count events that were published."""
        self._record = replace(self._record, events=self._record.events + events)

    def failure(self, error: Exception, part: str = "", *, is_of_answer: bool = False) -> None:
        """Note an error; secrets are taken out of its text.

        Of a part, an answer that is none ("bad_answer") stays noted until that part has a good one;
        `is_of_answer`: what it held could not be used, and asking whether it has changed tells so.
        """
        known = isinstance(error, UpstreamError)
        text = _told(str(error) if known else f"{type(error).__name__}: {error}")
        if part and isinstance(error, UpstreamError) and error.kind == "bad_answer":
            last = self._parts.get(part, _Part())
            before = None if is_of_answer else last.before or last
            self._parts[part] = _Part(problem=text, before=before)
        self._record = replace(
            self._record,
            error_ms=self._clock.now_ms(),
            error=text,
            erring=True,
            error_kind=error.kind if isinstance(error, UpstreamError) else None,
        )

    def off(self, why: str | None) -> None:
        """Mark the source as unused, and why (no key, stands by); None or a success ends it."""
        self._record = replace(self._record, off=why)

    def note(self, text: str) -> None:
        """Set the detail that is shown while all is well; empty: none."""
        self._note = text

    def status(self) -> SourceStatus:
        """Return how the source does now."""
        now_ms, record, quota = self._clock.now_ms(), self._judged(), self._quota
        circuit = self._circuit()
        state, why = state_of(record, now_ms, self._cadence_s, circuit)
        return SourceStatus(
            source=self._source,
            observed_at=now_ms,
            state=state,
            feeds=self._feeds,
            events=record.events,
            last_success_at=record.success_ms,
            last_error_at=record.error_ms,
            last_error=record.error,
            circuit=circuit,
            requests_minute=0 if quota is None else quota.used_minute(),
            limit_minute=None if quota is None else quota.limits.per_minute,
            requests_day=0 if quota is None else quota.used_day(),
            limit_day=None if quota is None else quota.limit_day,
            refresh_s=self.refresh_s,
            detail=why or "; ".join(filter(None, (self._note, self._remarks()))),
        )

    def _judged(self) -> SourceCounters:
        parts = self._parts.values()
        problems = [part.problem for part in parts if part.problem]
        partial = [part.remarks for part in parts if part.is_partial]
        return replace(
            self._record,
            unusable="; ".join(problems)[:LONGEST_ERROR],
            all_unusable=len(problems) == len(parts),
            partial="; ".join(partial)[:LONGEST_ERROR],
        )

    def _remarks(self) -> str:
        remarks = (part.remarks for part in self._parts.values() if part.remarks)
        return "; ".join(remarks)[:LONGEST_ERROR]


def _told(text: str) -> str:
    return " ".join(redacted(text).split())[:LONGEST_ERROR]


def _span(seconds: float) -> str:
    """Return a time span as text, for example "90 s" or "2.5 h"."""
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 7200.0 else f"{seconds / 3600.0:.1f} h"
