"""Single values out of decoded JSON, whatever type they come in.

Each function returns the value in its range, or None (text: an empty one where said so) for a null,
an odd type and anything out of range. None of them raises.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from w3lib.html import remove_comments, remove_tags, remove_tags_with_content
from w3lib.url import url_query_cleaner

from marketdata.assets.clean_text import UNREADABLE, clean_text
from schemas.names import in_capitals, is_symbol, short_id
from schemas.validation import LEAST_PRICE, MOST_AMOUNT, MOST_PRICE

HEADLINE_MOST, SUMMARY_MOST = 500, 2_000
"""Characters kept of a text: some feeds put the whole article into its summary."""
_INT_MOST = 2**31 - 1  # ranks are ints of 32 bits in the schemas
_URL_MOST = 2_000
_NUMBER = re.compile(r"([-+]?)\$?([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?)\s*%?", re.IGNORECASE)
_TAG_LIKE = re.compile(r"<(?![a-zA-Z/!])")
_BLOCK_TAG = re.compile(
    r"<(?:br|hr|/?(?:p|div|li|ul|ol|h[1-6]|t[rdh]|table|blockquote|figure|figcaption))\b[^>]*>",
    re.IGNORECASE,
)
# Control characters, and those that change the direction of what follows.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff]")
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_TRACKING = re.compile(r"(?:utm_.*|fbclid|gclid|mc_cid|mc_eid|igshid)", re.IGNORECASE)
_LABELS = {"positive": "positive", "neutral": "neutral", "negative": "negative"}


def mapping(value: Any) -> dict[str, Any]:
    """Return an object's fields; those of anything else: none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list's items; those of anything else: none."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """Return a finite number, also of text such as "0.00078", "$31,701,707" or "-3.2%"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip().replace(",", ""))
        value = match[1] + match[2] if match else None
    if not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def amount(value: Any) -> float | None:
    """Return a size, volume, supply or count of 0 or more."""
    found = number(value)
    return found if found is not None and 0.0 <= found < MOST_AMOUNT else None


def known_amount(value: Any) -> float | None:
    """Return an amount above 0: in some fields upstreams give 0 for unknown."""
    return amount(value) or None


def price(value: Any) -> float | None:
    """Return a price that a market can have."""
    found = number(value)
    return found if found is not None and LEAST_PRICE <= found < MOST_PRICE else None


def change_pct(value: Any) -> float | None:
    """Return a change in percent."""
    found = number(value)
    return found if found is not None and abs(found) < MOST_AMOUNT else None


def share_pct(value: Any) -> float | None:
    """Return a share of 0 to 100."""
    found = number(value)
    return found if found is not None and 0.0 <= found <= 100.0 else None


def rank(value: Any) -> int | None:
    """Return a rank: a whole number of 1 or more."""
    found = number(value)
    whole = found is not None and found.is_integer() and 1 <= found <= _INT_MOST
    return int(found) if whole and found is not None else None


def pages(value: Any) -> int:
    """Return a number of pages, 1 where none is given."""
    return rank(value) or 1


def text(value: Any, most: int = HEADLINE_MOST) -> str | None:
    """Return text for people: no tags, entities or control characters; None where none is left.

    None also where a part could not be decoded. More than `most` characters are cut at a word.
    """
    if not isinstance(value, str):
        return None
    plain = _plain(value)
    if UNREADABLE in plain:
        return None
    if len(plain) > most:
        plain = plain[: most - 1].rpartition(" ")[0].rstrip() or plain[: most - 1]
        plain += "\u2026"
    return plain or None


def lack_of(name: str, value: Any) -> str:
    """Return why `text` has nothing of a value, for example "has no title"."""
    is_unreadable = isinstance(value, str) and UNREADABLE in _plain(value)
    return f"has a {name} that cannot be decoded" if is_unreadable else f"has no {name}"


def _plain(value: str) -> str:
    value = value.encode("utf-8", "ignore").decode("utf-8")  # half a surrogate pair is no text
    if "<" in value:
        value = _TAG_LIKE.sub("&lt;", value)
        value = remove_tags_with_content(remove_comments(value), ("script", "style"))
        value = remove_tags(_BLOCK_TAG.sub(" ", value))
    return clean_text(_UNPRINTABLE.sub("", value))


def identity(value: Any) -> str | None:
    """Return an id, a number or text, as text; a long one ends in its digest (`short_id`)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 2**63 else None
    return short_id(_plain(value)) or None if isinstance(value, str) else None


def symbol(value: Any) -> str | None:
    """Return a coin's ticker symbol in capitals, without a leading $."""
    found = in_capitals(_plain(value)) if isinstance(value, str) else ""
    return found if is_symbol(found) else None


def symbols(value: Any) -> tuple[str, ...]:
    """Return the ticker symbols of a list, each once, in its order; others are left out."""
    found = (symbol(item) for item in items(value))
    return tuple(dict.fromkeys(item for item in found if item is not None))


def words(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, each once, in its order."""
    found = (text(item, 100) for item in items(value))
    return tuple(dict.fromkeys(item for item in found if item is not None))


def url(value: Any) -> str:
    """Return an http(s) address without tracking parameters and fragment; empty where none."""
    if not isinstance(value, str):
        return ""
    found = value.strip().encode("utf-8", "ignore").decode("utf-8")
    if len(found) > _URL_MOST or not _URL.fullmatch(found) or _UNPRINTABLE.search(found):
        return ""
    query = found.partition("#")[0].partition("?")[2]
    names = [part.partition("=")[0] for part in query.split("&")]
    tracking = [name for name in names if _TRACKING.fullmatch(name)]
    return url_query_cleaner(found, tracking, remove=True, unique=False)


def host(address: str) -> str:
    """Return the host of an address without `www.`; empty where there is none."""
    return re.sub(r"^https?://(?:www\.)?|[/?#:].*$", "", address.strip().lower())


def label(value: Any) -> str | None:
    """Return a sentiment label in the form that the sentiment engine knows, in any case."""
    return _LABELS.get(value.strip().lower()) if isinstance(value, str) else None
