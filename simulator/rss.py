"""Stand-ins of public RSS feeds: /rss/coindesk and the like, with ETag and Last-Modified.

They do as the real ones do: tracking parameters in links, HTML in descriptions, no paging, and
403 to a client that does not say what it is.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import islice
from xml.sax.saxutils import escape

from aiohttp import web

from schemas.market import NewsArticle
from simulator.error_bodies import html_response
from simulator.faults import Faults
from simulator.news_store import NEWS_KEPT_MS, published_ms, stories
from simulator.world import World
from transport.clock import Clock

FEEDS = ("coindesk", "cointelegraph", "decrypt", "theblock", "bitcoinmagazine")
"""Names of the feeds; each story is in one of them, some in two."""
_ITEMS = 25
_TRACKED = {"cointelegraph": "utm_source=rss_feed&utm_medium=rss&utm_campaign=rss_partner_inbound"}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
)


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /rss."""
    app = web.Application()
    app.router.add_get("/{feed}", Rss(world, clock).feed)
    return app


class Rss:
    """Handler of the stand-ins."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def feed(self, request: web.Request) -> web.Response:
        """Answer a feed, or 304 when nothing is new since the ETag or time that was sent."""
        name = request.match_info["feed"]
        agent = request.headers.get("User-Agent", "")
        if name not in FEEDS:
            return html_response(404)
        if not agent or agent.startswith("Python/"):
            return html_response(403)
        now_ms = self._clock.now_ms()
        news = [one.article for one in stories(self._world.news(now_ms, now_ms - NEWS_KEPT_MS))]
        items = list(islice((one for one in news if _in(one, name)), _ITEMS))
        text = _feed_text(name, items)
        latest_ms = published_ms(items[0]) if items else 0
        headers = {
            "ETag": f'"{zlib.crc32(text.encode()):08x}"',
            "Last-Modified": format_datetime(_utc(latest_ms), usegmt=True),
            "Cache-Control": "public, max-age=60",
        }
        if _known(request, headers["ETag"], latest_ms):
            return web.Response(status=304, headers=headers)
        response = web.Response(text=text, content_type="application/rss+xml", headers=headers)
        response.enable_compression()
        return response


def _known(request: web.Request, etag: str, latest_ms: int) -> bool:
    sent = request.headers.get("If-None-Match")
    if sent is not None:  # it counts more than the time
        return etag in [part.strip().removeprefix("W/") for part in sent.split(",")]
    since = request.headers.get("If-Modified-Since")
    if since is None:
        return False
    try:
        return latest_ms // 1000 <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


def _in(article: NewsArticle, feed: str) -> bool:
    number = zlib.crc32(article.source_id.encode())
    second = FEEDS[number // 8 % len(FEEDS)] if number % 8 == 0 else None  # a story that two have
    return feed in (FEEDS[number % len(FEEDS)], second)


def _feed_text(name: str, articles: list[NewsArticle]) -> str:
    items = "".join(_item(name, story) for story in articles)
    site = f"https://{name}.example"
    return (
        f"{_HEAD}<title>{escape(name)}</title><link>{site}</link>"
        f'<atom:link href="{site}/rss" rel="self" type="application/rss+xml"/>'
        f"<description>News of {escape(name)}</description><language>en-us</language>"
        f"{items}</channel></rss>"
    )


def _item(name: str, story: NewsArticle) -> str:
    number = zlib.crc32(story.source_id.encode())
    tracked = _TRACKED.get(name)
    link = f"{story.url}?{tracked}" if tracked and story.url else story.url
    # Half of the feeds write titles as CDATA, the others escape them.
    title = f"<![CDATA[{story.headline}]]>" if name in _TRACKED else escape(story.headline)
    zone = format_datetime(_utc(published_ms(story)), usegmt=name == "decrypt")
    image = f'<media:content url="https://{name}.example/{number}.jpg" medium="image"/>'
    text = escape(story.summary or story.headline)
    return (
        f"<item><title>{title}</title><link>{escape(link)}</link>"
        f'<guid isPermaLink="false">{name}-{number}</guid><pubDate>{zone}</pubDate>'
        f"<dc:creator><![CDATA[{story.publisher}]]></dc:creator>"
        f"<category><![CDATA[Markets]]></category><category>News</category>"
        f'<description><![CDATA[<p><img src="https://{name}.example/{number}.jpg"/>{text}</p>]]>'
        f"</description>{image if number % 3 else ''}</item>"
    )


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
