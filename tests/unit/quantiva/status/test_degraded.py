"""What the latest scores say is degraded."""

from __future__ import annotations

from quantiva.status.report import RECENT_MS, Degraded, degraded
from tests.unit.quantiva.status.samples import T0, score


def test_only_the_latest_score_of_an_asset_counts() -> None:
    old, new = score(), score(as_of=T0 + 1, detail={})
    assert degraded([new, old]) == ()


def test_assets_are_counted_and_the_most_frequent_text_is_named() -> None:
    scores = [
        score(asset="BTC"),
        score(asset="ETH"),
        score(asset="SOL", detail={"model": "busy"}),
        score(asset="XRP", detail={}),
        score(asset="BTC", engine="technical", detail={"candles": "none"}),
    ]
    assert degraded(scores) == (
        Degraded("sentiment", "model", 3, 4, "no weights"),
        Degraded("technical", "candles", 1, 1, "none"),
    )


def test_an_asset_that_left_the_trending_ones_does_not_count() -> None:
    gone, here = score(asset="OLD"), score(as_of=T0 + RECENT_MS + 1, detail={})
    assert degraded([gone, here]) == ()
