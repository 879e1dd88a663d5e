"""The names that a rule may use besides pandas-ta's indicators, and where their values come from.

CANDLE_VALUES   have a timeframe; features of the technical engine: MA20@4h
VALUES          have none
FUNCTIONS       of numbers
"""

from __future__ import annotations

from schemas.engines import ENGINES

CANDLE_VALUES: dict[str, str] = {
    "MA20": "mean of the last 20 closes",
    "MA50": "mean of the last 50 closes",
    "MA200": "mean of the last 200 closes",
    "RSI14": "relative strength index of 14 candles, 0 to 100; `RSI` is the same",
    "RSI30": "relative strength index of 30 candles, 0 to 100",
    "MACD": "difference of the exponential means of 12 and 26 candles",
    "MACD_SIGNAL": "exponential mean of MACD over 9 candles",
    "MACD_HIST": "MACD less MACD_SIGNAL",
    "ATR14": "average true range of 14 candles, in USD; `ATR` is the same",
    "TREND": "trend of the timeframe, -1 to 1, as in the technical score",
    "CLOSE": "close of the last closed candle",
    "OPEN": "open of the last closed candle",
    "HIGH": "high of the last closed candle",
    "LOW": "low of the last closed candle",
    "VOLUME": "volume of the last closed candle, in units of the asset",
}
"""By name: what it is."""
ALIASES = {"RSI": "RSI14", "ATR": "ATR14"}
"""Short names of candle values."""
ADDED = frozenset({"OPEN", "HIGH", "LOW", "VOLUME"})
"""Candle values that the technical engine gives only where a rule names them."""

_SCORE_RANGE = dict.fromkeys(ENGINES, "-1 to 1") | {"fundamental": "0 to 1", "liquidity": "0 to 1"}
OF_FUSION: dict[str, str] = {
    "PRICE": "newest price known, in USD",
    **{
        engine.upper(): f"score of the {engine.replace('_', ' ')} engine, {_SCORE_RANGE[engine]}"
        for engine in ENGINES
    },
    **{
        f"{engine.upper()}_CONFIDENCE": f"its confidence, 0 to 1: {engine.replace('_', ' ')}"
        for engine in ENGINES
    },
    "FINAL_SCORE": "weighted sum of the scores, by the strategy's weights",
    "CONFIDENCE": "multiplier of the position's size without its diversification part, 0 to 0.9",
    "POSITION": "1 while the strategy holds the asset, else 0",
    "ENTRY_PRICE": "price at the entry of the position, in USD",
    "STOP_LOSS": "stop of the position, in USD",
    "TAKE_PROFIT": "target of the position, in USD",
    "TRAILING_STOP": "trailing stop of the position, in USD",
    "AGE": "hours since the entry of the position",
    "PROFIT_PCT": "change of the price since the entry of the position, in percent",
}
"""What fusion knows, by name: what it is. Facts are asked by the same name."""

OF_ENGINES: dict[str, tuple[str, str]] = {
    "GALAXY_SCORE": ("galaxy_score", "LunarCrush's galaxy score, 0 to 100"),
    "NEWS_SCORE": ("sentiment_news", "mean score of the headlines, -1 to 1"),
    "NEWS_COUNT_24H": ("news_count_24h", "headlines of the last 24 hours"),
    "SENTIMENT_RAW": ("sentiment_raw", "sentiment before its moving average, -1 to 1"),
    "SOCIAL_SCORE": ("sentiment_social", "sentiment of social networks, -1 to 1"),
    "EVENTS_AHEAD": ("events_ahead", "calendar events of the next 30 days"),
    "NEAREST_EVENT_HOURS": ("nearest_event_hours", "hours to the next calendar event"),
    "RISK_ENDS_HOURS": ("risk_ends_hours", "hours to the last risky calendar event"),
    "SPREAD_BPS": ("spread_bps", "spread of the order book in basis points of its mid"),
    "SIZE_TOP_USD": ("size_top_usd", "value of the book's top levels, thinner side, in USD"),
    "DEPTH_1PCT_USD": ("depth_1pct_usd", "value within 1 % of mid, thinner side, in USD"),
    "DEPTH_2PCT_USD": ("depth_2pct_usd", "value within 2 % of mid, thinner side, in USD"),
    "SLIPPAGE_10K_BPS": ("slippage_10k_bps", "slippage of an order of 10,000 USD, bps"),
    "SLIPPAGE_100K_BPS": ("slippage_100k_bps", "slippage of an order of 100,000 USD, bps"),
    "SLIPPAGE_1M_BPS": ("slippage_1m_bps", "slippage of an order of 1,000,000 USD, bps"),
    "VOLUME_24H_USD": ("volume_24h_usd", "volume of the last 24 hours, in USD"),
    "VOLUME_RATIO": ("volume_ratio", "24 h volume over its 30-day average"),
    "MARKET_CAP_RANK": ("market_cap_rank", "part of the fundamental score, 0 to 1"),
    "TURNOVER": ("turnover", "part of the fundamental score, 0 to 1"),
    "GITHUB_ACTIVITY": ("github_activity", "part of the fundamental score, 0 to 1"),
    "DEVELOPER_ENGAGEMENT": ("developer_engagement", "part of the fundamental score, 0 to 1"),
    "COMMUNITY_GROWTH": ("community_growth", "part of the fundamental score, 0 to 1"),
    "TRANSACTIONS": ("transactions", "part of the fundamental score, 0 to 1"),
    "ACTIVE_ADDRESSES": ("active_addresses", "part of the fundamental score, 0 to 1"),
    "HASH_RATE": ("hash_rate", "part of the fundamental score, 0 to 1"),
}
"""Features of engines, by name in a rule: the feature's name, and what it is. `volume_trend` is not
among them, as two engines give one each of that name. A test compares the
features' names with what the engines give."""

VALUES: dict[str, str] = OF_FUSION | {name: words for name, (_, words) in OF_ENGINES.items()}
"""All names without a timeframe: what it is."""

FUNCTIONS: dict[str, tuple[int, int]] = {"ABS": (1, 1), "MIN": (2, 8), "MAX": (2, 8)}
"""How many numbers a function takes, at least and at most."""


def fact(name: str) -> str:
    """Return the name by which facts are asked for a value without a timeframe."""
    found = OF_ENGINES.get(name)
    return name if found is None else found[0]
