"""The facts of one signal that an explanation may use. Pure.

No time is among them but the signal's own, which no text is asked to state: so two signals with
equal facts have equal hashes, and one text serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.signals import Contribution, Signal

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


class Facts(Signal, frozen=True, gc=False, kw_only=True):
    """A signal whose texts are each one line of bounded length, and whose features are `READINGS`.

    `as_of` and `cycle` belong to the signal and not to what a text is made from.
    """


def facts_of(signal: Signal) -> Facts:
    """Return the facts of a signal."""
    facts = msgspec.structs.replace(
        signal,
        asset=_line(signal.asset),
        strategy_id=_line(signal.strategy_id),
        features={name: signal.features[name] for name in READINGS if name in signal.features},
        detail={name: _line(text) for name, text in sorted(signal.detail.items())},
    )
    return Facts(**{name: getattr(facts, name) for name in facts.__struct_fields__})


def values(facts: Facts) -> Iterator[tuple[str, float]]:
    """Yield every number of the facts with its name; a name ends in its unit (`_usd`, `_bps`)."""
    yield "final_score", facts.final_score
    yield "confidence", facts.confidence
    for part in facts.contributions:
        if part.status == "ok":
            yield f"{part.engine}.score", part.score
            yield f"{part.engine}.confidence", part.confidence
            yield f"{part.engine}.contribution", part.contribution
        yield f"{part.engine}.weight", part.weight
    for name in facts.__struct_fields__:
        if is_amount(name) and (amount := getattr(facts, name)) is not None:
            yield name, amount
    yield from facts.features.items()


def is_amount(name: str) -> bool:
    """Return whether a number is a price, a size or a value, which get more digits."""
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
        "engines": [_told_part(part, amounts) for part in facts.contributions],
        **{name: amounts[name] for name in amounts if is_amount(name)},
        "readings": {READINGS[name]: amounts[name] for name in facts.features},
        "notes": facts.detail,
    }


def input_hash(facts: Facts, writer: str) -> str:
    """Return 32 hex digits: equal for equal facts under the same `writer` (model and prompt)."""
    body = msgspec.json.encode([writer, as_prompt(facts)], order="deterministic")
    return blake2b(body, digest_size=16).hexdigest()


def _told_part(part: Contribution, amounts: dict[str, float]) -> dict[str, Any]:
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
