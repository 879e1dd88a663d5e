"""CryptoPanic's posts, v1 and v2: parsing only, since its free plan has ended.

The link to the next page carries the key, so it is never handed on.
"""

from __future__ import annotations

from typing import Any

from producers.upstreams.fields import (
    SUMMARY_MOST,
    host,
    identity,
    items,
    mapping,
    symbols,
    text,
    url,
)
from producers.upstreams.rows import NewsRow, Parsed
from producers.upstreams.shapes import collect, list_in
from producers.upstreams.times import time_ms

_NAME = "cryptopanic"


def parse_posts(raw: Any) -> Parsed[NewsRow]:
    """Parse an answer of /posts/; any field but id and title may be missing.

    Its coin tags contain words that are no coins ("A", "US"), so they are tags, not tickers. Votes
    are no label: readers cast them later. UpstreamError "bad_answer" without a list.
    """
    return collect("cryptopanic post", list_in(_NAME, raw, "results"), _post)


def _post(raw: dict[str, Any]) -> NewsRow | str:
    source_id, headline = identity(raw.get("id")), text(raw.get("title"))
    if source_id is None:
        return "has no id"
    if headline is None:
        return f"({source_id}) has no title"
    publisher = mapping(raw.get("source"))
    coins = items(raw.get("instruments")) or items(raw.get("currencies"))
    address = url(raw.get("original_url")) or url(raw.get("url"))
    return NewsRow(
        source=_NAME,
        source_id=source_id,
        headline=headline,
        summary=text(raw.get("description"), SUMMARY_MOST),
        url=address,
        publisher=text(publisher.get("title")) or text(publisher.get("domain")) or host(address),
        published_at=time_ms(raw.get("published_at")),
        tags=symbols([mapping(coin).get("code") for coin in coins]),
    )
