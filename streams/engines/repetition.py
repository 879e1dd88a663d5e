"""How an article is known when it comes again. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.scores import NewsScore
from schemas.times import MINUTE_MS

_DIGEST_BYTES, _TIME_BYTES = 6, 4  # of 256 articles one in 10^11 is mistaken for another
ENTRY_BYTES = 2 * _DIGEST_BYTES + _TIME_BYTES
_NO_URL = bytes(_DIGEST_BYTES)
_MOST_MINUTE: int = 256**_TIME_BYTES - 1


def told_at(news: NewsScore) -> int:
    """Return since when a headline counts, ms: published, or seen where that is not known.

    A time after the article was seen is no time: such a headline would never age.
    """
    published_at = news.published_at
    if published_at is None or not 0 < published_at <= news.observed_at:
        return news.observed_at
    return published_at


def entry(news: NewsScore) -> bytes:
    """Return what a repetition is known by, in ENTRY_BYTES: headline, url, minute published."""
    published_at = min(news.published_at or news.event_time, news.observed_at)
    minute = min(max(0, published_at) // MINUTE_MS, _MOST_MINUTE)
    url = _digest(news.url_id) if news.url_id else _NO_URL
    published = minute.to_bytes(_TIME_BYTES, "big")
    return _digest(news.headline_id) + url + published


def _digest(text: str) -> bytes:
    """Return a hash of the contract as bytes; whatever else stands there gives some, too."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = text.encode("utf-8", "replace")
    return digest[:_DIGEST_BYTES].ljust(_DIGEST_BYTES, b"\1")


def repeats(entries: bytes, new: bytes, within_ms: float) -> bool:
    """Return whether `new` repeats one of the entries concatenated in `entries`.

    It does if headline or url are the same, unless it was published `within_ms` or more after that
    one. So an old article that is fetched again stays the old one, however late.
    """
    since = minute_of(new) - within_ms / MINUTE_MS
    return any(
        minute_of(entries, at) > since
        for place in (0, _DIGEST_BYTES)
        for at in _entries_with(entries, new[place : place + _DIGEST_BYTES], place)
    )


def minute_of(entries: bytes, at: int = 0) -> int:
    """Return when the article of the entry at a place was published, in minutes since 1970."""
    return int.from_bytes(entries[at + 2 * _DIGEST_BYTES : at + ENTRY_BYTES], "big")


def known_by(one: bytes) -> tuple[bytes, ...]:
    """Return the headline's and, where there is one, the url's part of an entry."""
    headline, url = one[:_DIGEST_BYTES], one[_DIGEST_BYTES : 2 * _DIGEST_BYTES]
    return (b"h" + headline,) if url == _NO_URL else (b"h" + headline, b"u" + url)


def _entries_with(entries: bytes, digest: bytes, place: int) -> Iterator[int]:
    """Yield where the entries begin that have this digest at this place."""
    at = -1 if digest == _NO_URL else entries.find(digest)
    while at >= 0:
        if at % ENTRY_BYTES == place:
            yield at - place
        at = entries.find(digest, at + 1)
