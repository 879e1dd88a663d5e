"""RSS documents as publishers send them."""

from __future__ import annotations

URL = "https://www.coindesk.com/arc/outboundfeeds/rss/"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    "<title>CoinDesk: Bitcoin, Ethereum, Crypto News</title><link>https://www.coindesk.com</link>"
)
END = "</channel></rss>"


def item(
    title: str | None = "<![CDATA[Bitcoin ETF inflows hit a record]]>",
    link: str | None = "https://www.coindesk.com/a?utm_source=rss_feed&amp;utm_medium=rss&amp;id=4",
    guid: str | None = "7f3a",
    published: str | None = "Sat, 13 Jun 2026 12:00:00 +0000",
    description: str | None = "<![CDATA[<p>Inflows &amp; outflows.</p><p>More.</p>]]>",
    rest: str = "<category>Markets</category><category><![CDATA[BTC]]></category>",
) -> str:
    """Return an item; None leaves a part out."""
    parts = {
        "title": title,
        "link": link,
        "guid": guid,
        "pubDate": published,
        "description": description,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value)
    return f"<item>{inner}{rest}</item>"


def feed(*items: str, head: str = HEAD) -> str:
    """Return a document."""
    return head + "".join(items) + END
