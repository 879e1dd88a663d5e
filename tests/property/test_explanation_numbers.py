"""What holds of explanations for any signal: the template states its numbers, and only these."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.engines import ENGINES
from schemas.signals import Contribution, Signal
from sinks.explanations import prompt, template
from sinks.explanations.check import rejection, unsupported_number
from sinks.explanations.facts import READINGS, as_prompt, facts_of, input_hash, values
from sinks.explanations.figures import written

T0 = 1_767_225_600_000
unit = st.floats(0.0, 1.0)
signed = st.floats(-1.0, 1.0)
price = st.floats(1e-18, 1e15, exclude_max=True)
amount = st.floats(0.0, 1e12)
action = st.sampled_from(["BUY", "SELL", "HOLD"])


@st.composite
def contributions(draw: st.DrawFn) -> tuple[Contribution, ...]:
    made = []
    for engine in ENGINES:
        status = draw(st.sampled_from(["ok", "ok", "missing", "stale"]))
        score, weight = draw(signed), draw(unit)
        share = score * weight if status == "ok" else 0.0
        made.append(Contribution(engine, status, score, draw(unit), weight, share))
    return tuple(made)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    parts = draw(contributions())
    return Signal(
        signal_id="a" * 32,
        strategy_id=draw(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)),
        asset=draw(st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)),
        as_of=T0 + draw(st.integers(0, 10**12)),
        cycle=draw(st.none() | st.just(T0)),
        trigger="cycle",
        final_score=sum(part.contribution for part in parts),
        action=draw(action),
        fused_action=draw(action),
        override=draw(st.sampled_from([None, "event_risk", "entry_rule", "exit_rule"])),
        confidence=draw(unit),
        contributions=parts,
        entry_price_usd=draw(st.none() | price),
        position_size=draw(amount),
        position_value_usd=draw(amount),
        stop_loss_usd=draw(st.none() | price),
        take_profit_usd=draw(st.none() | price),
        features=draw(st.dictionaries(st.sampled_from(sorted(READINGS)), st.floats(-1e6, 1e6))),
        detail=draw(
            st.dictionaries(
                st.sampled_from(["technical.candles", "liquidity.book"]),
                st.sampled_from(["none", "17 of 50 candles", "scored 41% of the news"]),
            )
        ),
    )


@given(signals())
def test_the_template_states_numbers_of_the_signal_only(signal: Signal) -> None:
    facts = facts_of(signal)
    text = template.write(facts)
    assert unsupported_number(text, facts) is None
    assert text.isprintable()
    assert text.endswith(template.SIGNATURE)
    assert "  " not in text
    assert "nan" not in text


@given(signals(), st.integers(1, 9_999_999), st.integers(0, 6))
def test_a_number_far_from_all_of_the_signal_is_found(
    signal: Signal, digits: int, places: int
) -> None:
    facts = facts_of(signal)
    number = Decimal(digits).scaleb(-places)
    known = [abs(Decimal(repr(value))) for _, value in values(facts)]
    known += [Decimal(text) for text in ("17", "50", "41")]
    assume(all(abs(number - one) > one * Decimal("0.06") for one in known))
    assume(f"{number:f}" not in (facts.asset, f"{T0}"))
    text = f"{template.write(facts)} There is also {number:f} to say."
    assert unsupported_number(text, facts) == f"The number {number:f} is not in the signal."


@given(signals(), st.data())
def test_every_number_of_the_signal_may_be_stated_as_shown(
    signal: Signal, data: st.DataObject
) -> None:
    facts = facts_of(signal)
    name, value = data.draw(st.sampled_from(list(values(facts))))
    decimals = data.draw(st.integers(4, 12))
    exact = f"{abs(Decimal(repr(value))):f}"
    assert unsupported_number(f"It is {exact} now.", facts) is None, name
    rounded = f"{round(abs(Decimal(repr(value))), decimals):f}"
    off = abs(Decimal(rounded) - abs(Decimal(repr(value))))
    assume(off <= Decimal("0.04") * abs(Decimal(repr(value))))
    assert unsupported_number(f"It is {rounded} now.", facts) is None, name


@given(signals(), signals())
def test_the_hash_tells_facts_apart(one: Signal, other: Signal) -> None:
    equal = as_prompt(facts_of(one)) == as_prompt(facts_of(other))
    assert (input_hash(facts_of(one), "m") == input_hash(facts_of(other), "m")) == equal
    later = msgspec.structs.replace(one, as_of=one.as_of + 1, signal_id="b" * 32)
    assert input_hash(facts_of(one), "m") == input_hash(facts_of(later), "m")


@given(st.text(max_size=300))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    facts = facts_of(FIXED)
    said = rejection(text, facts)
    assert said is None or said.endswith(".")
    for figure in written(text):
        assert figure.value >= 0
        assert figure.end <= len(text)


@given(signals())
def test_a_prompt_is_bounded(signal: Signal) -> None:
    assert prompt.most_tokens(prompt.messages(facts_of(signal))) < 10_000


FIXED = Signal(
    signal_id="a" * 32,
    strategy_id="balanced",
    asset="BTC",
    as_of=T0,
    trigger="cycle",
    final_score=0.4,
    action="BUY",
    fused_action="BUY",
    confidence=0.8,
    contributions=(Contribution("sentiment", "ok", 0.5, 0.9, 0.8, 0.4),),
    position_size=1.0,
    position_value_usd=100.0,
)
