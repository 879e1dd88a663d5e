"""The fear and greed index of alternative.me: one number a day for the whole market, without a key.

0 is extreme fear, 100 extreme greed; 50 is neutral. Numbers and times are text, times in s.
"""

from __future__ import annotations

from typing import Any

from producers.upstreams.fields import mapping, share_pct, text
from producers.upstreams.rows import MoodRow, Parsed
from producers.upstreams.shapes import JsonClient, bad_answer, collect, list_in
from producers.upstreams.table import FEARGREED
from producers.upstreams.times import time_ms

_NAME = FEARGREED.name
_FIELDS = ("value", "value_classification", "timestamp")


def parse_index(raw: Any) -> Parsed[MoodRow]:
    """Parse an answer of /fng/, a row a day. UpstreamError "bad_answer" without any day."""
    said = text(mapping(mapping(raw).get("metadata")).get("error"))
    days = list_in(_NAME, raw, "data")
    if said is not None or not days:
        raise bad_answer(_NAME, raw, f"the answer has no day{f': {said}' if said else ''}")
    return collect("feargreed day", days, _day, fields=_FIELDS)


def _day(raw: dict[str, Any]) -> MoodRow | str:
    value, since = share_pct(raw.get("value")), time_ms(raw.get("timestamp"))
    if value is None or since is None:
        return f"has no {'value from 0 to 100' if value is None else 'timestamp'}"
    return MoodRow(source=_NAME, value=value, since=since)


async def fetch_index(client: JsonClient) -> Parsed[MoodRow]:
    """Fetch the index of today and of the day before."""
    return parse_index(await client.get_json("/fng/", {"limit": "2"}))
