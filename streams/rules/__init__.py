"""Rules of strategies, evaluated: compiled once, three-valued, with a trace of what they saw.

    rule = compile_rule("MA20 > MA50 AND RSI < 30", "1h")     RuleError where it is none
    rule.truth(facts)       True, False, or None: unknown
    rule.trace(facts)       its parts with their truth and the values that they saw
    rule.facts              what it asks for

Pure, and the same for the same facts. What a rule means: `schemas.rule_language`.
"""

from __future__ import annotations

from schemas.rule_language import RuleError
from streams.rules.closures import Facts
from streams.rules.compiled import CompiledRule, compile_rule, truth_word

__all__ = ["CompiledRule", "Facts", "RuleError", "compile_rule", "truth_word"]
