"""What an explanation may speak of: the facts of one signal. Pure.

No time is among them but the signal's own, which no text is asked to state: so two signals with
equal facts have equal hashes, and one text serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.signals import Signal

READINGS: dict[str, str] = {
    "news_count_24h": "headlines of the last 24 h",
    "sentiment_news": "sentiment of the news, -1 to 1",
    "sentiment_social": "sentiment of social media, -1 to 1",
    "RSI14@1h": "RSI on the 1h chart",
    "RSI14@4h": "RSI on the 4h chart",
    "TREND@4h": "trend on the 4h chart",
    "events_ahead": "scheduled events ahead",
    "nearest_event_hours": "hours until the nearest of them",
    "spread_bps": "spread of the order book in basis points",
}
"""The features that people know, of the hundred a signal has, with what they are."""
_MOST_TEXT = 120
_SCORE_DIGITS, _AMOUNT_DIGITS = 3, 6


class EngineFacts(msgspec.Struct, frozen=True, gc=False):
    """One engine's part: the score counts (`ok`), or is `missing` or `stale` and adds 0."""

    engine: str
    status: str
    score: float
    confidence: float
    weight: float
    contribution: float


class Facts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The facts of a signal.

    `parts` are the engines in their order; `readings` are features by name, of `READINGS`; `notes`
    say what was missing, stale or degraded, by `<engine>.<word>`. Prices and values are USD, the
    size is units of the asset. `as_of` and `cycle`, ms since 1970 UTC, belong to the signal and
    not to what a text is made from.
    """

    asset: str
    strategy_id: str
    action: str
    fused_action: str
    override: str | None
    final_score: float
    confidence: float
    parts: tuple[EngineFacts, ...]
    entry_price_usd: float | None
    position_size: float
    position_value_usd: float
    stop_loss_usd: float | None
    take_profit_usd: float | None
    readings: dict[str, float]
    notes: dict[str, str]
    as_of: int
    cycle: int | None


def facts_of(signal: Signal) -> Facts:
    """Return the facts of a signal."""
    return Facts(
        asset=_line(signal.asset),
        strategy_id=_line(signal.strategy_id),
        action=signal.action,
        fused_action=signal.fused_action,
        override=signal.override,
        final_score=signal.final_score,
        confidence=signal.confidence,
        parts=tuple(
            EngineFacts(p.engine, p.status, p.score, p.confidence, p.weight, p.contribution)
            for p in signal.contributions
        ),
        entry_price_usd=signal.entry_price_usd,
        position_size=signal.position_size,
        position_value_usd=signal.position_value_usd,
        stop_loss_usd=signal.stop_loss_usd,
        take_profit_usd=signal.take_profit_usd,
        readings={name: signal.features[name] for name in READINGS if name in signal.features},
        notes={name: _line(text) for name, text in sorted(signal.detail.items())},
        as_of=signal.as_of,
        cycle=signal.cycle,
    )


def values(facts: Facts) -> Iterator[tuple[str, float]]:
    """Yield every number of the facts with its name; a name ends in its unit (`_usd`, `_bps`)."""
    yield "final_score", facts.final_score
    yield "confidence", facts.confidence
    for part in facts.parts:
        if part.status == "ok":
            yield f"{part.engine}.score", part.score
            yield f"{part.engine}.confidence", part.confidence
            yield f"{part.engine}.contribution", part.contribution
        yield f"{part.engine}.weight", part.weight
    amounts = {
        "entry_price_usd": facts.entry_price_usd,
        "position_size": facts.position_size,
        "position_value_usd": facts.position_value_usd,
        "stop_loss_usd": facts.stop_loss_usd,
        "take_profit_usd": facts.take_profit_usd,
    }
    for name, amount in amounts.items():
        if amount is not None:
            yield name, amount
    yield from facts.readings.items()


def is_amount(name: str) -> bool:
    """Return whether a number is a price, a size or a value, which are told in more digits."""
    return name.endswith("_usd") or name == "position_size"


def plain(value: float, digits: int) -> str:
    """Return a number in that many significant digits, without an exponent: 0.00042, 64200."""
    text = format(Decimal(f"{value:.{digits}g}"), "f")
    return "0" if float(text) == 0.0 else text


def shown(name: str, value: float) -> str:
    """Return a number as the model and the template see it."""
    return plain(value, _AMOUNT_DIGITS if is_amount(name) else _SCORE_DIGITS)


def as_prompt(facts: Facts) -> dict[str, Any]:
    """Return the facts as the model is given them: plain JSON, rounded numbers, no time."""
    amounts = {name: float(shown(name, value)) for name, value in values(facts)}
    return {
        "asset": facts.asset,
        "strategy": facts.strategy_id,
        "action": facts.action,
        "action_by_score_alone": facts.fused_action,
        "overridden_by": facts.override,
        "final_score": amounts["final_score"],
        "confidence": amounts["confidence"],
        "engines": [_told_part(part, amounts) for part in facts.parts],
        **{name: amounts[name] for name in amounts if is_amount(name)},
        "readings": {READINGS[name]: amounts[name] for name in facts.readings},
        "notes": facts.notes,
    }


def input_hash(facts: Facts, writer: str) -> str:
    """Return 32 hex digits: equal for equal facts under the same `writer` (model and prompt)."""
    body = msgspec.json.encode([writer, as_prompt(facts)], order="deterministic")
    return blake2b(body, digest_size=16).hexdigest()


def _told_part(part: EngineFacts, amounts: dict[str, float]) -> dict[str, Any]:
    names = ("score", "confidence", "weight", "contribution")
    known = {name: amounts.get(f"{part.engine}.{name}") for name in names}
    return {
        "engine": part.engine.replace("_", " "),
        "status": part.status,
        **{name: value for name, value in known.items() if value is not None},
    }


def _line(text: str) -> str:
    """Return a text on one printable line of bounded length: some of it comes from users."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= _MOST_TEXT else f"{line[: _MOST_TEXT - 1]}…"
