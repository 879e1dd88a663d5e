"""Bybit's announcements, API v5: coins that it will list or delist, and what it lists; no key.

An announcement is a title and a sentence or two; neither coin nor date is a field of its own. The
coins are those in brackets ("Arbitrum (ARB)"), else the words in capitals behind "list" or
"delisting of". The date is the first one named that comes after the announcement, exact to the
minute only where a time with UTC stands behind it.

    delisting without any date   due within 7 days of its announcement, as most are; a deadline
    listing without a date       is no event ahead, and only counted
    of a contract, margin, a pair against another coin or currency: a quarter of the impact, for
    the coin's own market stays
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from producers.upstreams.event_rules import certainty_of, impact_of, is_cancelled
from producers.upstreams.fields import identity, items, lack_of, mapping, number, symbol, text, url
from producers.upstreams.rows import EventRow, Parsed
from producers.upstreams.shapes import JsonClient, bad_answer, collect, gone, list_in, object_in
from producers.upstreams.table import ANNOUNCEMENTS
from producers.upstreams.times import Due, time_ms
from schemas.times import DAY_MS, ms

Kind: TypeAlias = Literal["delistings", "new_crypto"]
"""Bybit's names of the two kinds."""
_NAME = ANNOUNCEMENTS.name
_PAGE = 50
_CERTAIN = 0.95  # the exchange says what it will do itself
_SIDE = 0.25
_SIDE_TAGS = ("Derivatives", "WEB3")
_MANY = 10
_NOTICE_MS = 7 * DAY_MS
_FIELDS = ("title", "description", "type", "tags", "url", "dateTimestamp")

_LISTING = re.compile(r"\b(?:new listing|list(?:s|ing)?)\b(?: of)?:?\s*(.*)", re.IGNORECASE)
_DELISTING = re.compile(r"\bde-?list\w*(?: of)?:?\s*(.*)", re.IGNORECASE)
_END = re.compile(r"\s(?:on|at|for|with|in|from)\s|\s?[\u2013\u2014:!]|\s-\s", re.IGNORECASE)
_NAMED = re.compile(r"\(\$?([A-Z0-9]{1,20})\)")
_CAPITALS = re.compile(r"(?<![\w/])(?=\d*[A-Z])([A-Z0-9]{2,20})(?:/([A-Z0-9]{2,10}))?(?!\w)")
_DOLLARS = ("USDT", "USDC", "USD")
_NO_COINS = frozenset(
    {
        *(*_DOLLARS, "EUR", "UTC", "AM", "PM", "SPOT", "MARGIN", "FUTURES", "PERPETUAL", "PERP"),
        *("TOKEN", "TOKENS", "PAIR", "PAIRS", "CONTRACT", "CONTRACTS", "TRADING", "NEW", "VIP"),
        *("AND", "THE", "ETF", "NFT", "WEB3", "BYBIT", "API", "OTC", "P2P", "EARN", "AMA", "FAQ"),
    }
)
_ENTRY = re.compile(r"blt[0-9a-f]{8,}$")  # the id of the article, at the end of its address
_OF_NO_SPOT = re.compile(
    r"perp(?:etual)?s?\b|futures?\b|options?\b|contracts?\b|margin|\bearn\b|copy trading|"
    r"leveraged token|\bloans?\b|\bbots?\b|savings|pre-?market",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_CLOCK = (
    r"(?:,?\s+(?:at\s+)?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::\d\d)?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*\(?UTC\)?(?!\s?[+\-\d]))?"
)
_DATES = tuple(
    re.compile(pattern + _CLOCK, re.IGNORECASE)
    for pattern in (
        rf"\b{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>20\d\d)",
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s{_MONTH},?\s(?P<year>20\d\d)",
        r"\b(?P<year>20\d\d)-(?P<number>\d\d)-(?P<day>\d\d)",
    )
)


def parse_announcements(raw: Any, kind: Kind) -> Parsed[EventRow]:
    """Parse an answer of /v5/announcements/index of one kind; a row each that has a date ahead.

    UpstreamError "bad_answer" where it is an error or has no list, and where none of ten
    announcements of new coins is worded as a listing.
    """
    parts = _parts(raw)
    about = [part for part in parts if _is_about(part, kind)]
    if kind == "new_crypto" and len(parts) >= _MANY and not about:
        raise bad_answer(_NAME, raw, f"none of {len(parts)} announcements is worded as a listing")
    dated = [part for part in about if not _is_undated(part, kind)]
    parsed = collect("announcement", dated, lambda part: _event(part, kind))
    undated = len(about) - len(dated)
    notes = (f"{undated:,} of {len(about):,} {kind} name no date ahead",) if undated else ()
    faults = gone("announcement", parts, _FIELDS)
    return Parsed(parsed.rows, parsed.skipped, faults=faults, notes=notes)


def _parts(raw: Any) -> list[Any]:
    code = number(mapping(raw).get("retCode"))
    if code:
        raise bad_answer(_NAME, raw, f"the answer is error {code:g}")
    return list_in(_NAME, object_in(_NAME, raw, "result"), "list")


def _is_about(part: Any, kind: Kind) -> bool:
    """Whether it is what was asked for. What cannot be read is: it shall be told."""
    raw = mapping(part)
    key, title = text(mapping(raw.get("type")).get("key")), text(raw.get("title"))
    if key is not None and key != kind:
        return False
    return kind == "delistings" or title is None or _LISTING.search(title) is not None


def _is_undated(part: Any, kind: Kind) -> bool:
    raw = mapping(part)
    return text(raw.get("title")) is not None and _due(raw, kind) is None


def _event(raw: dict[str, Any], kind: Kind) -> EventRow | str:
    title, when = text(raw.get("title")), _due(raw, kind)
    address = url(raw.get("url"))
    slug = address.rstrip("/").rpartition("/")[2]
    entry = _ENTRY.search(slug)
    source_id = identity(slug if entry is None else entry[0])
    if title is None or when is None:
        return lack_of("title", raw.get("title"))
    if source_id is None:
        return "has no address"
    coins, is_side = _coins(title, kind)
    if not coins:
        return f"({source_id}) names no coin"
    tags = {tag for tag in items(raw.get("tags")) if isinstance(tag, str)}
    is_side = is_side or _OF_NO_SPOT.search(title) is not None
    is_side = is_side or ("Spot" not in tags and not tags.isdisjoint(_SIDE_TAGS))
    category = "delisting" if kind == "delistings" else "listing"
    return EventRow(
        source=_NAME,
        source_id=source_id,
        title=title,
        coins=tuple(("", coin) for coin in coins),
        category=category,
        starts_at=when.starts_at,
        precision=when.precision,
        deadline=when.deadline,
        impact=impact_of(category) * (_SIDE if is_side else 1.0),
        certainty=certainty_of(when, content=_CERTAIN),
        url=address,
        published_at=_published_at(raw),
        cancelled=is_cancelled(title),
    )


def _published_at(raw: dict[str, Any]) -> int | None:
    return time_ms(raw.get("publishTime")) or time_ms(raw.get("dateTimestamp"))


def _coins(title: str, kind: Kind) -> tuple[tuple[str, ...], bool]:
    """Return the tickers that a title names, and whether only pairs against other coins."""
    match = (_DELISTING if kind == "delistings" else _LISTING).search(title)
    subject = title if match is None else match[1]
    named = _NAMED.findall(subject)
    if named:
        return _symbols(named), False
    if title.isupper():  # all words are in capitals
        return (), False
    pairs = _CAPITALS.findall(_END.split(subject, maxsplit=1)[0])
    quotes = [quote for _, quote in pairs if quote]
    others = bool(quotes) and not any(quote in _DOLLARS for quote in quotes)
    return _symbols(base for base, _ in pairs), others


def _symbols(found: Iterable[str]) -> tuple[str, ...]:
    symbols = (symbol(one) for one in found if one not in _NO_COINS)
    return tuple(dict.fromkeys(one for one in symbols if one is not None))


def _due(raw: dict[str, Any], kind: Kind) -> Due | None:
    """Return when it takes place; None where that is past, or a listing names no date."""
    published_at = _published_at(raw) or 0
    said = " ".join(filter(None, (text(raw.get("title")), text(raw.get("description")))))
    dates = [due for pattern in _DATES for match in pattern.finditer(said) if (due := _date(match))]
    ahead = [due for due in dates if due.starts_at > published_at]
    if ahead:
        return min(ahead)
    if kind != "delistings" or dates or not published_at:
        return None
    return Due(published_at + _NOTICE_MS, "month", deadline=True)


def _date(match: re.Match[str]) -> Due | None:
    said = match.groupdict()
    named = said.get("month")
    month = _MONTHS.index(named.lower()) + 1 if named else int(said["number"])
    try:
        day_ms = ms(datetime(int(said["year"]), month, int(said["day"]), tzinfo=UTC))
    except ValueError:
        return None
    hour, half = said["hour"], (said["half"] or "").lower()[:1]
    if hour is None or int(hour) > (12 if half else 23):
        return Due(day_ms + DAY_MS - 1, "day")
    hours = int(hour) % 12 + (12 if half == "p" else 0) if half else int(hour)
    minute = int(said["minute"] or 0)
    if minute > 59:
        return Due(day_ms + DAY_MS - 1, "day")
    return Due(day_ms + (hours * 60 + minute) * 60_000, "minute")


class SpotMarket(NamedTuple):
    """A market of the exchange: the coin that is traded, in capitals, and whether it is now."""

    coin: str
    is_open: bool


def parse_markets(raw: Any) -> Parsed[SpotMarket]:
    """Parse an answer of /v5/market/instruments-info. UpstreamError "bad_answer" as above."""
    return collect("market", _parts(raw), _market, fields=("symbol", "baseCoin", "status"))


def _market(raw: dict[str, Any]) -> SpotMarket | str:
    coin = symbol(raw.get("baseCoin"))
    return "has no baseCoin" if coin is None else SpotMarket(coin, raw.get("status") == "Trading")


async def fetch_announcements(client: JsonClient, kind: Kind) -> Parsed[EventRow]:
    """Fetch the newest announcements of a kind, as many as one page holds."""
    params = {"locale": "en-US", "type": kind, "page": "1", "limit": str(_PAGE)}
    return parse_announcements(await client.get_json("/v5/announcements/index", params), kind)


async def fetch_markets(client: JsonClient) -> Parsed[SpotMarket]:
    """Fetch the exchange's spot markets: what its announcements can be about."""
    answer = await client.get_json("/v5/market/instruments-info", {"category": "spot"})
    return parse_markets(answer)
