"""The four admin strategies that ship, out of the files in `prebuilt/`, each with its reasons."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.control import Strategy
from schemas.strategy_changes import is_same
from schemas.strategy_files import read_strategies

if TYPE_CHECKING:
    from transport.publisher import Publisher

SHIPPED_BY = "quantiva"
"""Author of what ships: whose strategy has another one was changed by somebody, and stays."""
_WRITTEN_MS = 1_796_083_200_000
"""2026-12-01, when these were last changed: fixed, so that publishing again changes nothing."""
_ORDER = ("trend-following", "mean-reversion", "sentiment-momentum", "defensive")
_RETIRED, _RETIRED_MS = ("balanced", "momentum", "news", "cautious"), 1_767_225_600_000
"""What shipped before these, and its time: nobody has changed one that still has it."""


def _prebuilt() -> tuple[Strategy, ...]:
    found = {one.strategy_id: one for one in read_strategies(Path(__file__).parent / "prebuilt")}
    return tuple(replace(found[name], author=SHIPPED_BY, updated_at=_WRITTEN_MS) for name in _ORDER)


PREBUILT: tuple[Strategy, ...] = _prebuilt()


def to_publish(stored: Mapping[str, Strategy], gone: Container[str] = ()) -> list[Strategy]:
    """Return what is to be published beside the strategies that are stored, by id.

    The pre-built ones that are missing, newer ones in place of those that nobody changed, and those
    that shipped before, switched off where nobody changed them. `gone`: ids that somebody deleted.
    """
    made: list[Strategy] = []
    for one in PREBUILT:
        before = stored.get(one.strategy_id)
        if before is None:
            made.extend(() if one.strategy_id in gone else (one,))
        elif before.author == SHIPPED_BY and not is_same(before, one):
            made.append(_after(before, one))
    for name in _RETIRED:
        old = stored.get(name)
        if old is not None and old.active and (old.version, old.updated_at) == (1, _RETIRED_MS):
            made.append(_after(old, replace(old, active=False, description=_WHY_RETIRED)))
    return made


_WHY_RETIRED = "Switched off: the strategies that ship now have taken its place."


def _after(before: Strategy, wanted: Strategy) -> Strategy:
    at_ms = max(_WRITTEN_MS, before.updated_at + 1)
    return replace(wanted, version=before.version + 1, author=SHIPPED_BY, updated_at=at_ms)


async def publish_prebuilt(
    publisher: Publisher, stored: Mapping[str, Strategy] | None = None, gone: Container[str] = ()
) -> None:
    """Publish what `to_publish` returns, and return when it is acknowledged.

    Raises PublishError as the publisher does.
    """
    for strategy in to_publish(stored or {}, gone):
        await publisher.publish(strategy)
    await publisher.flush()
