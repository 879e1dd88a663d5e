"""How the producers' upstreams do.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

SOURCE_STATES = ("ok", "degraded", "failing", "off")
CIRCUITS = ("closed", "open", "half_open")
UNIVERSE = "universe"
"""The source whose `assets` are what the producers follow, and why."""
UNKNOWN = "no coin list and no exchange knows it"
"""In the reason of an asset that nobody knows, or has not been asked about yet."""


class SourceStatus(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The state of one upstream: age, rate, quota and last error. The latest of a source counts."""

    source: str
    observed_at: int
    state: str
    feeds: tuple[str, ...]
    events: int
    last_success_at: int | None = None
    last_error_at: int | None = None
    last_error: str | None = None
    circuit: str
    requests_minute: int
    limit_minute: int | None = None
    requests_day: int
    limit_day: int | None = None
    refresh_s: float | None = None
    detail: str
    assets: dict[str, str] = {}
    unknown: tuple[str, ...] = ()


def is_known(universe: SourceStatus, asset: str) -> bool | None:
    """Return whether a coin list or an exchange has an asset; None: nobody has been asked yet."""
    if asset in universe.unknown:
        return False
    reason = universe.assets.get(asset)
    return None if reason is None or UNKNOWN in reason else True
