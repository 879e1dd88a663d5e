"""Fusion: the place of the rules and event risk, and their precedence (SPEC 3)."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.streams.fusion.fusion_factories import T0, Feed, answers, make_score, make_strategy


@pytest.mark.parametrize(
    ("rsi", "event_risk", "over", "action", "override"),
    [
        pytest.param(10.0, 0.0, False, "HOLD", None, id="no rule is true"),
        pytest.param(50.0, 0.0, False, "BUY", "entry_rule", id="entry"),
        pytest.param(90.0, 0.0, False, "SELL", "exit_rule", id="exit goes before entry"),
        pytest.param(10.0, -0.9, False, "HOLD", "event_risk", id="event risk"),
        pytest.param(50.0, -0.9, False, "HOLD", "event_risk", id="entry does not lift it"),
        pytest.param(50.0, -0.9, True, "BUY", "entry_rule", id="unless the strategy allows"),
        pytest.param(90.0, -0.9, False, "SELL", "exit_rule", id="exit lifts it"),
    ],
)
def test_precedence_of_rules(
    rsi: float, event_risk: float, over: bool, action: str, override: str | None
) -> None:
    strategy = make_strategy(
        entry_rule="RSI14@1h > 30", exit_rule="RSI14@1h > 70", entry_over_event_risk=over
    )
    feed = Feed(strategy)
    scores = answers({"event_risk": event_risk})
    scores[1] = make_score("technical", 0.0, cycle=T0, features={"RSI14@1h": rsi})
    signal = feed.signal(*scores)
    assert (signal.action, signal.override, signal.fused_action) == (action, override, "HOLD")


def test_a_rule_that_cannot_be_read_never_holds_and_the_trace_says_why() -> None:
    """Of a strategy that was saved before its rules were checked."""
    unread = msgspec.structs.replace(make_strategy(), entry_rule="buy low")
    (decision,) = Feed(unread).decisions(*answers({"technical": 0.0}))
    assert (decision.action, decision.override) == ("HOLD", None)
    (part,) = [one for one in decision.trace if one.rule == "entry_rule"]
    assert (part.part, part.truth) == ("buy low", "unknown")
    assert part.values.startswith("cannot be read: ")
