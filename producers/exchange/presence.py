"""Whether an exchange can be relied on now, by what it has answered. Pure.

The rules:

* It is away at once when it says that it does not serve this place (451, 403 for a country), and
  when it has failed for five minutes without one good answer; one that never had any, for one
  minute.
* While it is away it is looked at every minute; one that refused us, every hour.
* It is back when it has answered well for half an hour without an error in between; for twice as
  long for each further time that it went away within a day, eight hours at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from producers.http_client.errors import UpstreamError
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

AWAY_AFTER_MS, NEVER_THERE_MS = 5 * MINUTE_MS, MINUTE_MS
BACK_AFTER_MS, LONGEST_MS = 30 * MINUTE_MS, 8 * HOUR_MS
LOOK_MS, LOOK_REFUSED_MS = MINUTE_MS, HOUR_MS
_OF_ONE_MARKET = frozenset({"not_found", "bad_request"})


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of one exchange; times in ms since 1970, None: not so.

    failing_since  it has failed since then, without a good answer
    good_since     it has answered well since then, without an error
    left           when it went away, within the last day
    why            its last error
    """

    is_away: bool = False
    is_refused: bool = False
    failing_since: int | None = None
    good_since: int | None = None
    left: tuple[int, ...] = ()
    why: str = ""

    @property
    def look_ms(self) -> int:
        """How long after a look the next one is due while it is away."""
        return LOOK_REFUSED_MS if self.is_refused else LOOK_MS


def answered(before: Presence, now_ms: int) -> Presence:
    """Take in a good answer."""
    if not before.is_away:
        if before.failing_since is None and before.good_since is not None:
            return before  # the usual
        return replace(before, failing_since=None, good_since=before.good_since or now_ms)
    good_since = now_ms if before.good_since is None else before.good_since
    if now_ms - good_since >= back_after_ms(before, now_ms):
        return Presence(good_since=good_since, left=before.left)
    return replace(before, is_refused=False, failing_since=None, good_since=good_since)


def failed(before: Presence, error: Exception, now_ms: int) -> Presence:
    """Take in an error; one that is about a single market says nothing of the exchange."""
    kind = error.kind if isinstance(error, UpstreamError) else ""
    if kind in _OF_ONE_MARKET:
        return before
    since = now_ms if before.failing_since is None else before.failing_since
    is_refused = kind == "auth" or (kind == "open_circuit" and before.is_refused)
    after = replace(before, is_refused=is_refused, failing_since=since, why=str(error))
    if before.is_away:
        return replace(after, good_since=None)
    patience_ms = NEVER_THERE_MS if before.good_since is None else AWAY_AFTER_MS
    if not is_refused and now_ms - since < patience_ms:
        return after
    left = (*(at for at in before.left if now_ms - at < DAY_MS), now_ms)
    return replace(after, is_away=True, good_since=None, left=left)


def back_after_ms(presence: Presence, now_ms: int) -> int:
    """Return for how long one that is away must answer well before it counts as back."""
    times = sum(now_ms - at < DAY_MS for at in presence.left)
    return min(BACK_AFTER_MS << max(times - 1, 0), LONGEST_MS)
