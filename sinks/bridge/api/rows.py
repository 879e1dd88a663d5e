"""From rows of the database to bodies of answers. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.market import TrendingAsset
from schemas.scores import InputPosition
from schemas.signals import Contribution, Signal
from schemas.times import ms
from sinks.bridge.api.answers import Article, Explained, Place, SignalDetail
from sinks.bridge.api.database import ms_or_none

SIGNAL_COLUMNS = """
    s.signal_id, s.strategy_id, s.user_id, s.asset, s.as_of, s.cycle, s.trigger, s.request_id,
    s.final_score, s.action, s.fused_action, s.override, s.confidence, d.entry_price_usd,
    d.position_size, d.position_value_usd, d.stop_loss_usd, d.take_profit_usd, d.metadata
"""
EXPLANATION_COLUMNS = """
    e.signal_id AS e_signal_id, e.strategy_id AS e_strategy_id, e.asset AS e_asset,
    e.cycle AS e_cycle, e.rank, e.status, e.text, e.model, e.error, e.prompt_tokens,
    e.completion_tokens, e.cost_usd, e.explained_at
"""
_SAME = (
    *("signal_id", "strategy_id", "user_id", "asset", "trigger", "request_id", "final_score"),
    *("action", "fused_action", "override", "confidence", "entry_price_usd", "position_size"),
    *("position_value_usd", "stop_loss_usd", "take_profit_usd"),
)
_TIMES = frozenset({"cycle", "event_time", "observed_at", "published_at"})


class _Metadata(msgspec.Struct, frozen=True):
    """Column signal_details.metadata; a number that was none is null there."""

    contributions: tuple[Contribution, ...] = ()
    sizing: dict[str, float | None] = {}
    features: dict[str, float | None] = {}
    detail: dict[str, str] = {}
    inputs: tuple[InputPosition, ...] = ()


_metadata = msgspec.json.Decoder(_Metadata).decode


def signal(row: Any) -> Signal:
    """Return the signal of a row with SIGNAL_COLUMNS, as it was published."""
    rest = _metadata(row["metadata"])
    return Signal(
        **{name: row[name] for name in _SAME},
        as_of=ms(row["as_of"]),
        cycle=ms_or_none(row["cycle"]),
        contributions=rest.contributions,
        sizing=_numbers(rest.sizing),
        features=_numbers(rest.features),
        detail=rest.detail,
        inputs=rest.inputs,
    )


def _numbers(found: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in found.items() if value is not None}


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
    """Return a signal with its explanation, of a row with both kinds of columns."""
    return SignalDetail(signal(row), row["rank"], explained(row))


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
