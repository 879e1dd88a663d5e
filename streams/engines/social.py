"""The social part of sentiment: an asset's metrics against its own baseline.

LunarCrush's sentiment stands near 80 % for almost every asset, so the level carries little and the
departure from the asset's own normal much. Each metric keeps an exponential mean and variance
by event time; a tick's value is measured against those before it:

    voice  = tanh(z / 2),  z = (value - mean) / max(deviation, floor)
    level  = mean of the voices of galaxy score and sentiment, by weight and maturity
    volume = mean of the voices of log volumes
    own    = clamp(level * (1 + 0.5 * volume)),  or 0.25 * volume where no level is given
    market = tanh((index - 50) / 22 / 2),  index: fear and greed of the whole market
    score  = clamp(own + 0.15 * market)

More talk than usual is more of whatever is being said; alone it is weak good news. The market's
mood is no metric of the asset: it moves the score of all of them by at most 0.15, has a fixed
baseline (50 is neutral by its makers' definition) in place of the asset's own, and adds 0.15 to the
confidence of the rest: own + (1 - own) * 0.15.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import log1p, sqrt, tanh
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.market import TrendingAsset
from schemas.times import HOUR_MS
from streams.constants import Positive, Share
from streams.engines.base import clamp


@dataclass(frozen=True, slots=True)
class SocialConfig:
    """Constants of the social part."""

    level_weights: tuple[tuple[str, float], ...] = (
        ("sentiment_pct", 0.35),
        ("galaxy_score", 0.25),
        ("twitter_sentiment_pct", 0.20),
        ("reddit_sentiment_pct", 0.20),
        ("votes_up_pct", 0.10),
    )
    """Metrics of 0 to 100 that say good or bad, and their weights."""
    volume_weights: tuple[tuple[str, float], ...] = (
        ("social_volume", 0.30),
        ("interactions", 0.20),
        ("twitter_volume", 0.25),
        ("reddit_volume", 0.25),
    )
    """Counts that say how much is said, and their weights."""
    baseline_half_life_ms: Positive = 7 * 24 * HOUR_MS
    """Age at which an observation counts half in the baseline: a week has every weekday once."""
    maturity_ticks: Positive = 6.0
    """Earlier ticks at which a baseline is trusted half; after a day of 144 ticks, 96 %."""
    level_floor: Positive = 4.0
    """Least deviation of a level in points: a metric that never moved must not shout at 1 point."""
    volume_floor: Positive = 0.25
    """Least deviation of a log volume: 28 %, the normal swing from one tick to another."""
    squash: Positive = 2.0
    """Deviations at which a voice reaches tanh(1) = 0.76."""
    volume_gain: Share = 0.5
    """How much an unusual volume strengthens or weakens the level."""
    volume_alone: Share = 0.25
    """Weight of a volume, in score and confidence, where no level is given."""
    full_weight: Positive = 0.6
    """Level weight that makes full confidence: sentiment and galaxy score, without networks."""
    market_neutral: Annotated[float, Meta(ge=0.0, le=100.0)] = 50.0
    """Fear and greed index that says neither, by its makers' definition."""
    market_deviation: Positive = 22.0
    """Points of the index that count as one deviation: about its own since 2018."""
    market_share: Share = 0.15
    """What the mood of the whole market may move the score of one asset, and its confidence."""


class Baseline(msgspec.Struct, frozen=True, gc=False):
    """Exponential mean and variance of one metric, and how many ticks are in them."""

    mean: float
    variance: float
    count: int
    observed_at: int


class Social(msgspec.Struct, frozen=True, gc=False):
    """Score of the newest tick, and the baselines. `observed_at` is 0 before the first tick.

    score -1 to 1, confidence 0 to 1, present: how many metrics of the asset the tick had,
    has_market: whether it had the mood of the market. galaxy_score: LunarCrush's, 0 to 100.
    """

    score: float = 0.0
    confidence: float = 0.0
    present: int = 0
    observed_at: int = 0
    baselines: dict[str, Baseline] = {}
    has_market: bool = False
    galaxy_score: float | None = None


def observe(config: SocialConfig, social: Social, tick: TrendingAsset) -> Social:
    """Return the social part after a tick; the same object for a repeated or late one."""
    if tick.observed_at <= social.observed_at:
        return social
    values = _values(config, tick)
    level, level_weight = _mean(config, social, values, config.level_weights, config.level_floor)
    volume, volume_weight = _mean(
        config, social, values, config.volume_weights, config.volume_floor
    )
    if level_weight > 0.0:
        score = clamp(level * (1.0 + config.volume_gain * volume))
        confidence = min(1.0, level_weight / config.full_weight)
    else:
        score = config.volume_alone * volume
        confidence = config.volume_alone * min(1.0, volume_weight)
    if tick.fear_greed is not None:
        apart = (tick.fear_greed - config.market_neutral) / config.market_deviation
        score = clamp(score + config.market_share * tanh(apart / config.squash))
        confidence += (1.0 - confidence) * config.market_share
    known = social.baselines
    learned = {
        name: _learn(config, known.get(name), value, tick.observed_at)
        for name, value in values.items()
    }
    return Social(
        score,
        confidence,
        len(values),
        tick.observed_at,
        {**known, **learned},
        tick.fear_greed is not None,
        tick.galaxy_score,
    )


def social_features(social: Social, *, trusted: bool) -> dict[str, float]:
    """Return the features of the social part: its score, 0 where it is stale, and galaxy score."""
    if not trusted:
        return {"sentiment_social": 0.0}
    if social.galaxy_score is None:
        return {"sentiment_social": social.score}
    return {"sentiment_social": social.score, "galaxy_score": social.galaxy_score}


def order_of(tick: TrendingAsset) -> bytes:
    """Return what tells ticks of one moment apart: of two, the later cycle, then chance, counts."""
    content = blake2b(msgspec.msgpack.encode(tick), digest_size=8).digest()
    return max(0, tick.cycle).to_bytes(8, "big") + content


def _values(config: SocialConfig, tick: TrendingAsset) -> dict[str, float]:
    """Return the metrics that the tick has; volumes as log(1 + count)."""
    values: dict[str, float] = {}
    for name, _ in config.level_weights:
        value = getattr(tick, name)
        if value is not None:
            values[name] = value
    for name, _ in config.volume_weights:
        value = getattr(tick, name)
        if value is not None:
            values[name] = log1p(value)
    return values


def _mean(
    config: SocialConfig,
    social: Social,
    values: dict[str, float],
    weights: tuple[tuple[str, float], ...],
    floor: float,
) -> tuple[float, float]:
    """Return the weighted mean voice in [-1, 1], and the weight behind it."""
    total = behind = 0.0
    for name, weight in weights:
        baseline = social.baselines.get(name)
        if baseline is None or name not in values:
            continue
        count, deviation = baseline.count, sqrt(baseline.variance)
        mature = weight * count / (count + config.maturity_ticks)
        deviation = max(deviation, floor)
        total += mature * tanh((values[name] - baseline.mean) / deviation / config.squash)
        behind += mature
    return (total / behind, behind) if behind > 0.0 else (0.0, 0.0)


def _learn(
    config: SocialConfig, baseline: Baseline | None, value: float, observed_at: int
) -> Baseline:
    """Return the baseline with one more value: a plain mean at first, exponential later."""
    if baseline is None:
        return Baseline(value, 0.0, 1, observed_at)
    age_ms = observed_at - baseline.observed_at
    alpha, count = 1.0 - 2.0 ** (-age_ms / config.baseline_half_life_ms), baseline.count + 1
    alpha = max(alpha, 1.0 / count)
    step = value - baseline.mean
    return Baseline(
        baseline.mean + alpha * step,
        (1.0 - alpha) * (baseline.variance + alpha * step * step),
        count,
        observed_at,
    )
