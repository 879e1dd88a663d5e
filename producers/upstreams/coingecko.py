"""CoinGecko, API v3: trending searches and markets. Details: coingecko_detail.

Symbols come in lower case, every number may be null, and ids are slugs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from producers.upstreams.fields import (
    amount,
    change_pct,
    identity,
    known_amount,
    mapping,
    number,
    price,
    rank,
    symbol,
    text,
)
from producers.upstreams.rows import CoinRow, Parsed
from producers.upstreams.shapes import JsonClient, collect, list_in
from producers.upstreams.table import COINGECKO
from producers.upstreams.times import time_ms

_NAME = COINGECKO.name
_PAGE_MOST = 250
_TRENDING_FIELDS = ("item.id", "item.symbol", "item.name", "item.score", "item.market_cap_rank")
_TRADED = {"price_usd": "current_price", "volume_24h_usd": "total_volume"}
_MARKET_FIELDS = (
    *("id", "symbol", "name", "market_cap", "market_cap_rank", "price_change_percentage_24h"),
    *("circulating_supply", "max_supply", "last_updated"),
)
# Small prices were once written as $0.0<sub title="$0.0000059386">5</sub>9386.
_FULL_PRICE = re.compile(r'title="([^"]+)"')


def parse_trending(raw: Any) -> Parsed[CoinRow]:
    """Parse an answer of /search/trending, most searched first; the price is None in old forms.

    Market cap and volume are texts such as "$521,967,819". NFTs and categories are left out.
    UpstreamError "bad_answer" without a list of coins.
    """
    coins = sorted(list_in(_NAME, raw, "coins"), key=_place)
    return collect("coingecko trending coin", coins, _trending, fields=_TRENDING_FIELDS)


def _place(part: Any) -> float:
    """Return a coin's place, 0 for the most searched: its score, not its rank by market cap."""
    score = number(mapping(mapping(part).get("item")).get("score"))
    return inf if score is None else score


def _trending(raw: dict[str, Any]) -> CoinRow | str:
    item = mapping(raw.get("item"))
    row = _row(item)
    if isinstance(row, str):
        return row
    data = mapping(item.get("data"))
    return replace(
        row,
        price_usd=_trending_price(data.get("price")),
        volume_24h_usd=amount(data.get("total_volume")),
        market_cap_usd=known_amount(data.get("market_cap")),
        change_24h_pct=change_pct(mapping(data.get("price_change_percentage_24h")).get("usd")),
    )


def _trending_price(value: Any) -> float | None:
    full = _FULL_PRICE.search(value) if isinstance(value, str) else None
    return price(full[1] if full is not None else value)


def parse_markets(raw: Any) -> Parsed[CoinRow]:
    """Parse an answer of /coins/markets, requested in USD. UpstreamError "bad_answer" as above."""
    coins = list_in(_NAME, raw)
    return collect("coingecko coin", coins, _market, fields=_MARKET_FIELDS, needs=_TRADED)


def _market(raw: dict[str, Any]) -> CoinRow | str:
    row = _row(raw)
    if isinstance(row, str):
        return row
    return replace(
        row,
        price_usd=price(raw.get("current_price")),
        volume_24h_usd=amount(raw.get("total_volume")),
        market_cap_usd=known_amount(raw.get("market_cap")),
        change_24h_pct=change_pct(raw.get("price_change_percentage_24h")),
        circulating_supply=known_amount(raw.get("circulating_supply")),
        max_supply=known_amount(raw.get("max_supply")),
        priced_at=time_ms(raw.get("last_updated")),
    )


def _row(raw: dict[str, Any]) -> CoinRow | str:
    """Return a coin's row without its numbers, or what is missing."""
    slug, ticker = identity(raw.get("id")), symbol(raw.get("symbol"))
    if slug is None:
        return "has no id"
    if ticker is None:
        return f"({slug}) has no symbol"
    return CoinRow(
        source=_NAME,
        source_id=slug,
        slug=slug,
        symbol=ticker,
        name=text(raw.get("name")) or ticker,
        market_cap_rank=rank(raw.get("market_cap_rank")),
    )


async def fetch_trending(client: JsonClient) -> Parsed[CoinRow]:
    """Fetch the coins searched for most, about 15; renewed every 10 minutes."""
    return parse_trending(await client.get_json("/search/trending"))


async def fetch_markets(
    client: JsonClient,
    *,
    page: int = 1,
    per_page: int = _PAGE_MOST,
    ids: Sequence[str] = (),
) -> Parsed[CoinRow]:
    """Fetch coins by market cap, largest first, or those of the slugs.

    Pages count from 1; a page with fewer rows than `per_page` is the last; there is no total.
    """
    params = {
        "vs_currency": "usd",
        "order": "market_cap_desc",
        "per_page": str(min(per_page, _PAGE_MOST)),
        "page": str(page),
        "sparkline": "false",
    }
    if ids:
        params["ids"] = ",".join(ids)
    return parse_markets(await client.get_json("/coins/markets", params))
