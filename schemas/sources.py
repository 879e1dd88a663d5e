"""How the producers' upstreams do.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

SOURCE_STATES = ("ok", "degraded", "failing", "off")
CIRCUITS = ("closed", "open", "half_open")


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
