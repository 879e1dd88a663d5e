"""What the latest scores say is degraded, and how sure they are."""

from __future__ import annotations

import pytest

from quantiva.status.report import RECENT_MS, Degraded, confidence, degraded
from tests.unit.quantiva.status.samples import T0, score


def test_only_the_latest_score_of_an_asset_counts() -> None:
    old, new = score(), score(as_of=T0 + 1, detail={})
    assert degraded([new, old]) == ()


def test_assets_are_counted_and_the_most_frequent_text_is_named() -> None:
    scores = [
        score(asset="BTC"),
        score(asset="ETH"),
        score(asset="SOL", detail={"model": "no model: busy"}),
        score(asset="XRP", detail={"model": "small 0123456789ab"}),
        score(asset="BTC", engine="technical", detail={"candles": "none"}),
    ]
    assert degraded(scores) == (
        Degraded("sentiment", "model", 3, 4, "no weights"),
        Degraded("technical", "candles", 1, 1, "none"),
    )


def test_an_asset_that_left_the_trending_ones_does_not_count() -> None:
    gone, here = score(asset="OLD"), score(as_of=T0 + RECENT_MS + 1, detail={})
    assert degraded([gone, here]) == ()


def test_the_confidence_of_an_engine_is_the_mean_over_the_assets() -> None:
    scores = [
        score(asset="BTC", confidence=0.1),
        score(asset="BTC", as_of=T0 + 1, confidence=0.8),
        score(asset="ETH", confidence=0.4),
        score(asset="BTC", engine="technical", confidence=1.0),
    ]
    assert confidence(scores) == pytest.approx({"sentiment": 0.6, "technical": 1.0})
    assert confidence([]) == {}
