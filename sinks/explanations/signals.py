"""A signal as PostgreSQL keeps it, back into facts; the PostgreSQL sink has written it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.signals import Contribution, Signal
from schemas.times import ms
from sinks.explanations import template
from sinks.explanations.facts import Facts, facts_of

UNREADABLE = "The stored details of the signal cannot be read."
_NO_TEXT = f"There is no explanation. {UNREADABLE}"


class _Metadata(msgspec.Struct):
    """What signal_details.metadata holds of a signal; see sinks.postgres.signals."""

    contributions: tuple[Contribution, ...]
    features: dict[str, float]
    detail: dict[str, str]


def facts_in(row: Mapping[str, Any]) -> Facts | None:
    """Return the facts of a row of both tables; None when its details are not a signal's."""
    try:
        metadata = msgspec.json.decode(row["metadata"], type=_Metadata)
    except msgspec.DecodeError:
        return None
    return facts_of(
        Signal(
            signal_id=row["signal_id"],
            strategy_id=row["strategy_id"],
            asset=row["asset"],
            as_of=ms(row["as_of"]),
            cycle=None if row["cycle"] is None else ms(row["cycle"]),
            trigger="cycle",
            final_score=row["final_score"],
            action=row["action"],
            fused_action=row["fused_action"],
            override=row["override"],
            confidence=row["confidence"],
            contributions=metadata.contributions,
            entry_price_usd=row["entry_price_usd"],
            position_size=row["position_size"],
            position_value_usd=row["position_value_usd"],
            stop_loss_usd=row["stop_loss_usd"],
            take_profit_usd=row["take_profit_usd"],
            features=metadata.features,
            detail=metadata.detail,
        )
    )


def text_of(facts: Facts | None) -> str:
    """Return the template's text; a sentence where there are no facts."""
    return _NO_TEXT if facts is None else template.write(facts)
