"""RSS and Atom feeds of publishers: what people without any key get."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import feedparser  # type: ignore[import-untyped]
import msgspec

from producers.http_client.errors import UpstreamError
from producers.upstreams.fields import SUMMARY_MOST, host, lack_of, mapping, text, url, words
from producers.upstreams.rows import NewsRow, Parsed
from producers.upstreams.shapes import TextClient, collect
from producers.upstreams.table import RSS
from producers.upstreams.times import time_ms
from schemas.names import short_id

_NAME = RSS.name
_GUID_MOST = 100_000  # two long ones that begin alike are two
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"
_TIMES = ("published", "updated", "created")
_PUBLISHER_ENDS = re.compile(r"\s*(?::| [-|\u2013\u2014\u00bb] |\.com\b).*$")

_ENTITY = re.compile(r"<!ENTITY[^>]*>")  # no feed needs its own; a few can make gigabytes
_END = re.compile(r"</(?:rss|feed|rdf:RDF)\s*>\s*$", re.IGNORECASE)
_ARTICLE_END = re.compile(r"</(?:item|entry)\s*>", re.IGNORECASE)


class RssFeed(msgspec.Struct, frozen=True, gc=False):
    """A fetched feed: its articles, and what to send along the next time.

    Not modified: no articles, the same two texts.
    """

    parsed: Parsed[NewsRow]
    etag: str | None = None
    last_modified: str | None = None
    not_modified: bool = False


def parse_feed(document: str, feed_url: str) -> Parsed[NewsRow]:
    """Parse a feed, newest first as it comes; `feed_url` says whose ids these are.

    Relative addresses count from xml:base, else from the channel's link, else from `feed_url`.
    A feed that breaks off gives the articles that are whole, and a sentence. UpstreamError
    "bad_answer" for what is no feed, such as a page.
    """
    feed = _read(document)
    if "xml:base" in document:  # which may be relative itself
        feed = _read(document, _base(feed, feed_url))
    entries = feed.get("entries") or []
    if not feed.get("version") and not entries:
        raise UpstreamError(_NAME, "bad_answer", f"what {host(feed_url)} sends is no feed")
    breaks_off = bool(feed.get("bozo")) and _END.search(document) is None
    if breaks_off:
        entries = entries[: len(_ARTICLE_END.findall(document))]
    publisher = _publisher(feed, feed_url)
    base = _base(feed, feed_url)

    def article(entry: dict[str, Any]) -> NewsRow | str:
        return _article(entry, publisher, feed_url, base)

    parsed = collect(f"article of {host(feed_url)}", entries, article, times=_TIMES)
    if breaks_off:
        sentence = f"the feed of {host(feed_url)} breaks off after {len(entries)} articles"
        return msgspec.structs.replace(parsed, faults=(sentence,))
    return parsed


def _read(document: str, base: str | None = None) -> dict[str, Any]:
    headers = {"content-type": "application/xml; charset=utf-8"}
    if base is not None:
        headers["content-location"] = base
    # Never the text itself: one that is an address or a file's name would be opened. The header
    # says UTF-8, whatever encoding the document claims to have had before it was decoded.
    return mapping(
        feedparser.parse(
            io.BytesIO(_ENTITY.sub("", document).encode("utf-8", "ignore")),
            response_headers=headers,
            sanitize_html=False,  # no HTML is left in any text here
            resolve_relative_uris=False,
        )
    )


def _base(feed: dict[str, Any], feed_url: str) -> str:
    return _absolute(feed_url, mapping(feed.get("feed")).get("link")) or feed_url


def _absolute(base: str, address: Any) -> str:
    """Return an address as an absolute one without tracking; empty where it is none."""
    try:
        return url(urljoin(base, address)) if isinstance(address, str) and address else ""
    except ValueError:
        return ""


def _link(entry: dict[str, Any], base: str) -> str:
    """Return an article's address; a guid stands in for it only if it looks like one."""
    link = entry.get("link")
    is_name = bool(entry.get("guidislink")) and "/" not in str(link)
    return "" if is_name else _absolute(base, link)


def _publisher(feed: dict[str, Any], feed_url: str) -> str:
    title = text(mapping(feed.get("feed")).get("title"), 200) or ""
    return _PUBLISHER_ENDS.sub("", title) or host(feed_url)


def _article(entry: dict[str, Any], publisher: str, feed_url: str, base: str) -> NewsRow | str:
    address, headline = _link(entry, base), text(entry.get("title"))
    source_id = _id(entry, address, feed_url)
    if source_id is None:
        return "has neither a link nor a guid"
    if headline is None:
        return f"({source_id}) {lack_of('title', entry.get('title'))}"
    own = text(mapping(entry.get("source")).get("title"), 200)
    return NewsRow(
        source=_NAME,
        source_id=source_id,
        headline=headline,
        summary=text(entry.get("summary"), SUMMARY_MOST),
        url=address,
        publisher=own or publisher,
        published_at=_published_ms(entry),
        tags=words([mapping(tag).get("term") for tag in entry.get("tags") or []]),
    )


def _id(entry: Mapping[str, Any], address: str, feed_url: str) -> str | None:
    """Return the guid, with the feed's host where it is no address: other feeds count from 1, too.

    An address that is the guid loses its tracking parameters, which come and go.
    """
    guid = text(entry.get("id"), _GUID_MOST)
    if guid is None:
        return short_id(address) or None
    return short_id(url(guid) or f"{host(feed_url)}:{guid}")


def _published_ms(entry: Mapping[str, Any]) -> int | None:
    for name in _TIMES:
        # Never the parser's own reading: it takes what it does not know for UTC.
        at_ms = time_ms(entry.get(name))
        if at_ms is not None:
            return at_ms
    return None


async def fetch_feed(
    client: TextClient, feed_url: str, etag: str | None = None, last_modified: str | None = None
) -> RssFeed:
    """Fetch a feed if it has changed since the answer with this etag or last_modified."""
    headers = {"Accept": _ACCEPT}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    fetched = await client.get_text(feed_url, headers)
    if fetched.not_modified:
        return RssFeed(Parsed(), etag, last_modified, not_modified=True)
    # Whole articles make feeds of megabytes, half a second of work.
    parsed = await asyncio.to_thread(parse_feed, fetched.text, feed_url)
    return RssFeed(parsed, fetched.etag, fetched.last_modified)
