"""From rows of the database to bodies of answers. Pure."""

from __future__ import annotations

from typing import Any

from schemas.market import TrendingAsset
from schemas.signals import from_json
from schemas.times import ms
from sinks.bridge.api.answers import Article, Explained, Place, SignalDetail
from sinks.bridge.api.database import ms_or_none

EXPLANATION_COLUMNS = """
    e.signal_id AS e_signal_id, e.strategy_id AS e_strategy_id, e.asset AS e_asset,
    e.cycle AS e_cycle, e.rank, e.status, e.text, e.model, e.error, e.prompt_tokens,
    e.completion_tokens, e.cost_usd, e.explained_at
"""
_TIMES = frozenset({"cycle", "event_time", "observed_at", "published_at"})


def explained(row: Any) -> Explained | None:
    """Return the explanation of a row with EXPLANATION_COLUMNS; None outside the top."""
    if row["e_signal_id"] is None:
        return None
    return Explained(
        signal_id=row["e_signal_id"],
        strategy_id=row["e_strategy_id"],
        asset=row["e_asset"],
        cycle=ms(row["e_cycle"]),
        rank=row["rank"],
        status=row["status"],
        text=row["text"],
        model=row["model"],
        reason=row["error"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cost_usd=None if row["cost_usd"] is None else float(row["cost_usd"]),
        explained_at=ms_or_none(row["explained_at"]),
    )


def detail(row: Any) -> SignalDetail:
    """Return a signal with its explanation, of a row with EXPLANATION_COLUMNS and the body."""
    return SignalDetail(from_json(row["body"]), row["rank"], explained(row))


def place(row: Any) -> Place:
    """Return a place in a ranking, of a row with EXPLANATION_COLUMNS and the signal's numbers."""
    return Place(
        rank=row["rank"],
        signal_id=row["e_signal_id"],
        asset=row["e_asset"],
        action=row["action"],
        final_score=row["final_score"],
        confidence=row["confidence"],
        explanation=explained(row),
    )


def trending(row: Any) -> TrendingAsset:
    """Return a trending asset of a row of trending_assets."""
    names = TrendingAsset.__struct_fields__
    return TrendingAsset(**_fields(row, names))


def article(row: Any) -> Article:
    """Return an article of a row of trending_news."""
    names = Article.__struct_fields__
    return Article(**_fields(row, names))


def _fields(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: ms_or_none(row[name]) if name in _TIMES else row[name] for name in names}
