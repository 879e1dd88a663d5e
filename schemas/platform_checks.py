"""Rules of strategies, requests, scores, signals and sources: all that is no market event.

As `schemas.validation`, which asks here: a sentence that begins with the field's name, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from math import fsum, inf, isclose, isfinite
from typing import Any

import msgspec

from schemas import checks, signal_checks
from schemas.checks import CANDLE_MS, MOST_AMOUNT
from schemas.control import DRY_RUN, SignalRequest, Strategy
from schemas.engines import ENGINES
from schemas.explanations import EXPLANATION_STATUSES, Explanation
from schemas.names import (
    MOST_ASSETS,
    MOST_NAME,
    MOST_RULE,
    MOST_SOURCE_ID,
    wrong_symbol,
    wrong_text,
)
from schemas.scores import LABELS, SCORE_STATUSES, EngineScore, LexiconHit, NewsScore
from schemas.sources import CIRCUITS, SOURCE_STATES, SourceStatus
from schemas.topics import NEWS

_OWNERS = frozenset({"admin", "user"})
ROUNDING = 1e-9
"""By how much a sum of weights may miss 1: ten weights of 0.1 do."""
_PROBABILITY_ROUNDING = 1e-3  # of models that reckon in 16 bits
MOST_SOURCE_WEIGHT = 10.0
"""What a publisher may count: more, and one of them would be the news."""


def _score(event: EngineScore) -> str | None:
    if event.engine not in ENGINES:
        return f"unknown engine {event.engine[:60]!r}; there are {', '.join(ENGINES)}"
    if wrong := checks.one_of(event, "status", SCORE_STATUSES):
        return wrong
    if not -1.0 <= event.score <= 1.0:
        return f"score {event.score} is not in -1 to 1"
    if not 0.0 <= event.confidence <= 1.0:
        return f"confidence {event.confidence} is not in 0 to 1"
    if not 0.0 <= event.freshness <= 1.0:
        return f"freshness {event.freshness} is not in 0 to 1"
    if event.price_usd is not None and not 0.0 < event.price_usd < inf:
        return f"price_usd {event.price_usd} is not a price above 0"
    return (
        checks.time(event, "as_of")
        or checks.asset(event)
        or checks.ids(event, "settings")
        or checks.texts(event, "features", "detail")
        or checks.detail(event)
    )


def _news_score(event: NewsScore) -> str | None:
    given = [event.bearish, event.bullish, event.neutral]
    probabilities = [one for one in given if one is not None]
    if len(probabilities) not in (0, 3) or (event.model is None) != (not probabilities):
        return "the model and its three probabilities are not all there, or all not there"
    if probabilities and not isclose(fsum(probabilities), 1.0, abs_tol=_PROBABILITY_ROUNDING):
        return f"bearish, bullish and neutral sum to {fsum(probabilities):g}, not to 1"
    for name in ("bearish", "bullish", "neutral", "lexicon_confidence", "confidence"):
        if wrong := checks.share(event, name):
            return wrong
    for name in ("lexicon_score", "score"):
        if wrong := checks.share(event, name, -1.0):
            return wrong
    if event.source_label is not None and event.source_label not in LABELS:
        return checks.one_of(event, "source_label", LABELS)
    if event.article.topic != NEWS.name or event.article.offset < 0:
        place = f"{event.article.topic[:60]!r}:{event.article.offset}"
        return f"article {place} is no place in {NEWS.name}"
    if not all(isfinite(hit.strength) for hit in event.hits):
        return "hits have a strength that is not a number"
    return (
        checks.one_of(event, "label", LABELS)
        or checks.share(event, "source_weight", 0.0, MOST_SOURCE_WEIGHT)
        or checks.ids(event, "source", "headline_id", "url_id")
        or checks.texts(event, "model", "model_version", "no_model")
        or checks.texts(event, "source_id", most=MOST_SOURCE_ID)
        or checks.time(event, "observed_at")
        or checks.time(event, "event_time")
        or checks.time_or_none(event, "published_at")
        or checks.asset(event)
        or _texts_of(event.hits)
    )


def _texts_of(hits: tuple[LexiconHit, ...]) -> str | None:
    wrong = wrong_text("".join(hit.term for hit in hits)) if hits else None
    return None if wrong is None else f"hits {wrong}"


def _strategy(event: Strategy) -> str | None:
    if event.strategy_id == DRY_RUN:
        return f"strategy_id {DRY_RUN} is kept for dry runs: take another one"
    return strategy_problem(event)


def strategy_problem(event: Strategy) -> str | None:
    """Return what is wrong with a strategy, its id apart, which a dry run's need not have."""
    return (
        checks.ids(event, "strategy_id", "user_id")
        or checks.one_of(event, "owner", _OWNERS)
        or (f"version {event.version} is less than 1" if event.version < 1 else None)
        or checks.texts(event, "name", most=MOST_NAME)
        or checks.texts(event, "entry_rule", "exit_rule", most=MOST_RULE)
        or _assets(event)
        or _weights(event)
        or checks.one_of(event, "timeframe", CANDLE_MS)
        or _rules(event)
        or checks.time_or_none(event, "updated_at")
        or _money(event)
        or _calm(event)
        or checks.ids(event, "author")
        or checks.texts(event, "description", most=MOST_RULE)
    )


def _rules(event: Strategy) -> str | None:
    """Check the rules; the language is loaded for a strategy that has one."""
    if event.entry_rule is None and event.exit_rule is None:
        return None
    from schemas.rule_language import wrong_rules

    return wrong_rules(event)


def _assets(event: Strategy) -> str | None:
    if len(event.assets) > MOST_ASSETS:
        return f"assets has {len(event.assets)} assets, more than {MOST_ASSETS}"
    for asset in event.assets:
        if wrong := wrong_symbol(asset):
            return f"assets: {wrong}"
    return None


def _weights(event: Strategy) -> str | None:
    for name, weight in event.weights.items():
        if name not in ENGINES:
            known = ", ".join(ENGINES)
            return f"weight for unknown engine {name[:60]!r}; there are {known}"
        if not (isfinite(weight) and weight >= 0.0):
            return f"weight {weight} of {name} is not a number of 0 or more"
    total = fsum(event.weights.values())
    if total > 1.0 + ROUNDING:
        return f"weights sum to {total:g}, more than 1"
    if not event.sell_threshold < event.buy_threshold:
        return f"sell_threshold {event.sell_threshold} is not below buy {event.buy_threshold}"
    for name in ("buy_threshold", "sell_threshold", "event_risk_floor"):
        if wrong := checks.share(event, name, -1.0, 1.0):
            return wrong
    return None


_DISTANCES = (
    *("stop_loss_pct", "stop_loss_atr", "take_profit_pct", "take_profit_atr"),
    *("trailing_stop_pct", "trailing_stop_atr"),
)


def _money(event: Strategy) -> str | None:
    if not 0.0 < event.portfolio_value_usd < MOST_AMOUNT:
        above = (
            " not above 0" if event.portfolio_value_usd <= 0.0 else f" not below {MOST_AMOUNT:g}"
        )
        return f"portfolio_value_usd {event.portfolio_value_usd} is{above}"
    for name in _DISTANCES:
        distance = getattr(event, name)
        if distance is not None and not 0.0 < distance < MOST_AMOUNT:
            return f"{name} {distance} is not a number above 0"
    return None


_MOST_MINUTES = 60.0 * 24.0 * 365.0


def _calm(event: Strategy) -> str | None:
    """Check what keeps an action from flapping, and how long a position may last."""
    for name, most in (
        ("band", 2.0),
        ("kelly_share", 1.0),
        ("confirmation_minutes", _MOST_MINUTES),
        ("minimum_hold_minutes", _MOST_MINUTES),
    ):
        if wrong := checks.share(event, name, 0.0, most):
            return wrong
    hours = event.max_age_hours
    if hours is not None and not 0.0 < hours < MOST_AMOUNT:
        return f"max_age_hours {hours} is not a number above 0"
    return None


def _request(event: SignalRequest) -> str | None:
    if not event.request_id or not event.strategy_id:
        return "request_id or strategy_id is empty"
    return (
        checks.ids(event, "request_id", "strategy_id", "exchange")
        or checks.time(event, "requested_at")
        or checks.asset(event)
        or _dry_run(event)
    )


def _dry_run(event: SignalRequest) -> str | None:
    """Check that a request brings its strategy where it is one for a dry run, and else none."""
    if (event.strategy is not None) != (event.strategy_id == DRY_RUN):
        lacking = "is not given, which a dry run brings"
        return f"strategy {lacking if event.strategy is None else f'is for {DRY_RUN} alone'}"
    if event.strategy is None:
        return None
    try:
        own = event.own_strategy()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return f"strategy is no strategy's document: {error}"
    wrong = None if own is None else strategy_problem(own)
    return None if wrong is None else f"strategy: {wrong}"


def _source(event: SourceStatus) -> str | None:
    if not event.source:
        return "the source has no name"
    return (
        checks.ids(event, "source")
        or checks.one_of(event, "state", SOURCE_STATES)
        or checks.one_of(event, "circuit", CIRCUITS)
        or checks.amounts(event, ("events", "requests_minute", "requests_day", "refresh_s"))
        or checks.time(event, "observed_at")
        or checks.texts(event, "feeds", "last_error", "detail")
    )


def _explanation(event: Explanation) -> str | None:
    if not event.signal_id or not event.strategy_id:
        return "signal_id or strategy_id is empty"
    if not event.text.strip():
        return "the text is empty"
    return (
        checks.ids(event, "signal_id", "strategy_id")
        or checks.one_of(event, "status", EXPLANATION_STATUSES)
        or checks.amounts(event, ("prompt_tokens", "completion_tokens", "cost_usd"))
        or checks.time(event, "explained_at")
        or checks.asset(event)
        or checks.texts(event, "text", "model", "input_hash", "reason")
    )


CHECKS: dict[type, Callable[[Any], str | None]] = {
    EngineScore: _score,
    NewsScore: _news_score,
    Strategy: _strategy,
    SignalRequest: _request,
    SourceStatus: _source,
    Explanation: _explanation,
    **signal_checks.CHECKS,
}
