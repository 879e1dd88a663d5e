"""Coin Metrics, community API v4: what happened on the chains, day by day, without a key.

A row is one UTC day of one asset, its numbers are text. A day comes some hours after its end, and
not all of its metrics at once; a metric that an asset does not have is null or left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from producers.upstreams.fields import amount, known_amount, mapping, symbol
from producers.upstreams.rows import ChainRow, Parsed
from producers.upstreams.shapes import JsonClient, collect, list_in
from producers.upstreams.table import COINMETRICS
from producers.upstreams.times import time_ms
from schemas.times import DAY_MS

MOST_ASSETS = 100
"""Assets of one request: its address must not become too long."""
_NAME = COINMETRICS.name
_DAYS = 4  # a metric that has not come for longer is none of today's
_METRICS = {
    "TxCnt": "transactions_24h",
    "AdrActCnt": "active_addresses_24h",
    "HashRate": "hash_rate",
}
_FIELDS = ("asset", "time", "TxCnt", "AdrActCnt")  # most assets have no hash rate
_HASHES_S = {
    **dict.fromkeys(("BTC", "BCH", "BSV", "LTC", "ETC"), 1e12),
    **dict.fromkeys(("DASH", "BTG", "VTC", "ZEC"), 1e9),
}
"""Hashes a second of their unit, which differs by asset. Without a documented unit a hash rate is
left out."""


class _Day(NamedTuple):
    symbol: str
    ended_at: int
    values: dict[str, float]


def parse_metrics(raw: Any) -> Parsed[ChainRow]:
    """Parse an answer of /timeseries/asset-metrics with daily metrics; a row an asset.

    UpstreamError "bad_answer" without a list.
    """
    days = list_in(_NAME, raw, "data")
    parsed = collect("coinmetrics day", days, _day, fields=_FIELDS)
    newest: dict[str, dict[str, tuple[int, float]]] = {}
    for day in parsed.rows:
        known = newest.setdefault(day.symbol, {})
        for name, value in day.values.items():
            known[name] = max(known.get(name, (0, 0.0)), (day.ended_at, value))
    rows = tuple(_chain(asset, known) for asset, known in newest.items() if known)
    more = "the answer has another page, which is not read"
    notes = (more,) if mapping(raw).get("next_page_token") else ()
    return Parsed(rows, parsed.skipped, faults=parsed.faults, notes=notes)


def _day(raw: dict[str, Any]) -> _Day | str:
    asset, begun_at = symbol(raw.get("asset")), time_ms(raw.get("time"))
    if asset is None or begun_at is None:
        return f"has no {'asset' if asset is None else 'time'}"
    if begun_at % DAY_MS:
        return f"({asset}) begins within a day"
    values: dict[str, float] = {}
    for metric, name in _METRICS.items():
        said = raw.get(metric)
        if said is not None and amount(said) is None:
            return f"({asset}) has a {metric} that is no amount"
        value = known_amount(said)
        if value is not None and name == "hash_rate":
            value = known_amount(value * _HASHES_S.get(asset, 0.0))
        if value is not None:
            values[name] = value
    return _Day(asset, begun_at + DAY_MS, values)


def _chain(asset: str, known: dict[str, tuple[int, float]]) -> ChainRow:
    return ChainRow(
        source=_NAME,
        symbol=asset,
        values={name: value for name, (_, value) in known.items()},
        measured_at={name: at_ms for name, (at_ms, _) in known.items()},
    )


async def fetch_metrics(client: JsonClient, assets: Sequence[str], now_ms: int) -> Parsed[ChainRow]:
    """Fetch the last days of at most `MOST_ASSETS` assets; those that it does not have are none."""
    names = [asset.lower() for asset in assets if asset.isascii() and asset.isalnum()]
    if not names:
        return Parsed()
    since = datetime.fromtimestamp((now_ms - _DAYS * DAY_MS) / 1000.0, UTC)
    params = {
        "assets": ",".join(names),
        "metrics": ",".join(_METRICS),
        "frequency": "1d",
        "start_time": since.strftime("%Y-%m-%d"),
        "page_size": "1000",
        "ignore_unsupported_errors": "true",
        "ignore_forbidden_errors": "true",
    }
    parsed = parse_metrics(await client.get_json("/timeseries/asset-metrics", params))
    if parsed.rows or parsed.skipped:
        return parsed
    return replace(parsed, faults=(f"nothing about any of the {len(names)} assets asked for",))
