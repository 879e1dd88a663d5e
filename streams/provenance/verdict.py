"""Why a signal came when it did, what decided, and how its size was made: sentences. Pure."""

from __future__ import annotations

from schemas.control import Strategy
from schemas.signals import Signal
from schemas.text import moment, price
from streams.confidence.position_sizing import Config

_TERMS = (
    # name of the term, weight in Config, words
    ("sentiment_confidence", "sentiment_weight", "sentiment confidence"),
    ("trend_strength", "trend_weight", "trend strength"),
    ("data_freshness", "freshness_weight", "data freshness"),
    ("diversification_weight", "diversification_weight", "diversification"),
)

_KEEPS = {
    "band": "the strategy's band",
    "confirmation": "the confirmation, which takes time,",
    "minimum_hold": "the strategy's minimum hold",
}
_LEAVES = {
    "stop_loss": "the price has reached the position's stop",
    "trailing_stop": "the price has fallen back to the position's trailing stop",
    "take_profit": "the price has reached the position's target",
    "max_age": "the position has reached its greatest age",
    "unwatched": "the strategy does not watch the asset any more",
}
"""Overrides that keep an action, and those that leave a position, in words."""


def occasion(signal: Signal) -> str:
    """Return why there is a signal at that moment, as part of a sentence."""
    if signal.trigger == "cycle" and signal.cycle is not None:
        return f"at the cycle of {moment(signal.cycle, '%H:%M')}"
    if signal.trigger == "request":
        return "because somebody asked for it"
    if signal.trigger == "dry_run":
        return "because somebody tried a strategy"
    offsets = {part.offset: part.engine for part in signal.contributions if part.offset is not None}
    newest = f"a score of {offsets[max(offsets)]}" if offsets else "a score"
    return f"between cycles: {newest} changed the action"


def decision(signal: Signal, strategy: Strategy | None) -> str:
    """Return what decided (the thresholds, event risk, or a rule), as a sentence."""
    by_score, action = _by_thresholds(signal, strategy), signal.action
    if signal.override is None:
        return by_score
    makes = f"which makes it {action}"
    if action == signal.fused_action:
        makes = f"which would make it {action} in any case"
    if signal.override == "event_risk":
        risk = next((one.score for one in signal.contributions if one.engine == "event_risk"), None)
        score = "" if risk is None else f" {risk:+.3f}"
        floor = "" if strategy is None else f" {strategy.event_risk_floor:+.3f}"
        return f"{by_score}; event risk{score} is below the strategy's floor{floor}, {makes}"
    if signal.override in _KEEPS:
        return f"{by_score}; {_KEEPS[signal.override]} keeps it {action}"
    if signal.override in _LEAVES:
        return f"{by_score}; {_LEAVES[signal.override]}, {makes}"
    rules = {} if strategy is None else {"entry": strategy.entry_rule, "exit": strategy.exit_rule}
    word = signal.override.removesuffix("_rule")
    rule = f" ({rules[word]})" if rules.get(word) else ""
    return f"{by_score}; the {word} rule{rule} is true, {makes}"


def _by_thresholds(signal: Signal, strategy: Strategy | None) -> str:
    final, fused = f"the final score {signal.final_score:+.3f}", signal.fused_action
    if strategy is None:
        return f"{final} means {fused} by the strategy's thresholds, which are not known here"
    buy, sell = f"{strategy.buy_threshold:+.3f}", f"{strategy.sell_threshold:+.3f}"
    where = {
        "BUY": f"is above the buy threshold {buy}",
        "SELL": f"is below the sell threshold {sell}",
    }.get(fused, f"lies between the thresholds {sell} and {buy}")
    return f"{final} {where}: {fused}"


def size(signal: Signal) -> list[str]:
    """Return how confidence and position were computed, one line each."""
    return [*_position(signal), _confidence(signal)]


def _position(signal: Signal) -> list[str]:
    if signal.action == "HOLD":
        return ["no position: HOLD"]
    if signal.entry_price_usd is None or not signal.position_size:
        why = [signal.detail[key] for key in ("late", "price", "size") if key in signal.detail]
        return [f"no position: {why[0] if why else 'there is no room for one'}"]
    if signal.action == "SELL" and signal.held_size:
        return [
            f"{signal.position_size:.6g} {signal.asset}, all that the portfolio holds, "
            f"{signal.position_value_usd:,.2f} USD"
        ]
    terms = signal.sizing
    factors = [
        f"{words} {terms[name]:,.{digits}f}"
        for name, words, digits in (
            ("base_usd", "base", 2),
            ("multiplier", "confidence", 3),
            ("kelly", "Kelly", 3),
            ("stop_factor", "stop factor", 3),
        )
        if name in terms
    ]
    limits = [terms[name] for name in ("room_usd", "cash_room_usd") if name in terms]
    room = f", at most {min(limits):,.2f}" if limits else ""
    made = f" = {' x '.join(factors)}{room}" if factors else ""
    return [
        f"{signal.position_value_usd:,.2f} USD{made}",
        f"{signal.position_size:.6g} {signal.asset} at {price(signal.entry_price_usd)} USD, "
        f"{_exit(signal, 'stop loss', signal.stop_loss_usd)}, "
        f"{_exit(signal, 'take profit', signal.take_profit_usd)}",
    ]


def _exit(signal: Signal, name: str, level_usd: float | None) -> str:
    if level_usd is None:
        why = signal.detail.get(name.replace(" ", "_"))
        return f"no {name}{f' ({why})' if why else ''}"
    entry_usd = signal.entry_price_usd or level_usd
    return f"{name} {price(level_usd)} ({(level_usd / entry_usd - 1) * 100:+.2f} %)"


def _confidence(signal: Signal) -> str:
    config = Config()
    parts = [
        f"{getattr(config, weight):g} x {words} {signal.sizing[name]:.2f}"
        for name, weight, words in _TERMS
        if name in signal.sizing
    ]
    made = f" = {' + '.join(parts)}" if parts else ""
    return f"confidence {signal.confidence:.3f}{made}"
