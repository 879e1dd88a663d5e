"""What a change of a strategy makes of it, and what one user may have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.control import Strategy


def is_same(one: Strategy, other: Strategy) -> bool:
    """Return whether two versions do the same: all but version, author and time is equal."""
    return _content(one) == _content(other)


def differences(one: Strategy, other: Strategy) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two versions differ, with both values; {} where `is_same`."""
    old, new = _content(one), _content(other)
    return {
        name: (getattr(old, name), getattr(new, name))
        for name in Strategy.__struct_fields__
        if getattr(old, name) != getattr(new, name)
    }


def _content(strategy: Strategy) -> Strategy:
    return replace(strategy, version=1, updated_at=0, author=None)


def successor(wanted: Strategy, before: Strategy | None, author: str, now_ms: int) -> Strategy:
    """Return what is saved: the version after `before`, of the same owner, by `author`.

    A wanted strategy that is a user's belongs to that user. `now_ms` is the wall clock; the time
    is never before that of the version it follows, for the clocks of two machines differ.
    """
    if before is None:
        return replace(wanted, version=1, author=author, updated_at=now_ms)
    owned = wanted if wanted.owner == "user" else before
    return replace(
        wanted,
        version=before.version + 1,
        owner=owned.owner,
        user_id=owned.user_id,
        author=author,
        updated_at=max(now_ms, before.updated_at + 1),
    )


class Limits(msgspec.Struct, frozen=True):
    """What one user may have: strategies; assets and cost of the rules of each of them.

    The cost is that of `schemas.rule_language`: about so many milliseconds a candle and asset.
    """

    strategies: int = 20
    assets: int = 50
    rule_cost: int = 30


def beyond(wanted: Strategy, stored: Mapping[str, Strategy], limits: Limits) -> str | None:
    """Return why a user may not save a strategy beside those that are stored, or None.

    A sentence that begins with the field's name. Admins have no limits of their own, and what
    somebody has already may be changed.
    """
    if wanted.owner != "user":
        return None
    before = stored.get(wanted.strategy_id)
    most = max(limits.assets, 0 if before is None else len(before.assets))
    if len(wanted.assets) > most:
        return (
            f"assets has {len(wanted.assets)} assets, more than the {limits.assets} that a user's "
            "strategy may name"
        )
    if wrong := _costly(wanted, before, limits.rule_cost):
        return wrong
    own = sum(one.owner == "user" and one.user_id == wanted.user_id for one in stored.values())
    if before is None and own >= limits.strategies:
        return (
            f"strategy_id {wanted.strategy_id} would be one more than the {limits.strategies} "
            f"strategies that {wanted.user_id} may have: delete another one"
        )
    return None


def _costly(wanted: Strategy, before: Strategy | None, most: int) -> str | None:
    if wanted.entry_rule is None and wanted.exit_rule is None:
        return None
    found = _rule_cost(wanted)
    if found <= max(most, 0 if before is None else _rule_cost(before)):
        return None
    name = "exit_rule" if wanted.entry_rule is None else "entry_rule"
    return (
        f"{name} names indicators that cost {found}, with those of the other rule, more than the "
        f"{most} that a user's strategy may: name fewer of them"
    )


def _rule_cost(strategy: Strategy) -> int:
    """Return the cost of a strategy's rules; the language is loaded for one that has some."""
    from schemas.rule_language import cost, in_timeframe, parse

    rules = [text for text in (strategy.entry_rule, strategy.exit_rule) if text is not None]
    return cost([in_timeframe(parse(text), strategy.timeframe) for text in rules])
