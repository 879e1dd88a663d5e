"""The language of entry and exit rules: `MA20 > MA50 AND RSI < 30`, `RSI@4h CROSSES_ABOVE 30`.

    rule = parse(text)            a tree, or RuleError with line, column and what to do
    to_text(rule)                 canonical text; parsed again it is the same rule
    in_words(rule)                what makes it true, for people; meanings(rule): its names
    in_timeframe(rule, "1h")      with every timeframe said, as it is compiled
    wrong_rule(text, "1h")        why a text is no rule for a strategy of that timeframe, or None
    wanted(strategy)              what the technical engine has to add for a strategy's rules

Part of the contract: REST, the command line, files, sinks and the strategies' log ask here through
`schemas.validation`, so that all refuse the same rules.
"""

from __future__ import annotations

from schemas.rule_language.checking import (
    MOST_COST,
    cost,
    in_timeframe,
    parse,
    timeframes,
    wanted,
    wrong_rule,
    wrong_rules,
)
from schemas.rule_language.errors import RuleError
from schemas.rule_language.nodes import Indicator, Rule
from schemas.rule_language.printing import node_text, to_text
from schemas.rule_language.words import in_words, meanings

__all__ = [
    "MOST_COST",
    "Indicator",
    "Rule",
    "RuleError",
    "cost",
    "in_timeframe",
    "in_words",
    "meanings",
    "node_text",
    "parse",
    "timeframes",
    "to_text",
    "wanted",
    "wrong_rule",
    "wrong_rules",
]
