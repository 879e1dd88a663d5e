"""Strategies and their changes in words, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.control import Strategy, effective_weights
from schemas.strategy_changes import differences
from schemas.text import moment

if TYPE_CHECKING:
    from quantiva.wiring.strategies import Version

_WHEN = "%Y-%m-%d %H:%M:%S"
_MOST_WATCHED = 4


def printable(text: str) -> str:
    """Return a text without what no terminal prints (escape sequences in a name), line by line."""
    return "\n".join(
        "".join(letter if letter.isprintable() else " " for letter in line)
        for line in text.split("\n")
    )


def when(time_ms: int) -> str:
    """Return a time in UTC, "" for 0."""
    return moment(time_ms, _WHEN) if time_ms else ""


def what_changed(before: Strategy | None, after: Strategy) -> str:
    """Return the fields that changed, a line each, to stand behind the version."""
    if before is None:
        return ", new"
    return "".join(
        f"\n  {name}: {_shown(old)} -> {_shown(new)}"
        for name, (old, new) in differences(before, after).items()
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return "not set" if value is None else repr(value) if isinstance(value, str) else str(value)


def version_line(one: Version, older: Version | None) -> str:
    """Return a version of a strategy: when, by whom, what it changed of the one before."""
    if one.strategy is None:
        return f"{when(one.changed_at)}  deleted"
    by = f" by {one.author}" if one.author else ""
    before = None if older is None else older.strategy
    what = "" if before is None else what_changed(before, one.strategy)
    return f"{when(one.changed_at)}  version {one.version}{by}{what}"


def watched(strategy: Strategy) -> str:
    """Return the first few assets that a strategy names."""
    few, left = strategy.assets[:_MOST_WATCHED], len(strategy.assets) - _MOST_WATCHED
    return (", ".join(few) + (f" and {left} more" if left > 0 else "")) or "all"


def described(strategy: Strategy) -> str:
    """Return a strategy in a few lines: who, weights, thresholds, rules, stops."""
    weights = ", ".join(f"{name} {one:g}" for name, one in effective_weights(strategy).items())
    own = "" if strategy.weights else " (the defaults)"
    state = "active" if strategy.active else "not active"
    assets = ", ".join(strategy.assets) or "all assets"
    by = f" by {strategy.author}" if strategy.author else ""
    lines = [
        f"{strategy.strategy_id}: {strategy.name}, of {strategy.user_id or strategy.owner}, "
        f"version {strategy.version}{by}, {state}, {strategy.timeframe}, {assets}",
        *(line for line in strategy.description.splitlines() if line),
        f"weights: {weights}{own}",
        f"BUY above {strategy.buy_threshold:g}, SELL below {strategy.sell_threshold:g}, "
        f"HOLD while event risk is below {strategy.event_risk_floor:g}",
    ]
    plain = Strategy(strategy_id="", owner="", name="")
    said = ("name", "owner", "user_id", "description", "weights", "assets", "timeframe", "active")
    more = [
        f"{name}: {_shown(new)}"
        for name, (_, new) in differences(plain, strategy).items()
        if name not in (*said, "strategy_id", "buy_threshold", "sell_threshold", "event_risk_floor")
    ]
    return "\n  ".join([*lines, *more])
