"""Sentiment, -1 to 1: scored headlines and social metrics, smoothed.

    news = mean of headline scores by confidence * source weight * 2^(-age / 6 h)
    raw  = (0.6 c_news news + 0.4 c_social social) / (0.6 c_news + 0.4 c_social + 0.05)
    ema  = before + (1 - (1 - 0.125)^(dt / 10 min)) * (raw - before)        score = ema

A headline ages from when it was published, where that is known. The clock of an asset is the newest
`observed_at` that it has seen. All records of one moment of it have no order: `before` is the
average as the moment before left it, and what the moment brings is kept apart until it is over
(`sentiment_state.py`). The first moment, and one after a pause longer than the half-life of the
news, begins the average at its raw score. Late news joins the moment at hand, and moves no clock.
The same headline or url again changes nothing, unless it was published 48 h later or more.
The sums of earlier moments decay exactly, so no list of headlines is needed: the state is bounded.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import exp2, fsum
from typing import Any

from msgspec.structs import replace

from schemas.market import TrendingAsset
from schemas.scores import NewsScore
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.topics import NEWS_SCORES
from streams.constants import Count, Positive, Share
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.repetition import ENTRY_BYTES, repeats
from streams.engines.sentiment_state import Headline, State, counted, entries, headline_of, heaviest
from streams.engines.social import SocialConfig, observe, order_of, social_features


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the sentiment engine."""

    no_model_factor: Share = 0.7
    """Factor on the confidence without the model: word lists miss what sentences mean."""
    silent_weight: Share = 0.05
    """Weight of a headline on which no voice speaks: a hint that nothing happens."""
    half_life_ms: Positive = 6 * HOUR_MS
    """Age at which a headline counts half: most of a headline's effect is over within a day."""
    news_prior: Positive = 0.25
    """Headline weight at which the news part is trusted half; five clear headlines: 94 %."""
    news_share: Positive = 0.6
    """Weight of the news part in the raw score."""
    social_share: Positive = 0.4
    """Weight of the social part in the raw score."""
    neutral_share: Share = 0.05
    """Weight of a voice that always says 0: when all else has faded, the score goes back to 0."""
    alpha: Share = 0.125
    """Weight of the newest raw score after one cycle (SPEC)."""
    cycle_ms: Positive = 10 * MINUTE_MS
    """The cycle that `alpha` is meant for."""
    fresh_ms: Positive = 20 * MINUTE_MS
    """Full freshness up to this age: one cycle may be missed."""
    stale_ms: Positive = 2 * HOUR_MS
    """No freshness from this age on."""
    count_window_ms: Positive = DAY_MS
    """Window of `news_count_24h`."""
    count_most: Count = 256
    """`news_count_24h` counts no further: bounds the state."""
    moment_most: Count = 256
    """Headlines of one moment that are kept apart; of more the oldest go to the earlier ones."""
    remembered: Count = 256
    """Articles remembered to know a repetition by url or headline; 4 KiB of state."""
    repeated_within_ms: Positive = 2 * DAY_MS
    """Published so much later than the one that it repeats, an article is news again: 0.4 % of that
    is left, and by count alone a score would depend for months on where the data began."""
    evidence_most: Count = 10
    """Headlines named as evidence."""
    evidence_least: Share = 0.01
    """A headline of less weight than this is evidence no more: a clear one after 38 hours."""
    social: SocialConfig = field(default_factory=SocialConfig)
    """Constants of the social part."""


_ALL = 0.995
"""Share of the news at which all of it counts as read."""


def initial(config: Config) -> State:
    """Return the state of an asset never seen."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a headline's score or a tick."""
    if isinstance(event, NewsScore):
        return _apply_news(config, state, event)
    if isinstance(event, TrendingAsset):
        return _apply_tick(config, state, event)
    return state


def _apply_tick(config: Config, state: State, tick: TrendingAsset) -> State:
    before, order = state.social, order_of(tick)
    if tick.observed_at == before.observed_at:  # of two at one moment the same one always counts
        before = state.social_before
        if order <= state.tick:
            return state
    social = observe(config.social, before, tick)
    if social is before:
        return state
    moved = _moved(config, state, tick.observed_at)
    after = replace(
        moved, social=social, social_before=before, tick=order, price_usd=tick.price_usd
    )
    return _smoothed(config, after)


def _apply_news(config: Config, state: State, news: NewsScore) -> State:
    new = headline_of(news, config.silent_weight)
    earlier = state.articles
    if news.observed_at > state.clock:
        earlier += entries(state.moment)
    if new in state.moment or repeats(earlier, new.entry, config.repeated_within_ms):
        return state
    moved = _moved(config, state, news.observed_at)
    model, no_model = (
        f"{news.model} {news.model_version}" if news.model else "",
        news.no_model or "",
    )
    if moved.moment:
        model, no_model = max(model, moved.model), max(no_model, moved.no_model)
    moment = tuple(sorted((*moved.moment, new)))
    if len(moment) > config.moment_most:
        moved, moment = _folded(config, replace(moved, moment=moment[:1])), moment[1:]
    after = replace(moved, moment=moment, model=model, no_model=no_model)
    return _smoothed(config, _summed(config, after))


def _moved(config: Config, state: State, observed_at: int) -> State:
    """Return the state with its clock at `observed_at`, or as it is for a late record."""
    if observed_at <= state.clock:
        return state
    decay = _decay(config, observed_at - state.clock)
    before = _folded(config, state)
    news_sum, news_weight, model_weight = (one * decay for one in before.carried)
    return replace(
        before,
        clock=observed_at,
        before=state.ema,
        before_ms=state.clock,
        carried=(news_sum, news_weight, model_weight),
        news_sum=news_sum,
        news_weight=news_weight,
        model_weight=model_weight,
    )


def _folded(config: Config, state: State) -> State:
    """Return the state with the headlines of its moment among the earlier ones."""
    now = _summed(config, state) if state.moment else state
    return replace(
        now,
        carried=(now.news_sum, now.news_weight, now.model_weight),
        leading=_leading(config, state),
        news_times=_times(config, state),
        articles=(state.articles + entries(state.moment))[-ENTRY_BYTES * config.remembered :],
        moment=(),
    )


def _summed(config: Config, state: State) -> State:
    """Return the state with its sums; rounded once, so no order of the headlines shows in them."""
    news_sum, news_weight, model_weight = ([one] for one in state.carried)
    for one in counted(state.moment, config.repeated_within_ms):
        share = one.weight * _decay(config, state.clock - one.told_at)
        news_sum.append(share * one.score)
        news_weight.append(share)
        model_weight.append(share if one.by_model else 0.0)
    return replace(
        state,
        news_sum=fsum(news_sum),
        news_weight=fsum(news_weight),
        model_weight=fsum(model_weight),
    )


def _smoothed(config: Config, state: State) -> State:
    """Return the state with its raw score, and the average since the moment before."""
    news_trust, social_trust = _trust(config, state, state.clock)
    if state.before is None and news_trust <= 0.0 and social_trust <= 0.0:
        # What another tick of this moment began counts no more.
        return state if state.ema is None else replace(state, raw=0.0, ema=None)
    news_share, social_share = config.news_share * news_trust, config.social_share * social_trust
    said = news_share * _news_mean(state) + social_share * state.social.score
    raw = clamp(said / (news_share + social_share + config.neutral_share))
    gap_ms = state.clock - state.before_ms
    if state.before is None or gap_ms > config.half_life_ms:
        return replace(state, raw=raw, ema=raw)
    alpha = 1.0 - (1.0 - config.alpha) ** (gap_ms / config.cycle_ms)
    ema = clamp(state.before + alpha * (raw - state.before))
    return replace(state, raw=raw, ema=ema)


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


def _leading(config: Config, state: State) -> tuple[Headline, ...]:
    within_ms, half_life_ms = config.repeated_within_ms, config.half_life_ms
    return heaviest(state, within_ms, half_life_ms, config.evidence_most)


def _times(config: Config, state: State) -> tuple[int, ...]:
    """Return when the headlines within the window are from, oldest first."""
    new = (one.told_at for one in counted(state.moment, config.repeated_within_ms))
    times = sorted((*state.news_times, *new))
    del times[: bisect_right(times, state.clock - config.count_window_ms)]
    return tuple(times[-config.count_most :])


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the reading at `now` (ms), or at the newest record seen if that is later."""
    now = max(now, state.clock)
    news_trust, social_trust = _trust(config, state, now)
    times = _times(config, state)
    news_count = len(times) - bisect_right(times, now - config.count_window_ms)
    weight = state.news_weight
    covered = min(1.0, state.model_weight / weight) if weight > 0.0 else 0.0
    shares = config.news_share + config.social_share
    trust = (config.news_share * news_trust + config.social_share * social_trust) / shares
    model_factor = config.no_model_factor + (1.0 - config.no_model_factor) * covered
    age_ms = now - state.clock if state.clock else None
    return EngineReading(
        score=state.ema or 0.0,
        confidence=0.0 if state.ema is None else clamp(trust * model_factor, 0.0),
        freshness=freshness(age_ms, config.fresh_ms, config.stale_ms),
        data_time=state.clock or None,
        price_usd=state.price_usd,
        price_at=state.social.observed_at or None,
        features={
            "sentiment_raw": state.raw,
            **({"sentiment_news": _news_mean(state)} if news_count else {}),
            **social_features(state.social, trusted=social_trust > 0.0),
            "news_count_24h": float(news_count),
        },
        evidence=_evidence(config, state, now),
        detail=_detail(state, covered, news_count, social_trust),
    )


def _evidence(config: Config, state: State, now: int) -> tuple[int, ...]:
    """Return the offsets in market.news of the headlines that weigh most at `now`, newest last."""
    found = (
        (one.weight * _decay(config, now - one.told_at), one) for one in _leading(config, state)
    )
    return tuple(sorted({one.offset for weight, one in found if weight >= config.evidence_least}))


def _detail(state: State, covered: float, news_count: int, social_trust: float) -> dict[str, str]:
    """Return which model spoke, or that none did, and what else degrades the score."""
    why = f" ({state.no_model})" if state.no_model else ""
    detail = {"model": state.model}
    if covered < 1.0 - _ALL:
        detail["model"] = (
            f"no model: lexicon and social only{why}" if why else state.model or "no headline yet"
        )
    elif covered < _ALL:
        detail["unread"] = f"{1.0 - covered:.0%} of the news by no model{why}"
    if not news_count:
        detail["news"] = "none in 24 h"
    if not state.social.observed_at:
        detail["social"] = "no tick yet"
    elif not state.social.present:
        detail["social"] = "the market's mood only" if state.social.has_market else "no metrics"
    elif social_trust <= 0.0:
        detail["social"] = "stale or warming up"
    elif state.social.present == 1:
        detail["social"] = "one metric only"  # a coin list's votes, for example
    return detail


ENGINE = Engine(
    name="sentiment",
    topic=NEWS_SCORES.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.01,
)
