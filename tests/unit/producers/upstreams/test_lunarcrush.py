"""LunarCrush's answers and their traps."""

from __future__ import annotations

import pytest

from producers.upstreams.lunarcrush import parse_coins, parse_topic, parse_topic_news
from producers.upstreams.rows import CoinRow, NewsRow, Parsed, TopicRow
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only, refusal


def test_a_coin():
    assert parse_coins(answers.coins()) == Parsed(
        (
            CoinRow(
                source="lunarcrush",
                source_id="1",
                symbol="BTC",
                name="Bitcoin",
                topic="btc bitcoin",
                price_usd=99657.46,
                volume_24h_usd=57466730199.45,
                market_cap_usd=1981409972281.97,
                market_cap_rank=1,
                change_24h_pct=-3.9,
                circulating_supply=19882203.0,
                max_supply=21000000.0,
                galaxy_score=39.9,
                alt_rank=212,
                social_volume=154647.0,
                interactions=83998832.0,
                sentiment_pct=73.0,
                priced_at=1750604568000,
            ),
        )
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"max_supply": None}, {"max_supply": None}, id="no most supply"),
        pytest.param({"price": None}, {"price_usd": None}, id="null price"),
        pytest.param({"price": 0}, {"price_usd": None}, id="price 0"),
        pytest.param({"sentiment": None}, {"sentiment_pct": None}, id="null sentiment"),
        pytest.param({"sentiment": 130}, {"sentiment_pct": None}, id="sentiment beyond 100"),
        pytest.param(
            {"sentiment": 0, "social_volume_24h": 0, "interactions_24h": 0},
            {"sentiment_pct": None, "social_volume": 0.0, "interactions": 0.0},
            id="zeros of a coin nobody talks about",
        ),
        pytest.param({"sentiment": 0}, {"sentiment_pct": 0.0}, id="0 of many is an opinion"),
        pytest.param({"galaxy_score": 0}, {"galaxy_score": None}, id="no score yet"),
        pytest.param({"alt_rank": "212"}, {"alt_rank": 212}, id="rank in text"),
        pytest.param({"topic": None}, {"topic": "coins:1"}, id="topic by id"),
        pytest.param({"name": None}, {"name": "BTC"}, id="no name"),
        pytest.param({"categories": ["pow"]}, {"symbol": "BTC"}, id="categories as in a topic"),
        pytest.param({"symbol": "btc"}, {"symbol": "BTC"}, id="symbol in small letters"),
        pytest.param({"last_updated_price": None}, {"priced_at": None}, id="price of no time"),
    ],
)
def test_nulls_and_odd_values(changes, expected):
    row = parse_coins(answers.coins(**changes)).rows[0]
    assert only(row, expected) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"symbol": None}, "lunarcrush coin 1 has no symbol", id="no symbol"),
        pytest.param({"symbol": "A B"}, "lunarcrush coin 1 has no symbol", id="no such symbol"),
        pytest.param({"id": None}, "lunarcrush coin 1 (BTC) has no id", id="no id"),
    ],
)
def test_a_coin_without_the_least_is_skipped(changes, sentence):
    assert parse_coins(answers.coins(**changes)) == Parsed((), (sentence,))


def test_a_bad_row_among_good_ones_is_skipped_alone():
    raw = {"data": [None, "x", answers.COIN, {}]}
    parsed = parse_coins(raw)
    assert [row.symbol for row in parsed.rows] == ["BTC"]
    assert parsed.skipped == (
        "lunarcrush coin 1 is null, not an object",
        "lunarcrush coin 2 is text, not an object",
        "lunarcrush coin 4 has no symbol",
    )


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(None, 'lunarcrush: the answer is null, not an object with "data"', id="null"),
        pytest.param([], 'lunarcrush: the answer is a list, not an object with "data"', id="list"),
        pytest.param({}, 'lunarcrush: the answer has no "data"', id="no data"),
        pytest.param(
            {"data": {}}, 'lunarcrush: "data" in the answer is an object, not a list', id="object"
        ),
        pytest.param(
            {"error": "Invalid key lc-0123456789abcdef01 given"},
            'lunarcrush: the answer has no "data"; it says: Invalid key *** given',
            id="a message, its key blanked",
        ),
    ],
)
def test_no_list_is_an_error(raw, text):
    assert refusal(parse_coins, raw) == text


def test_a_topic_weighs_the_networks_by_interactions():
    assert parse_topic(answers.topic()) == TopicRow(
        source="lunarcrush",
        topic="bitcoin",
        symbol="BTC",
        social_volume=220.0,
        interactions=400.0,
        sentiment_pct=(80 * 300 + 40 * 100) / 400,
        twitter_volume=200.0,
        twitter_sentiment_pct=80.0,
        reddit_volume=11.0,
        reddit_sentiment_pct=40.0,
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"num_posts": 0}, None, id="no sentiments"),
        pytest.param({"types_sentiment": None}, None, id="null"),
        pytest.param({"types_sentiment": {"tweet": 80}}, None, id="no interactions"),
        pytest.param(
            {"types_sentiment": {"tweet": 80, "news": None}, "types_interactions": {"tweet": 1}},
            80.0,
            id="one network null",
        ),
    ],
)
def test_a_topic_without_its_parts(data, expected):
    assert parse_topic({"data": data}).sentiment_pct == expected


def test_an_article():
    assert parse_topic_news(answers.posts()) == Parsed(
        (
            NewsRow(
                source="lunarcrush",
                source_id="cryptoslate.com-866082279",
                headline="Oil markets tense, while Bitcoin holds steady",
                url="https://cryptoslate.com/oil/",
                publisher="CryptoSlate",
                published_at=1750597873000,
                tickers=("BTC",),
                sentiment_label="neutral",
            ),
        )
    )


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        pytest.param("Up 5 % - CryptoSlate", "Up 5 %", id="after a dash"),
        pytest.param("Up 5 % By CryptoSlate", "Up 5 %", id="after by"),
        pytest.param("Up 5 % - Decrypt", "Up 5 % - Decrypt", id="another one's name"),
        pytest.param("- CryptoSlate", "- CryptoSlate", id="nothing else"),
    ],
)
def test_publishers_at_the_end_of_headlines(title, headline):
    assert parse_topic_news(answers.posts(post_title=title)).rows[0].headline == headline


@pytest.mark.parametrize(
    ("score", "label"),
    [
        pytest.param(1.0, "negative", id="worst"),
        pytest.param(2.57, "negative", id="low"),
        pytest.param(2.6, "neutral", id="nearly neutral"),
        pytest.param(3, "neutral", id="middle of 1 to 5"),
        pytest.param(3.6, "positive", id="high"),
        pytest.param(73, None, id="a percentage it is not"),
        pytest.param(None, None, id="null"),
        pytest.param("good", None, id="word"),
    ],
)
def test_sentiment_of_posts_goes_from_1_to_5(score, label):
    assert parse_topic_news(answers.posts(post_sentiment=score)).rows[0].sentiment_label == label


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"post_type": "tweet"}, "lunarcrush post 1 is of type tweet, not news", id="tweet"
        ),
        pytest.param({"id": None}, "lunarcrush post 1 has no id", id="no id"),
        pytest.param(
            {"post_title": "  "},
            "lunarcrush post 1 (cryptoslate.com-866082279) has no title",
            id="no title",
        ),
    ],
)
def test_posts_that_are_no_articles_are_skipped(changes, sentence):
    assert parse_topic_news(answers.posts(**changes)) == Parsed((), (sentence,))


def test_news_of_a_topic_that_is_no_coin_has_no_tickers():
    raw = answers.without(answers.posts(), "config")
    assert parse_topic_news(raw).rows[0].tickers == ()
    assert parse_topic_news({"config": None, "data": []}) == Parsed()


@pytest.mark.parametrize("count", [0, None], ids=["none", "not counted"])
def test_a_network_without_posts_says_no_sentiment(count):
    raw = answers.topic()
    raw["data"]["types_count"]["reddit-post"] = count
    topic = parse_topic(raw)
    assert (topic.reddit_volume, topic.reddit_sentiment_pct) == (count, None)
    assert topic.twitter_sentiment_pct == 80.0
