"""What becomes of a row without a request: the rules, pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sinks.explanations.facts import Facts
from sinks.explanations.prompt import VERSION
from sinks.explanations.signals import UNREADABLE, text_of
from sinks.explanations.template import MODEL as TEMPLATE
from transport.circuit_breaker import Permit


@dataclass(frozen=True, slots=True)
class ExplanationPolicy:
    """The rules before a request; `most_usd` is the most that one for these facts can cost."""

    enabled: bool
    model: str | None
    top: int
    patience_s: float
    budget_usd: Decimal
    most_usd: Callable[[Facts], Decimal]

    @property
    def writer(self) -> str:
        """Author of a text: model and prompt version, or the template. Part of its input hash."""
        return f"{self.model} {VERSION}" if self.model and self.enabled else TEMPLATE


class Outcome(NamedTuple):
    """The result of a row, without its cost."""

    status: str
    text: str
    model: str
    reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Waiting(NamedTuple):
    """The row stays pending for so long."""

    seconds: float
    reason: str


def fallback(status: str, facts: Facts | None, reason: str) -> Outcome:
    """Return an outcome with the template's text."""
    return Outcome(status, text_of(facts), TEMPLATE, reason)


def judge(
    rules: ExplanationPolicy,
    facts: Facts | None,
    rank: int | None,
    waited: Waiting | None,
    permit: Permit,
) -> Outcome | Waiting | None:
    """Return the outcome of a row without a request; None: the model has to be asked. Pure.

    `rank` is None for what somebody asked for, which comes before any ranking.
    `waited` is for how long it has waited already, and for what; `permit` is the breaker's.
    """
    if facts is None:
        return fallback("failed", facts, UNREADABLE)
    if not rules.enabled:
        return fallback("skipped", facts, "Explanations by a model are switched off.")
    if rank is not None and rank > rules.top:
        return fallback("skipped", facts, f"The model explains the first {rules.top} only.")
    if rules.model is None:
        return fallback("done", facts, "")
    if permit.denied is not None:
        return fallback("failed", facts, permit.denied)
    if waited is not None and waited.seconds >= rules.patience_s:
        return fallback("failed", facts, f"{waited.reason} It took too long.")
    if permit.wait_s is None:
        return None
    reason = "The model is left alone for a while." if waited is None else waited.reason
    return Waiting(permit.wait_s, reason)
