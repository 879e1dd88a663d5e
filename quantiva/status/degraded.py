"""What the latest scores name as degraded, summed up over the assets. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from schemas.scores import EngineScore
from schemas.times import MINUTE_MS

RECENT_MS = 15 * MINUTE_MS
"""Scores older than the engine's newest by more than this are of assets that left."""


class Degraded(msgspec.Struct, frozen=True):
    """One word of an engine's `detail`: how many assets have it, and its most frequent text."""

    engine: str
    part: str
    assets: int
    of: int
    text: str


def latest(scores: Iterable[EngineScore]) -> dict[str, dict[str, EngineScore]]:
    """Return the last score of each asset by engine, without those of assets that left."""
    by_engine: dict[str, dict[str, EngineScore]] = defaultdict(dict)
    for score in scores:
        known = by_engine[score.engine].get(score.asset)
        if known is None or score.as_of >= known.as_of:
            by_engine[score.engine][score.asset] = score
    return {engine: _recent(by_asset) for engine, by_asset in by_engine.items()}


def _recent(by_asset: dict[str, EngineScore]) -> dict[str, EngineScore]:
    newest = max(score.as_of for score in by_asset.values())
    return {asset: one for asset, one in by_asset.items() if newest - one.as_of <= RECENT_MS}


def degraded(scores: Iterable[EngineScore]) -> tuple[Degraded, ...]:
    """Return what is degraded, by engine and then by number of assets."""
    found = []
    for engine, by_asset in sorted(latest(scores).items()):
        texts: dict[str, Counter[str]] = defaultdict(Counter)
        for score in by_asset.values():
            for part, text in score.detail.items():
                texts[part][text] += 1
        for part, counted in sorted(texts.items(), key=lambda item: -item[1].total()):
            text = counted.most_common(1)[0][0]
            found.append(Degraded(engine, part, counted.total(), len(by_asset), text))
    return tuple(found)
