"""The producers' reports of their upstreams, as the status page shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas.sources import SourceStatus
from schemas.text import age

SILENT_MS = 180_000
"""Producers tell of each upstream once a minute; after so long they do not run."""
_MOST_NAMED = 12
_ORDER = {"failing": 0, "degraded": 1, "ok": 2, "off": 3}


class SourceReport(msgspec.Struct, frozen=True):
    """One upstream: ages in ms, None where it never happened.

    `told_age_ms` is the age of the report by the wall clock; `age_ms` how old its
    last good answer is, by theirs.
    """

    status: SourceStatus
    told_age_ms: int
    age_ms: int | None


def reports(told: Iterable[tuple[SourceStatus, int]], now_ms: int) -> tuple[SourceReport, ...]:
    """Return the latest of each source, what is worst first; `told` with when each came in."""
    latest: dict[str, tuple[SourceStatus, int]] = {}
    for status, came_ms in told:
        latest[status.source] = (status, came_ms)
    found = [_report(status, now_ms - came_ms) for status, came_ms in latest.values()]
    return tuple(
        sorted(found, key=lambda one: (_ORDER.get(one.status.state, 0), one.status.source))
    )


def _report(status: SourceStatus, told_age_ms: int) -> SourceReport:
    last_ms = status.last_success_at
    age_ms = None if last_ms is None else max(status.observed_at - last_ms, 0)
    return SourceReport(status, max(told_age_ms, 0), age_ms)


def universe(sources: Iterable[SourceReport]) -> list[str]:
    """Return why assets are in the universe, or are not though asked for; a line a reason."""
    groups: dict[str, list[str]] = {}
    for one in sources:
        for asset, why in one.status.assets.items():
            groups.setdefault(why, []).append(asset)
    return [
        f"{why}: {_named(assets) if why != 'trending' else f'{len(assets)} assets'}"
        for why, assets in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _named(assets: list[str]) -> str:
    more = f" and {len(assets) - _MOST_NAMED} more" if len(assets) > _MOST_NAMED else ""
    return ", ".join(assets[:_MOST_NAMED]) + more


def requests(status: SourceStatus) -> str:
    """Return the day's requests, of how many, for example `12 of 500`."""
    if status.limit_day is None:
        return f"{status.requests_day:,}"
    return f"{status.requests_day:,} of {status.limit_day:,}"


def source_problems(sources: Iterable[SourceReport]) -> list[str]:
    """Return what is not ok, a sentence each."""
    listed = list(sources)
    silent = [one for one in listed if one.told_age_ms > SILENT_MS]
    if listed and len(silent) == len(listed):
        ago = age(min(one.told_age_ms for one in silent))
        return [f"The producers have said nothing for {ago}: start `quantiva producers run`."]
    return [
        f"{one.status.source} is {one.status.state}: {one.status.detail or one.status.last_error}."
        for one in listed
        if one.status.state == "failing"
    ]
