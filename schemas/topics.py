"""The table of topics: name, key, schema, partitions, retention and cleanup of each.

Names are logical. `physical` puts the prefix of a deployment (or of a rehearsal) before them.
Every topic of the topology has the same partition count, so one asset lives in one partition
everywhere; `control.strategies` is read whole by everyone and needs one.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.times import DAY_MS

FOREVER_MS = -1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `key` names the field that is the record key, `schema` the contract's schema,
    `partitions` is 0 for the deployment's common count, `retention_ms` is -1 for ever.
    """

    name: str
    key: str
    schema: str
    retention_ms: int
    partitions: int = 0
    cleanup: str = "delete"
    doc: str = ""


TRENDING = Topic(
    "market.trending", "asset", "trending_asset", 30 * DAY_MS, doc="trending assets: the tick"
)
NEWS = Topic("market.news", "asset", "news_article", 90 * DAY_MS, doc="headlines by asset")
CANDLES = Topic(
    "market.candles",
    "asset",
    "candle",
    30 * DAY_MS,
    doc="1h, 4h and 1d candles; 5m and 15m on demand",
)
BOOKS = Topic("market.books", "asset", "order_book", 3 * DAY_MS, doc="top levels of order books")
FUNDAMENTALS = Topic(
    "market.fundamentals", "asset", "fundamentals", 90 * DAY_MS, doc="supply, code, community"
)
CALENDAR = Topic("market.calendar", "asset", "calendar_event", 90 * DAY_MS, doc="scheduled events")
STRATEGIES = Topic(
    "control.strategies",
    "strategy_id",
    "strategy",
    FOREVER_MS,
    partitions=1,
    cleanup="compact",
    doc="strategies, read whole at the start",
)
REQUESTS = Topic(
    "control.requests", "asset", "signal_request", 7 * DAY_MS, doc="signals asked for at once"
)
SCORES = Topic("engine.scores", "asset", "engine_score", 30 * DAY_MS, doc="all engines' scores")
SIGNALS = Topic("signals", "asset", "signal", 365 * DAY_MS, doc="BUY, SELL, HOLD with sizes")
TOP = Topic("signals.top", "strategy_id", "top_signals", 365 * DAY_MS, doc="top 10 a strategy")
DEAD_LETTERS = Topic(
    "dead.letters", "topic", "dead_letter", 90 * DAY_MS, doc="what could not be used, and why"
)
SOURCES = Topic(
    "control.sources",
    "source",
    "source_status",
    FOREVER_MS,
    partitions=1,
    cleanup="compact",
    doc="how each upstream of the producers does",
)
EXPLANATIONS = Topic(
    "signals.explanations", "asset", "explanation", 365 * DAY_MS, doc="why signals say so"
)

NEWS_SCORES = Topic(
    "news.scores", "asset", "news_score", 90 * DAY_MS, doc="what headlines say, good or bad"
)
DECISIONS = Topic(
    "signals.decisions",
    "strategy_id",
    "decision",
    90 * DAY_MS,
    doc="what fusion decided, by strategy, before sizes",
)
TRADES = Topic(
    "portfolio.trades",
    "strategy_id",
    "portfolio_trade",
    365 * DAY_MS,
    doc="fills of the strategies' model portfolios",
)
EQUITY = Topic(
    "portfolio.equity",
    "strategy_id",
    "portfolio_equity",
    365 * DAY_MS,
    doc="what the model portfolios are worth, every cycle",
)
OUTCOMES = Topic(
    "signals.outcomes",
    "asset",
    "outcome",
    365 * DAY_MS,
    doc="what the price did after scores and signals",
)

TOPICS: tuple[Topic, ...] = (
    TRENDING,
    NEWS,
    CANDLES,
    BOOKS,
    FUNDAMENTALS,
    CALENDAR,
    STRATEGIES,
    REQUESTS,
    SCORES,
    SIGNALS,
    TOP,
    DEAD_LETTERS,
    SOURCES,
    EXPLANATIONS,
    NEWS_SCORES,
    DECISIONS,
    TRADES,
    EQUITY,
    OUTCOMES,
)
OUTPUT_TOPICS: tuple[Topic, ...] = (
    *(NEWS_SCORES, SCORES, DECISIONS, SIGNALS, TOP, TRADES, EQUITY),
    OUTCOMES,
)
"""What the stages make of the market, in the order of the flow."""
WRITTEN_BY_STAGES: frozenset[str] = frozenset(
    topic.name for topic in (*OUTPUT_TOPICS, DEAD_LETTERS)
)
"""Topics that have markers of transactions between their records, on Apache Kafka."""
MARKET_TOPICS: tuple[Topic, ...] = TOPICS[:6]
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
BY_SCHEMA: dict[str, Topic] = {topic.schema: topic for topic in TOPICS}


def evidence_topic(topic: str) -> str:
    """Return where the evidence of a score stands that was made of `topic`: the market's records.

    A score of sentiment is made of the headlines' scores; behind it are the headlines.
    """
    return NEWS.name if topic == NEWS_SCORES.name else topic


def physical(name: str, prefix: str = "") -> str:
    """Return the topic's name on the broker, for example `rehearsal.signals`."""
    return f"{prefix}{name}"


def logical(name: str, prefix: str = "") -> str:
    """Return the logical name of a topic on the broker."""
    return name.removeprefix(prefix)


def subjects(prefix: str = "") -> dict[str, str]:
    """Return the registry subject of every schema: TopicNameStrategy, `<topic>-value`."""
    return {topic.schema: f"{physical(topic.name, prefix)}-value" for topic in TOPICS}
