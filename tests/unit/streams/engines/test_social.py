"""The social part: metrics against the asset's own baseline."""

from __future__ import annotations

from math import log1p, tanh
from typing import Any

import msgspec
import pytest

from streams.engines.social import Baseline, Social, SocialConfig, observe, social_features
from tests.factories import DAY_MS, MINUTE_MS
from tests.unit.streams.engines._records import T0, make_tick

CONFIG = SocialConfig()
CYCLE_MS = 10 * MINUTE_MS


def after(*ticks: dict[str, Any], step_ms: int = CYCLE_MS) -> Social:
    """Return the social part after ticks with these metrics, one a cycle."""
    social = Social()
    for place, metrics in enumerate(ticks):
        social = observe(CONFIG, social, make_tick(T0 + place * step_ms, **metrics))
    return social


def test_first_tick_only_starts_the_baseline() -> None:
    social = after({"sentiment_pct": 80.0, "twitter_volume": 100.0})
    assert (social.score, social.confidence, social.present) == (0.0, 0.0, 2)
    assert social.baselines["sentiment_pct"] == Baseline(80.0, 0.0, 1, T0)
    assert social.baselines["twitter_volume"].mean == log1p(100.0)


def test_voice_by_hand() -> None:
    """12 ticks at 70, then 78: deviation is the floor of 4 points, so z is 2."""
    social = after(*[{"sentiment_pct": 70.0}] * 12, {"sentiment_pct": 78.0})
    assert social.score == pytest.approx(tanh(1.0))
    assert social.confidence == pytest.approx(0.35 * 12 / 18 / 0.6)


def test_baseline_by_hand() -> None:
    """The second value counts half: mean 74, variance 1/2 * (0 + 1/2 * 8^2) = 16."""
    social = after({"galaxy_score": 70.0}, {"galaxy_score": 78.0})
    assert social.baselines["galaxy_score"] == Baseline(74.0, 16.0, 2, T0 + CYCLE_MS)


def test_restless_metric_needs_more_to_speak() -> None:
    """Swings of 10 points are its normal, so 8 points are less than one deviation."""
    restless = after(*[{"galaxy_score": 50.0 + 10 * (-1) ** n} for n in range(40)], {})
    tick = make_tick(T0 + 41 * CYCLE_MS, galaxy_score=58.0)
    deviation = restless.baselines["galaxy_score"].variance ** 0.5
    assert deviation == pytest.approx(10.0, rel=0.01)
    score = observe(CONFIG, restless, tick).score
    mean = restless.baselines["galaxy_score"].mean
    assert score == pytest.approx(tanh((58.0 - mean) / deviation / 2))


def test_baseline_forgets_by_event_time() -> None:
    """A pause of one half-life makes the newest value count half, however many came before."""
    social = after(*[{"galaxy_score": 40.0}] * 50)
    tick = make_tick(social.observed_at + 7 * DAY_MS, galaxy_score=60.0)
    assert observe(CONFIG, social, tick).baselines["galaxy_score"].mean == pytest.approx(50.0)


@pytest.mark.parametrize("name", [name for name, _ in CONFIG.level_weights])
def test_level_against_its_own_normal(name: str) -> None:
    """90 is bad news for an asset that stands at 95, and good for one that stands at 85."""
    assert after(*[{name: 95.0}] * 9, {name: 90.0}).score < -0.4
    assert after(*[{name: 85.0}] * 9, {name: 90.0}).score > 0.4


@pytest.mark.parametrize("name", [name for name, _ in CONFIG.volume_weights])
def test_volume_says_more_of_what_is_said(name: str) -> None:
    usual = [{"sentiment_pct": 80.0, name: 1000.0}] * 9
    for sentiment, sign in ((85.0, 1), (75.0, -1)):
        calm = after(*usual, {"sentiment_pct": sentiment, name: 1000.0})
        loud = after(*usual, {"sentiment_pct": sentiment, name: 9000.0})
        assert sign * loud.score > sign * calm.score > 0.0


def test_volume_alone_is_weak() -> None:
    social = after(*[{"twitter_volume": 1000.0}] * 99, {"twitter_volume": 1e6})
    assert social.score == pytest.approx(0.25, abs=0.001)
    assert 0.0 < social.confidence < 0.1


def test_null_metric_is_left_out() -> None:
    both = {"sentiment_pct": 70.0, "galaxy_score": 50.0}
    alone = after(*[both] * 12, {"sentiment_pct": 78.0})
    assert alone.score == pytest.approx(tanh(1.0))
    assert alone.present == 1
    assert "galaxy_score" in alone.baselines


def test_without_metrics() -> None:
    social = after(*[{"sentiment_pct": 70.0}] * 12, {})
    assert (social.score, social.confidence, social.present) == (0.0, 0.0, 0)


def test_full_confidence_with_sentiment_and_galaxy_score() -> None:
    social = after(*[{"sentiment_pct": 70.0, "galaxy_score": 50.0}] * 145)
    assert social.confidence == pytest.approx(144 / 150)


@pytest.mark.parametrize("back_ms", [0, 1, DAY_MS], ids=["repeated", "late", "very-late"])
def test_late_tick_changes_nothing(back_ms: int) -> None:
    social = after({"sentiment_pct": 70.0}, {"sentiment_pct": 75.0})
    late = make_tick(social.observed_at - back_ms, sentiment_pct=10.0)
    assert observe(CONFIG, social, late) is social


def test_survives_storage() -> None:
    social = after(*[{"sentiment_pct": 70.0, "reddit_volume": 5.0}] * 3)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(social), type=Social) == social


@pytest.mark.parametrize(
    ("index", "market"),
    [
        pytest.param(50.0, 0.0, id="neither"),
        pytest.param(72.0, 0.15 * tanh(0.5), id="one deviation of greed"),
        pytest.param(6.0, -0.15 * tanh(1.0), id="two of fear"),
        pytest.param(100.0, 0.15 * tanh(50 / 44), id="all the greed there is"),
    ],
)
def test_mood_of_the_market_alone(index: float, market: float) -> None:
    """From the first tick on, for its baseline is fixed; it says little of one asset."""
    social = after({"fear_greed": index})
    assert social.score == pytest.approx(market)
    assert (social.confidence, social.present, social.has_market) == (0.15, 0, True)
    assert social.baselines == {}


def test_mood_of_the_market_beside_the_asset_s_own_metrics() -> None:
    """It moves what they say by its share, and adds its share of what they leave open."""
    talk = [*[{"sentiment_pct": 70.0}] * 12, {"sentiment_pct": 78.0}]
    own, both = after(*talk), after(*talk[:-1], {**talk[-1], "fear_greed": 28.0})
    assert both.score == pytest.approx(own.score - 0.15 * tanh(0.5))
    assert both.confidence == pytest.approx(own.confidence + (1 - own.confidence) * 0.15)
    assert both.baselines == own.baselines


def test_votes_are_a_metric_of_the_asset_s_own() -> None:
    """12 ticks at 80, then 88: deviation is the floor of 4 points, so z is 2."""
    social = after(*[{"votes_up_pct": 80.0}] * 12, {"votes_up_pct": 88.0})
    assert social.score == pytest.approx(tanh(1.0))
    assert social.confidence == pytest.approx(0.10 * 12 / 18 / 0.6)
    assert social.has_market is False


def test_features_name_the_galaxy_score_of_the_newest_tick_while_it_is_trusted() -> None:
    social = after({"galaxy_score": 70.0}, {"galaxy_score": 78.0})
    assert social_features(social, trusted=True) == {
        "sentiment_social": social.score,
        "galaxy_score": 78.0,
    }
    assert social_features(social, trusted=False) == {"sentiment_social": 0.0}
    gone = after({"galaxy_score": 70.0}, {"sentiment_pct": 78.0})
    assert "galaxy_score" not in social_features(gone, trusted=True)
