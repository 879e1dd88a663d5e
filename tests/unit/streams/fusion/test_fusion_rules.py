"""Fusion: the place of the rules, and their precedence (SPEC 3)."""

from __future__ import annotations

import pytest

from schemas.control import Strategy
from streams.fusion.fusion_stage import FusionStage
from streams.rules import Facts
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_missing,
    make_score,
    make_strategy,
)


class RuleOf:
    """Rules as a plain function of the facts."""

    def __init__(self, exit_above: float, entry_above: float) -> None:
        self.exit_above, self.entry_above = exit_above, entry_above

    def override(self, strategy: Strategy, facts: Facts) -> str | None:
        rsi = facts("RSI14@1h")
        if rsi is None:
            return None
        if rsi > self.exit_above:
            return "exit_rule"
        return "entry_rule" if rsi > self.entry_above else None


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
    strategy = make_strategy(entry_rule="RSI > 0", exit_rule="RSI > 1", entry_over_event_risk=over)
    feed = Feed(strategy, stage=FusionStage(rules=RuleOf(exit_above=70.0, entry_above=30.0)))
    scores = answers({"event_risk": event_risk})
    scores[1] = make_score("technical", 0.0, cycle=T0, features={"RSI14@1h": rsi})
    signal = feed.signal(*scores)
    assert (signal.action, signal.override, signal.fused_action) == (action, override, "HOLD")


class Recorder:
    """Rules that note what they can look up."""

    def __init__(self) -> None:
        self.seen: dict[str, float | None] = {}

    def override(self, strategy: Strategy, facts: Facts) -> str | None:
        names = ("sentiment", "technical", "price_usd", "final_score", "RSI14@1h", "NOPE")
        self.seen = {name: facts(name) for name in names}
        return None


def test_facts_that_a_rule_may_name() -> None:
    recorder = Recorder()
    feed = Feed(make_strategy(entry_rule="RSI > 0"), stage=FusionStage(rules=recorder))
    scores = answers({"technical": 0.5})
    scores[1] = make_score("technical", 0.5, cycle=T0, features={"RSI14@1h": 33.0})
    scores[0] = make_missing("sentiment", T0)
    feed.put(*scores)
    assert recorder.seen == {
        "sentiment": None,
        "technical": 0.5,
        "price_usd": 50_000.0,
        "final_score": 0.125,
        "RSI14@1h": 33.0,
        "NOPE": None,
    }
