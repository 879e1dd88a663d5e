"""Tags and titles of recorded news: how many are words, how many come twice."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from marketdata.assets.asset_tagger import assets_of, assets_of_tags
from marketdata.assets.clean_text import clean_text
from producers.dedup.headlines import SeenNews
from producers.upstreams.rows import NewsRow
from tests.unit.marketdata.assets._catalogue import CATALOGUE, article

pytestmark = pytest.mark.shared_data

WORDS = ("A", "4", "US", "IN", "PM", "RWA", "ATH", "ONE", "S", "USDT", "USDC")
SURE = ("BTC", "ETH", "XRP", "SOL", "ADA", "ZEC", "DOGE", "BNB", "SHIB", "AAVE", "UNI", "BCH")


def recorded(directory: Path, file: str) -> list[dict[str, str]]:
    with gzip.open(directory / "news" / file, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def time_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_tags_that_are_words_are_told_from_coins(shared_data: Path) -> None:
    tagged: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for post in recorded(shared_data, "cryptopanic_tagged.csv.gz"):
        tags = tuple(filter(None, post["currencies"].split("|")))
        tagged.update(tags)
        kept.update(assets_of_tags(tags, clean_text(post["title"]), None, CATALOGUE))
    assert sum(tagged[tag] for tag in WORDS) > 400
    assert {tag: kept[tag] for tag in WORDS} == dict.fromkeys(WORDS, 0)
    more = kept["BTC"] - tagged["BTC"]  # of the tags BTCUSD and BITCOIN
    assert 0 < more <= tagged["BTCUSD"] + tagged["BITCOIN"]
    for tag in SURE[1:]:
        assert kept[tag] == tagged[tag] > 0, tag


def test_headlines_that_come_twice(shared_data: Path) -> None:
    seen, reasons, repeated = SeenNews(), Counter[str | None](), []
    rows = recorded(shared_data, "crypto_headlines_2021_2022.csv.gz")
    for line in sorted(rows, key=lambda line: line["published_at"]):
        headline = clean_text(line["title"])
        news = NewsRow(source="rss", source_id="", headline=headline, tags=(line["subject"],))
        at_ms = time_ms(line["published_at"])
        for asset in assets_of(news, CATALOGUE):
            new = article(headline, at_ms, published_at=at_ms, url=line["url"], asset=asset)
            reasons[seen.why_not(new)] += 1
            if not seen.is_new(new):
                repeated.append(headline)
            seen.apply(new)
    assert reasons[None] > 4000
    assert any(headline.startswith("XRP Moves With the Market as") for headline in repeated)
    assert "SEC Approves Valkyrie\u2019s Bitcoin Futures ETF" in repeated
    assert len(repeated) <= 8
    assert not any("Price analysis" in headline for headline in repeated)
