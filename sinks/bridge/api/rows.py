"""From rows of the database to bodies of answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.market import TrendingAsset
from schemas.signals import from_json
from sinks.bridge.api.answers import Article, Explained, Place, SignalDetail
from sinks.bridge.api.database import ms_or_none

EXPLANATION_COLUMNS = """
    e.signal_id, e.strategy_id, e.asset, e.cycle, e.rank, e.status, e.text, e.model,
    e.error AS reason, e.prompt_tokens, e.completion_tokens,
    e.cost_usd::double precision AS cost_usd, e.explained_at
"""
_TIMES = frozenset({"cycle", "event_time", "explained_at", "observed_at", "published_at"})


def explained(row: Any) -> Explained | None:
    """Return the explanation of a row with EXPLANATION_COLUMNS; None outside the top."""
    if row["signal_id"] is None:
        return None
    return Explained(**_fields(row, Explained.__struct_fields__))


def detail(row: Any) -> SignalDetail:
    """Return a signal with its explanation, of a row with EXPLANATION_COLUMNS and the body."""
    return SignalDetail(from_json(row["body"]), row["rank"], explained(row))


def place(row: Any) -> Place:
    """Return a place in a ranking, of a row with EXPLANATION_COLUMNS and the signal's numbers."""
    names = [name for name in Place.__struct_fields__ if name != "explanation"]
    return Place(**_fields(row, names), explanation=explained(row))


def trending(row: Any) -> TrendingAsset:
    """Return a trending asset of a row of trending_assets."""
    return TrendingAsset(**_fields(row, TrendingAsset.__struct_fields__))


def article(row: Any) -> Article:
    """Return an article of a row of trending_news."""
    return Article(**_fields(row, Article.__struct_fields__))


def _fields(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: ms_or_none(row[name]) if name in _TIMES else row[name] for name in names}
