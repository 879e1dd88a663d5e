"""An explanation without a language model: prose from the facts, and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from schemas.signals import Contribution
from sinks.explanations.facts import Facts, shown

MODEL = "template"
"""What stands as the model of such a text."""
SIGNATURE = "Written from the signal's figures by a template, without a language model."

_PHRASES = {
    "news_count_24h": "headlines of the last 24 h: {}",
    "RSI14@1h": "RSI on the 1h chart {}",
    "RSI14@4h": "RSI on the 4h chart {}",
    "nearest_event_hours": "hours to the nearest scheduled event: {}",
    "spread_bps": "a spread of {} bps",
}
_MOST_NOTES = 2
_BY = {"event_risk": "event risk", "entry_rule": "entry rule", "exit_rule": "exit rule"}


def write(facts: Facts) -> str:
    """Return the explanation of a signal in a few sentences."""
    sentences = (
        _verdict(facts),
        _override(facts),
        *_reasons(facts),
        _gaps(facts),
        _readings(facts),
        _trade(facts),
        SIGNATURE,
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _verdict(facts: Facts) -> str:
    article = "an" if facts.action[:1] in "AEIOU" else "a"
    return (
        f"{facts.asset} is {article} {facts.action} for the strategy {facts.strategy_id}, "
        f"with a final score of {_score(facts.final_score)} "
        f"and a confidence of {shown('', facts.confidence)}."
    )


def _override(facts: Facts) -> str:
    if facts.override is None:
        return ""
    by = _BY.get(facts.override, facts.override.replace("_", " "))
    if facts.override == "event_risk":
        if facts.fused_action == facts.action:
            return "The event risk alone would hold it back."
        return f"The score alone says {facts.fused_action}; the event risk holds it back."
    if facts.fused_action == facts.action:
        return f"The strategy's {by} asks for it, and the score alone says the same."
    return f"The strategy's {by} asks for it, where the score alone says {facts.fused_action}."


def _reasons(facts: Facts) -> tuple[str, str]:
    """Return two sentences: the engines that carry the score, those against it ("" for none)."""
    side = 1.0 if facts.final_score >= 0.0 else -1.0
    counted = [part for part in facts.contributions if part.status == "ok" and part.contribution]
    ordered = sorted(counted, key=lambda part: -abs(part.contribution))
    carrying = [part for part in ordered if part.contribution * side > 0.0]
    against = [part for part in ordered if part.contribution * side < 0.0]
    if not carrying:
        return "No engine adds anything to the score.", ""
    first, *rest = carrying
    carried = (
        f"{_name(first).capitalize()} carries most of it: "
        f"a score of {shown('', first.score)} at weight {shown('', first.weight)} "
        f"adds {_score(first.contribution)}"
    )
    more = f", followed by {_listed(rest)}." if rest else "."
    verb = "pulls" if len(against) == 1 else "pull"
    other = f"{_listed(against).capitalize()} {verb} the other way." if against else ""
    return carried + more, other or "Nothing pulls the other way."


def _gaps(facts: Facts) -> str:
    """Return a sentence about engines that do not count, or count for less; "" for none."""
    out = [part for part in facts.contributions if part.status != "ok"]
    if out:
        names = _joined([f"{_name(part)} is {part.status}" for part in out])
        return f"{names[:1].upper()}{names[1:]}, which adds nothing and lowers the confidence."
    notes = [_note(name, text) for name, text in facts.detail.items()]
    return f"To be kept in mind: {'; '.join(notes[:_MOST_NOTES])}." if notes else ""


def _note(name: str, text: str) -> str:
    """Return a remark and what it is about, no timeframe: "technical (gap): 3 candles"."""
    engine, _, word = name.partition(".")
    about = " ".join(part for part in word.split("_") if part.isalpha())
    return f"{engine} ({about}): {text}".replace("_", " ") if about else f"{engine}: {text}"


def _readings(facts: Facts) -> str:
    found = [
        phrase.format(shown(name, facts.features[name]))
        for name, phrase in _PHRASES.items()
        if name in facts.features
    ]
    return f"Behind the scores: {', '.join(found)}." if found else ""


def _trade(facts: Facts) -> str:
    if facts.action == "HOLD":
        return "There is nothing to buy or sell."
    if facts.entry_price_usd is None:
        return "No current price is known, so there is no size."
    entry = f"At {_usd('entry_price_usd', facts.entry_price_usd)}"
    if not facts.position_size:
        return f"{entry} the portfolio {facts.action.lower()}s nothing."
    return (
        f"{entry} the position is {shown('position_size', facts.position_size)} {facts.asset} "
        f"worth {_usd('position_value_usd', facts.position_value_usd)}{_exits(facts)}."
    )


def _exits(facts: Facts) -> str:
    exits = {
        "a stop loss": ("stop_loss_usd", facts.stop_loss_usd),
        "a take profit": ("take_profit_usd", facts.take_profit_usd),
    }
    known = [
        f"{what} at {_usd(name, price)}"
        for what, (name, price) in exits.items()
        if price is not None
    ]
    return f", with {_joined(known)}" if known else ""


def _listed(parts: Sequence[Contribution]) -> str:
    return _joined([f"{_name(part)} ({_score(part.contribution)})" for part in parts])


def _joined(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def _name(part: Contribution) -> str:
    return part.engine.replace("_", " ")


def _score(value: float) -> str:
    """Return a score with its sign: +0.582."""
    text = shown("", value)
    return text if text == "0" or text.startswith("-") else f"+{text}"


def _usd(name: str, value: float) -> str:
    """Return an amount of money: $64,231.6."""
    return f"${format(Decimal(shown(name, value)), ',f')}"
