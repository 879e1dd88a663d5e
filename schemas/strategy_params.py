"""Named parameters of a strategy file: `params: {rsi: 30}`, then `RSI < $rsi` in its rules.

They live in files only: a strategy that was read has its rules with the values in them, and knows
of no parameter. So a saved strategy, its log and its replay are as they are without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import yaml

PARAMS = "params"
NONE: Mapping[str, str] = {}
"""No parameters."""
RULES = ("entry_rule", "exit_rule")
"""Fields whose text may name parameters."""
_NAMED = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_VALUE = re.compile(r"-?[A-Za-z0-9_.]{1,40}")


class ParamError(ValueError):
    """A parameter that cannot be used; the text says which and why."""


def named(text: str) -> tuple[str, ...]:
    """Return the parameters that a rule's text names, each once, in their order."""
    return tuple(dict.fromkeys(name for name in _NAMED.findall(text) if name))


def wrong_param(name: str, value: str) -> str | None:
    """Return why a parameter may not be called so or have that value; None: it may.

    A value is a number, or one word (a timeframe: `RSI@$frame`), so that it cannot change the form
    of the rule around it.
    """
    if not _NAME.fullmatch(name):
        return f"{name[:60]!r} is no name of a parameter: letters, digits and _, at most 40"
    if not _VALUE.fullmatch(value):
        return f"{name} {value[:60]!r} is neither a number nor one word"
    return None


def resolved(text: str, params: Mapping[str, str]) -> str:
    """Return a rule's text with values in place of its parameters; ParamError: one has none."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not name:
            msg = "$ stands before the name of a parameter, like $rsi"
            raise ParamError(msg)
        if name not in params:
            known = f"params has {', '.join(params)}" if params else "the file has no params"
            msg = f"${name} is no parameter; {known}"
            raise ParamError(msg)
        return params[name]

    return _NAMED.sub(value, text)


def params_of(
    node: yaml.MappingNode, other: Mapping[str, str], fault: Callable[[yaml.Node, str], None]
) -> dict[str, str]:
    """Return the parameters of a strategy's document; `fault` gets what is wrong, and where.

    `other` has values that stand in place of the file's own.
    """
    own: dict[str, str] = {}
    rules = ""
    for key, value in node.value:
        if key.value in RULES and isinstance(value, yaml.ScalarNode):
            rules += f" {value.value}"
        elif key.value == PARAMS and isinstance(value, yaml.MappingNode):
            for name, one in value.value:
                own[str(name.value)] = text = str(one.value).strip()
                sentence = wrong_param(str(name.value), text)
                if sentence is not None:
                    fault(name, f"{PARAMS}: {sentence}")
        elif key.value == PARAMS and value.value:
            fault(key, f"{PARAMS} has a value for each name: write `rsi: 30`")
    for name in own:
        if name not in named(rules):
            fault(node, f"{PARAMS}: no rule names ${name}")
    return {name: other.get(name, text) for name, text in own.items()}


def declared(text: str) -> dict[str, str]:
    """Return the parameters of a file's strategies, with the values that they have there.

    Nothing of a text that is not YAML: who reads its strategies is told what is wrong.
    """
    found: dict[str, str] = {}
    try:
        for node in yaml.compose_all(text, yaml.SafeLoader):
            if isinstance(node, yaml.MappingNode):
                found |= params_of(node, NONE, lambda _node, _sentence: None)
    except yaml.YAMLError:
        return {}
    return found
