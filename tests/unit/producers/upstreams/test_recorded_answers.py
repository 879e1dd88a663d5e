"""Every recorded answer of the vendors: it parses, or is refused for being of another request."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.http_client.errors import UpstreamError
from producers.upstreams import coingecko, coingecko_detail, cryptonews, lunarcrush
from producers.upstreams.rows import Parsed

pytestmark = pytest.mark.shared_data

PARSERS: tuple[Callable[[Any], Any], ...] = (
    lunarcrush.parse_coins,
    lunarcrush.parse_topic,
    lunarcrush.parse_topic_news,
    coingecko.parse_trending,
    coingecko.parse_markets,
    coingecko_detail.parse_detail,
    coingecko_detail.parse_mean_volume,
    cryptonews.parse_news,
    cryptonews.parse_events,
)
LUNARCRUSH = {
    "coins_list": lunarcrush.parse_coins,
    "coins_list_v2": lunarcrush.parse_coins,
    "stocks_list": lunarcrush.parse_coins,
    "stocks_list_v2": lunarcrush.parse_coins,
    "topic": lunarcrush.parse_topic,
    "category": lunarcrush.parse_topic,
    "topic_news": lunarcrush.parse_topic_news,
    "category_news": lunarcrush.parse_topic_news,
}
COINGECKO = {
    "search/trending": coingecko.parse_trending,
    "coins/markets": coingecko.parse_markets,
    "coins/bitcoin": coingecko_detail.parse_detail,
    "coins/ethereum": coingecko_detail.parse_detail,
    "coins/bitcoin/history": coingecko_detail.parse_detail,
    "coins/ethereum/history": coingecko_detail.parse_detail,
    "coins/ethereum/contract": coingecko_detail.parse_detail,
    "coins/bitcoin/market_chart": coingecko_detail.parse_mean_volume,
}
"""The parser of an answer by its request; answers of other requests have none."""


def load(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def lunarcrush_answers(fixtures: Path) -> Iterator[tuple[str, Any, Any]]:
    for path in sorted(fixtures.glob("lunarcrush_v4_docs_*/*.json")):
        yield f"{path.parent.name}/{path.stem}", load(path)["body"], LUNARCRUSH.get(path.stem)


def coingecko_answers(fixtures: Path) -> Iterator[tuple[str, Any, Any]]:
    for path in sorted(fixtures.glob("coingecko_*/*.json*")):
        recorded = load(path)
        for part in recorded if isinstance(recorded, list) else [recorded]:
            uri = (part.get("uri") or part["path"]).partition("/api/v3/")[2].partition("?")[0]
            request = uri.partition("/0x")[0] if "/contract/" in uri else uri
            is_fine = part.get("status", 200) == 200
            yield (
                f"{path.parent.name}/{uri}",
                part["body"],
                COINGECKO.get(request) if is_fine else None,
            )


def news_answers(fixtures: Path) -> Iterator[tuple[str, Any, Any]]:
    for path in sorted(fixtures.glob("stocknewsapi/*.json")):
        yield path.stem, load(path), cryptonews.parse_news


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[tuple[str, Any, Any]]:
    fixtures = shared_data / "fixtures"
    return [
        *lunarcrush_answers(fixtures),
        *coingecko_answers(fixtures),
        *news_answers(fixtures),
    ]


def test_answers_to_our_requests_parse_whole(recorded):
    """Nothing in them is skipped, and each has a row, or what it is asked for."""
    own = [(name, parse(raw)) for name, raw, parse in recorded if parse is not None]
    skipped = [
        (name, made.skipped) for name, made in own if isinstance(made, Parsed) and made.skipped
    ]
    empty = [name for name, made in own if not made or (isinstance(made, Parsed) and not made.rows)]
    assert (skipped, empty) == ([], [])
    assert len(own) == 2 * len(LUNARCRUSH) + 15 + 2


def test_no_field_is_gone_from_the_answers_to_our_requests(recorded):
    own = [(name, parse(raw)) for name, raw, parse in recorded if parse is not None]
    said = {
        name: faults
        for name, made in own
        if (faults := (*getattr(made, "faults", ()), *getattr(made, "bare", ())))
    }
    # The history of a coin has less than its detail, and a category no sentiment of its own.
    assert {name.rpartition("/")[2] for name in said} <= {"history"}


def test_no_answer_crashes_any_parser(recorded):
    """Whatever comes in place of what was asked for gives rows, sentences or the one error."""
    assert len(recorded) > 90
    for name, raw, _ in recorded:
        for parse in PARSERS:
            assert refusal(parse, raw) in (None, "bad_answer"), name


def refusal(parse: Callable[[Any], Any], raw: Any) -> str | None:
    """Return the kind of the error, None for an answer that is taken."""
    try:
        parse(raw)
    except UpstreamError as error:
        return error.kind
    return None


def test_posts_that_are_no_articles_are_said(recorded):
    posts = {name.rpartition("/")[2]: raw for name, raw, _ in recorded if name.endswith("_posts")}
    parsed = lunarcrush.parse_topic_news(posts["topic_posts"])
    assert parsed.rows == ()
    assert parsed.skipped == ("lunarcrush post 1 is of type reddit-post, not news",)


def test_labels_and_times_of_recorded_news(recorded):
    """Times are right across the offsets: the files' names say when they were recorded."""
    by_name = {name: parse(raw) for name, raw, parse in recorded if parse is cryptonews.parse_news}
    crypto, general = by_name["crypto_btc_news_20240617"], by_name["general_market_news_201905"]
    assert {row.sentiment_label for row in crypto.rows} == {"positive", "negative", "neutral"}
    assert all("BTC" in row.tickers for row in crypto.rows)
    assert all(row.tickers == () for row in general.rows)
    first, last = 1718496000000, 1718668800000  # 2024-06-16 and 2024-06-18
    assert all(first < row.published_at < last for row in crypto.rows)


def test_recorded_prices_are_in_dollars(recorded):
    """The price of 2021's trending coins is not said; the recorded one of 2024 is a number."""
    trending = [parse(raw).rows for _, raw, parse in recorded if parse is coingecko.parse_trending]
    assert sorted({row.price_usd is None for row in rows} == {True} for rows in trending) == [
        False,
        True,
    ]
    newest = next(rows for rows in trending if rows[0].price_usd is not None)
    qubic = next(row for row in newest if row.symbol == "QUBIC")
    assert (qubic.market_cap_usd, qubic.volume_24h_usd) == (104_127_324.0, 3_463_333.0)
    assert qubic.change_24h_pct == pytest.approx(-6.386466470210091)
