"""A strategy's position in an asset, as fusion decides it: entered, watched at every price, left.

    stop     entry * (1 - percent / 100), or entry - multiple * ATR 14 of the entry
    target   entry * (1 + percent / 100), or entry + multiple * ATR 14 of the entry
    trailing highest price since the entry, less so many percent of it, or multiple * that ATR

All levels are fixed at the entry, whatever a later version of the strategy says; the trailing one
rises with the highest price and never falls. The age is event time, by the strategy as it is now.
A level that would lie at or below 0 is none: nothing trades there.
"""

from __future__ import annotations

import msgspec

from schemas.control import Strategy
from schemas.signals import OpenPosition, TracePart
from schemas.times import HOUR_MS
from streams.rules import truth_word


class Holding(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a position. Prices in USD, times in ms.

    highest_usd                 the highest price since the entry, the entry's among them
    trailing_pct, trailing_usd  how far the trailing stop lies below it: one of the two, or neither
    """

    entry_price_usd: float
    entered_at: int
    highest_usd: float
    stop_loss_usd: float | None = None
    take_profit_usd: float | None = None
    trailing_pct: float | None = None
    trailing_usd: float | None = None


def enter(
    strategy: Strategy, price_usd: float, at_ms: int, atr_usd: float | None
) -> tuple[Holding, dict[str, str]]:
    """Return the position of a BUY at a price above 0, and which levels it lacks, for people.

    `atr_usd` is ATR 14 of the strategy's timeframe, None where it is not known: a level in ATR is
    then left out, and said.
    """
    percents = (strategy.stop_loss_pct, strategy.take_profit_pct, strategy.trailing_stop_pct)
    multiples = (strategy.stop_loss_atr, strategy.take_profit_atr, strategy.trailing_stop_atr)
    known = atr_usd is not None and atr_usd > 0.0
    lacking = {
        name: f"ATR14@{strategy.timeframe} is not known, so there is no {word}"
        for (name, word), percent, multiple in zip(_LEVELS, percents, multiples, strict=True)
        if percent is None and multiple is not None and not known
    }
    stop, target, trailing = (
        _distance_usd(percent, multiple, atr_usd if known else None, price_usd)
        for percent, multiple in zip(percents, multiples, strict=True)
    )
    in_percent = strategy.trailing_stop_pct is not None
    return Holding(
        price_usd,
        at_ms,
        price_usd,
        None if stop is None else _above_0(price_usd - stop),
        None if target is None else price_usd + target,
        strategy.trailing_stop_pct if in_percent and trailing is not None else None,
        None if in_percent else trailing,
    ), lacking


_LEVELS = (
    ("stop_loss", "stop"),
    ("take_profit", "target"),
    ("trailing_stop", "trailing stop"),
)


def _distance_usd(
    percent: float | None, multiple: float | None, atr_usd: float | None, price_usd: float
) -> float | None:
    """Return how far a level lies from the price; percent rules. None: it is not wanted."""
    if percent is not None:
        return price_usd * percent / 100.0 if percent > 0.0 else None
    if multiple is None or atr_usd is None or not multiple > 0.0:
        return None
    return multiple * atr_usd


def _above_0(level_usd: float) -> float | None:
    return level_usd if level_usd > 0.0 else None


def at_price(holding: Holding, price_usd: float) -> Holding:
    """Return the position after a price was seen: the highest one may be new."""
    if price_usd <= holding.highest_usd:
        return holding
    return msgspec.structs.replace(holding, highest_usd=price_usd)


def trailing_stop_usd(holding: Holding) -> float | None:
    """Return the trailing stop's level, None: it has none."""
    if holding.trailing_pct is not None:
        return _above_0(holding.highest_usd * (1.0 - holding.trailing_pct / 100.0))
    if holding.trailing_usd is not None:
        return _above_0(holding.highest_usd - holding.trailing_usd)
    return None


def age_hours(holding: Holding, now_ms: int) -> float:
    """Return how long the position has been held, in hours, 0 or more."""
    return max(0, now_ms - holding.entered_at) / HOUR_MS


def profit_pct(holding: Holding, price_usd: float) -> float:
    """Return what a price is above the entry price, in percent of it; below 0 it is a loss."""
    return (price_usd / holding.entry_price_usd - 1.0) * 100.0


def left_for(
    strategy: Strategy, holding: Holding, price_usd: float | None, now_ms: int
) -> str | None:
    """Return why the position is left now, the first reason in SPEC's order; None: it is kept.

    stop_loss, trailing_stop, take_profit or max_age. Without a price only the age counts.
    """
    if price_usd is not None:
        level_usd = holding.stop_loss_usd
        if level_usd is not None and price_usd <= level_usd:
            return "stop_loss"
        level_usd = trailing_stop_usd(holding)
        if level_usd is not None and price_usd <= level_usd:
            return "trailing_stop"
        level_usd = holding.take_profit_usd
        if level_usd is not None and price_usd >= level_usd:
            return "take_profit"
    most_hours = strategy.max_age_hours
    if most_hours is not None and now_ms - holding.entered_at >= most_hours * HOUR_MS:
        return "max_age"
    return None


def open_position(holding: Holding) -> OpenPosition:
    """Return the position as a decision shows it."""
    return OpenPosition(
        holding.entry_price_usd,
        holding.entered_at,
        holding.stop_loss_usd,
        holding.take_profit_usd,
        trailing_stop_usd(holding),
    )


def trace(
    strategy: Strategy, holding: Holding, price_usd: float | None, now_ms: int
) -> list[TracePart]:
    """Return what `left_for` asked, in its order, as far as it asked."""
    levels = (
        ("stop_loss", "<=", holding.stop_loss_usd),
        ("trailing_stop", "<=", trailing_stop_usd(holding)),
        ("take_profit", ">=", holding.take_profit_usd),
    )
    reason = left_for(strategy, holding, price_usd, now_ms)
    parts = []
    for rule, sign, level_usd in levels:
        if level_usd is None:
            continue
        part, saw = f"PRICE {sign} {number(level_usd)}", f"PRICE {number(price_usd)}"
        parts.append(
            TracePart(rule, part, truth_word(None if price_usd is None else rule == reason), saw)
        )
        if rule == reason:
            return parts
    if strategy.max_age_hours is not None:
        part, age = f"AGE >= {number(strategy.max_age_hours)}", age_hours(holding, now_ms)
        parts.append(
            TracePart("max_age", part, truth_word(reason == "max_age"), f"AGE {number(age)}")
        )
    return parts


def number(value: float | None) -> str:
    """Write a number for people, to nine digits; None: missing."""
    return "missing" if value is None else f"{value:.9g}"
