"""The strategy language: the place that fusion keeps for entry and exit rules.

Fusion asks on every decision of a strategy that has a rule. The precedence (SPEC 3) is fusion's:
a true exit rule is SELL; else a true entry rule is BUY, which lifts a HOLD for event risk only
where the strategy allows it; else the action stays.
"""

from __future__ import annotations

from typing import Protocol

from schemas.control import Strategy


class Facts(Protocol):
    """Looks up what a rule may name.

    Features as the engines name them (RSI14@4h), the engines' scores by engine name, `price_usd`
    and `final_score`; None: not known now.
    """

    def __call__(self, name: str) -> float | None:
        """Return the value of a name, or None."""


class Rules(Protocol):
    """Evaluates the rules of a strategy; pure, and the same for the same facts."""

    def override(self, strategy: Strategy, facts: Facts) -> str | None:
        """Return "exit_rule" when the exit rule is true, else "entry_rule" when the entry is."""


class NoRules:
    """Every rule is false."""

    def override(self, strategy: Strategy, facts: Facts) -> str | None:
        """Return None: nothing overrides the fusion's action."""
        return None
