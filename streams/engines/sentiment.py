"""Sentiment, -1 to 1: headlines (model, lexicon, source label) and social metrics, smoothed.

    news = mean of headline scores by confidence * 2^(-age / 6 h)
    raw  = (0.6 c_news news + 0.4 c_social social) / (0.6 c_news + 0.4 c_social + 0.05)
    ema += (1 - (1 - 0.125)^(dt / 10 min)) * (raw - ema)        score = ema

The clock of an asset is the newest `observed_at` that it has seen. Late news joins the mean with
the weight that it would have by now, and moves no clock; a late or repeated tick changes nothing,
nor does the same headline or url again, unless it was published 48 h later or more.
The sums decay exactly, so no list of headlines is needed and the state is bounded.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from math import exp2, log2
from typing import Any

import msgspec

from schemas.market import NewsArticle, TrendingAsset
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.topics import NEWS
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.headline import ENTRY_BYTES, VoicesConfig, entry, repeats, score_headline
from streams.engines.social import Social, SocialConfig, observe


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the sentiment engine."""

    voices: VoicesConfig = field(default_factory=VoicesConfig)
    """Constants of the voices of a headline, and the transformer's results."""
    no_model_factor: float = 0.7
    """Factor on the confidence without the model: word lists miss what sentences mean."""
    silent_weight: float = 0.05
    """Weight of a headline on which no voice speaks: a hint that nothing happens."""
    half_life_ms: float = 6 * HOUR_MS
    """Age at which a headline counts half: most of a headline's effect is over within a day."""
    news_prior: float = 0.25
    """Headline weight at which the news part is trusted half; five clear headlines: 94 %."""
    news_share: float = 0.6
    """Weight of the news part in the raw score."""
    social_share: float = 0.4
    """Weight of the social part in the raw score."""
    neutral_share: float = 0.05
    """Weight of a voice that always says 0: when all else has faded, the score goes back to 0."""
    alpha: float = 0.125
    """Weight of the newest raw score after one cycle (SPEC)."""
    cycle_ms: float = 10 * MINUTE_MS
    """The cycle that `alpha` is meant for."""
    fresh_ms: float = 20 * MINUTE_MS
    """Full freshness up to this age: one cycle may be missed."""
    stale_ms: float = 2 * HOUR_MS
    """No freshness from this age on."""
    count_window_ms: int = DAY_MS
    """Window of `news_count_24h`."""
    count_most: int = 256
    """`news_count_24h` counts no further: bounds the state."""
    remembered: int = 256
    """Articles remembered to know a repetition by url or headline; 4 KiB of state."""
    repeated_within_ms: float = 2 * DAY_MS
    """Published so much later than the article that it repeats, an article is news again: after
    eight half-lives 0.4 % of the first is left, and copies of a story come within a day or two.
    With a memory by count alone a score depends for months on where the data began."""
    evidence_most: int = 10
    """Headlines named as evidence."""
    evidence_least: float = 0.01
    """A headline of less weight than this is evidence no more: a clear one after 38 hours."""
    social: SocialConfig = field(default_factory=SocialConfig)
    """Constants of the social part."""


class Headline(msgspec.Struct, frozen=True, gc=False):
    """A headline among the heaviest: its offset, time and weight when new."""

    offset: int
    observed_at: int
    weight: float


class State(msgspec.Struct, frozen=True, gc=False):
    """State of one asset; sums are decayed to `clock` (ms, 0: nothing seen)."""

    clock: int = 0
    price_usd: float | None = None
    ema: float | None = None
    raw: float = 0.0
    news_sum: float = 0.0
    news_weight: float = 0.0
    model_weight: float = 0.0
    heaviest: tuple[Headline, ...] = ()
    news_times: tuple[int, ...] = ()
    articles: bytes = b""
    social: Social = Social()


def initial(config: Config) -> State:
    """Return the state of an asset never seen."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a headline or a tick."""
    if isinstance(event, NewsArticle):
        return _apply_news(config, state, event, offset)
    if isinstance(event, TrendingAsset):
        return _apply_tick(config, state, event)
    return state


def _apply_tick(config: Config, state: State, tick: TrendingAsset) -> State:
    social = observe(config.social, state.social, tick)
    if social is state.social:
        return state
    moved = _moved(config, state, tick.observed_at)
    after = msgspec.structs.replace(moved, social=social, price_usd=tick.price_usd)
    return _smoothed(config, state, after)


def _apply_news(config: Config, state: State, news: NewsArticle, offset: int) -> State:
    new = entry(news)
    if repeats(state.articles, new, config.repeated_within_ms):
        return state
    score, confidence, by_model = score_headline(config.voices, news)
    weight = max(confidence, config.silent_weight)
    moved = _moved(config, state, news.observed_at)
    share = weight * _decay(config, moved.clock - news.observed_at)
    after = msgspec.structs.replace(
        moved,
        news_sum=moved.news_sum + share * score,
        news_weight=moved.news_weight + share,
        model_weight=moved.model_weight + (share if by_model else 0.0),
        heaviest=_with_headline(config, state, Headline(offset, news.observed_at, weight)),
        news_times=_with_time(config, moved, news.observed_at),
        articles=(state.articles + new)[-ENTRY_BYTES * config.remembered :],
    )
    return _smoothed(config, state, after)


def _moved(config: Config, state: State, observed_at: int) -> State:
    """Return the state with its clock at `observed_at`, or as it is for a late record."""
    if observed_at <= state.clock:
        return state
    decay = _decay(config, observed_at - state.clock)
    return msgspec.structs.replace(
        state,
        clock=observed_at,
        news_sum=state.news_sum * decay,
        news_weight=state.news_weight * decay,
        model_weight=state.model_weight * decay,
    )


def _smoothed(config: Config, before: State, after: State) -> State:
    """Return `after` with its raw score, and the average advanced by the time since `before`."""
    news_trust, social_trust = _trust(config, after, after.clock)
    if after.ema is None and news_trust <= 0.0 and social_trust <= 0.0:
        return after
    news_share = config.news_share * news_trust
    social_share = config.social_share * social_trust
    said = news_share * _news_mean(after) + social_share * after.social.score
    raw = clamp(said / (news_share + social_share + config.neutral_share))
    if before.ema is None:
        return msgspec.structs.replace(after, raw=raw, ema=raw)
    cycles = (after.clock - before.clock) / config.cycle_ms
    alpha = 1.0 - (1.0 - config.alpha) ** cycles
    ema = clamp(before.ema + alpha * (raw - before.ema))
    return msgspec.structs.replace(after, raw=raw, ema=ema)


def _trust(config: Config, state: State, now: int) -> tuple[float, float]:
    """Return how far the news and the social part are to be trusted at `now`, each 0 to 1."""
    weight = state.news_weight * _decay(config, now - state.clock)
    social_age_ms = now - state.social.observed_at
    fresh = freshness(social_age_ms, config.fresh_ms, config.stale_ms)
    return weight / (weight + config.news_prior), state.social.confidence * fresh


def _news_mean(state: State) -> float:
    return clamp(state.news_sum / state.news_weight) if state.news_weight > 0.0 else 0.0


def _decay(config: Config, age_ms: float) -> float:
    return exp2(-age_ms / config.half_life_ms)


def _with_headline(config: Config, state: State, new: Headline) -> tuple[Headline, ...]:
    """Return the heaviest headlines. All decay alike, so their order never changes with time."""

    def rank(headline: Headline) -> tuple[float, int]:
        weight = log2(headline.weight) + headline.observed_at / config.half_life_ms
        return weight, headline.offset

    ordered = sorted((*state.heaviest, new), key=rank, reverse=True)
    return tuple(ordered[: config.evidence_most])


def _with_time(config: Config, state: State, observed_at: int) -> tuple[int, ...]:
    """Return the times of the news within the window, oldest first."""
    times = list(state.news_times)
    insort(times, observed_at)
    del times[: bisect_right(times, state.clock - config.count_window_ms)]
    return tuple(times[-config.count_most :])


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the reading at `now` (ms), or at the newest record seen if that is later."""
    now = max(now, state.clock)
    news_trust, social_trust = _trust(config, state, now)
    first_new = bisect_right(state.news_times, now - config.count_window_ms)
    news_count = len(state.news_times) - first_new
    covered = _model_coverage(config, state)
    shares = config.news_share + config.social_share
    trust = (config.news_share * news_trust + config.social_share * social_trust) / shares
    model_factor = config.no_model_factor + (1.0 - config.no_model_factor) * covered
    return EngineReading(
        score=state.ema or 0.0,
        confidence=0.0 if state.ema is None else clamp(trust * model_factor, 0.0),
        freshness=freshness(
            now - state.clock if state.clock else None, config.fresh_ms, config.stale_ms
        ),
        data_time=state.clock or None,
        price_usd=state.price_usd,
        features={
            "sentiment_raw": state.raw,
            "sentiment_news": _news_mean(state),
            "sentiment_social": state.social.score if social_trust > 0.0 else 0.0,
            "news_count_24h": float(news_count),
        },
        evidence=_evidence(config, state, now),
        detail=_detail(config, state, covered, news_count, social_trust),
    )


def _model_coverage(config: Config, state: State) -> float:
    """Return which share of the news weight the model has scored, 0 to 1."""
    if config.voices.scorer is None:
        return 0.0
    return clamp(state.model_weight / state.news_weight, 0.0) if state.news_weight > 0.0 else 1.0


def _evidence(config: Config, state: State, now: int) -> tuple[int, ...]:
    """Return the offsets of the headlines that weigh most at `now`, newest last."""
    half_life_ms, least = config.half_life_ms, config.evidence_least
    return tuple(
        sorted(
            [
                headline.offset
                for headline in state.heaviest
                if headline.weight * exp2((headline.observed_at - now) / half_life_ms) >= least
            ]
        )
    )


def _detail(
    config: Config, state: State, covered: float, news_count: int, social_trust: float
) -> dict[str, str]:
    detail: dict[str, str] = {}
    if config.voices.scorer is None:
        detail["model"] = "no weights: lexicon and social only"
    elif covered < 0.995:
        detail["model"] = f"scored {covered:.0%} of the news"
    if not news_count:
        detail["news"] = "none in 24 h"
    if not state.social.observed_at:
        detail["social"] = "no tick yet"
    elif not state.social.present:
        detail["social"] = "the market's mood only" if state.social.has_market else "no metrics"
    elif social_trust <= 0.0:
        detail["social"] = "stale or warming up"
    return detail


ENGINE = Engine(
    name="sentiment",
    topic=NEWS.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.01,
)
