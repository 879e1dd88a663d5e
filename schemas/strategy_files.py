"""Strategies as YAML files: one strategy a document, several documents a file.

Their owners write them, with comments, and keep them in git; nothing here changes a file. Every
value is read by the type of its field and never by what YAML takes it for: the asset NO is no
boolean, and 1:30 is no number of seconds. Parameters of rules: `schemas.strategy_params`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import msgspec
import yaml

from schemas.control import Strategy
from schemas.names import nearest
from schemas.strategy_params import NONE, PARAMS, RULES, ParamError, params_of, resolved
from schemas.validation import problem

_SAVED = {
    "version": "it is counted when the strategy is saved",
    "updated_at": "it is the moment in which the strategy is saved",
    "author": "it is who saves the strategy",
    "owner": "it is user where user_id is given, else admin",
}
"""Fields that no file has, and why."""
_FIELDS = {one.name: one.type for one in msgspec.structs.fields(Strategy) if one.name not in _SAVED}
_REQUIRED = ("strategy_id", "name")
_UNITS = {
    "_pct": "percent",
    "_hours": "hours",
    "_minutes": "minutes",
    "_usd": "US dollars",
    "_atr": "multiples of the ATR",
}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_MOST_BYTES = 1 << 20
_MOST_SHOWN = 60
SUFFIXES = (".yaml", ".yml")


class StrategyFileError(ValueError):
    """What is wrong with a file of strategies: a line for each fault, `file:line: sentence`."""


def read_strategies(path: Path) -> list[Strategy]:
    """Return the strategies of a file, or of all YAML files under a folder, in their order.

    Their version, author and time are not set. Raises StrategyFileError with every fault found,
    OSError where nothing can be read.
    """
    files = _files(path)
    found: dict[str, tuple[Strategy, str]] = {}
    wrong: list[str] = []
    for file in files:
        for made, place in _read(file, wrong):
            before = found.get(made.strategy_id)
            if before is not None:
                wrong.append(f"{place}: strategy_id {made.strategy_id} is also at {before[1]}")
            found[made.strategy_id] = made, place
    if wrong:
        raise StrategyFileError("\n".join(wrong))
    if not found:
        msg = f"{path}: there is no strategy in it"
        raise StrategyFileError(msg)
    return [made for made, _ in found.values()]


def strategies_of(text: str, name: str, params: Mapping[str, str] = NONE) -> list[Strategy]:
    """Return the strategies of a text that is called so; StrategyFileError as `read_strategies`.

    `params` stand in place of the text's own values of its parameters.
    """
    wrong: list[str] = []
    found = [made for made, _ in _documents(text, name, wrong, params)]
    if wrong:
        raise StrategyFileError("\n".join(wrong))
    return found


def field_value(name: str, text: str) -> Any:
    """Return what a file that has `name: text` gives to a field; None for an empty optional one.

    Raises StrategyFileError; whether a strategy may have that value is not known here.
    """
    if name in _SAVED or name not in _FIELDS:
        known = _SAVED.get(name) or f"there is no such field{did_you_mean(name, _FIELDS)}"
        msg = f"{name[:_MOST_SHOWN]} cannot be set: {known}"
        raise StrategyFileError(msg)
    kind = _FIELDS[name]
    if not text and NoneType in get_args(kind):
        return None
    try:
        return _value(name, yaml.ScalarNode("tag:yaml.org,2002:str", text), kind)
    except _WrongError as error:
        raise StrategyFileError(str(error)) from None


def to_yaml(strategy: Strategy) -> str:
    """Return a strategy as a document that reads as the same one; defaults are left out."""
    plain = Strategy(strategy_id="", owner="", name="")
    given = {
        name: value
        for name in _FIELDS
        if (value := getattr(strategy, name)) != getattr(plain, name) or name in _REQUIRED
    }
    return yaml.safe_dump(
        msgspec.to_builtins(given), sort_keys=False, allow_unicode=True, width=96, indent=2
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean x?" for what somebody may have meant, or "" where nothing is near."""
    found = nearest(name, known)
    return "" if found is None else f"; did you mean {found}?"


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(
        one
        for one in path.rglob("*")
        if one.suffix in SUFFIXES and one.is_file() and not _is_hidden(one.relative_to(path))
    )
    if not files:
        msg = f"{path}: there is no file that ends in {' or '.join(SUFFIXES)} in it"
        raise StrategyFileError(msg)
    return files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read(file: Path, wrong: list[str]) -> Iterator[tuple[Strategy, str]]:
    content = file.read_bytes()
    if len(content) > _MOST_BYTES:
        wrong.append(f"{file}: it has {len(content):,} bytes, more than {_MOST_BYTES:,}")
        return
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        wrong.append(f"{file}: it is not UTF-8 at byte {error.start}")
        return
    yield from _documents(text, str(file), wrong)


def _documents(
    text: str, name: str, wrong: list[str], params: Mapping[str, str] = NONE
) -> Iterator[tuple[Strategy, str]]:
    """Yield each strategy and its place; faults are added to `wrong`."""
    try:
        nodes = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + 1}" if mark is not None else ""
        wrong.append(f"{name}{at}: it is not YAML: {error.problem or error.context}")
        return
    except yaml.YAMLError as error:  # a character that YAML does not take
        wrong.append(f"{name}: it is not YAML: {' '.join(str(error).split())}")
        return
    except RecursionError:
        wrong.append(f"{name}: it is nested too deeply")
        return
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and not node.value:
            continue  # between two --- or nothing but comments
        document = _Document(node, name, params)
        made = document.strategy()
        wrong.extend(document.wrong)
        if made is not None:
            yield made, document.place


class _Document:
    """One document on its way to a strategy; `wrong` are its faults, with their lines."""

    def __init__(self, node: yaml.Node, name: str, params: Mapping[str, str] = NONE) -> None:
        self._node, self._name, self._other = node, name, params
        self.place = f"{name}:{node.start_mark.line + 1}"
        self.wrong: list[str] = []
        self._lines: dict[str, yaml.Node] = {}

    def strategy(self) -> Strategy | None:
        """Return the strategy, or None where something is wrong."""
        if not isinstance(self._node, yaml.MappingNode):
            self._fault(self._node, "a strategy is written as `field: value` lines")
            return None
        given = self._fields(self._node)
        for name in _REQUIRED:
            if name not in given and name not in self._lines:
                self._fault(self._node, f"{name} is not given; every strategy has one")
        if self.wrong:
            return None
        owner = "user" if given.get("user_id") else "admin"
        made = Strategy(owner=owner, **given)
        sentence = problem(made)
        if sentence is None:
            return made
        field = _field_of(sentence)
        self._fault(self._lines.get(field, self._node), sentence)
        return None

    def _fields(self, node: yaml.MappingNode) -> dict[str, Any]:
        given: dict[str, Any] = {}
        params = params_of(node, self._other, self._fault)
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name in self._lines:
                self._fault(key, f"{name} is given twice")
                continue
            self._lines[name] = key
            if name in _SAVED:
                self._fault(key, f"{name} cannot be set in a file: {_SAVED[name]}")
            elif name not in _FIELDS and name != PARAMS:
                known = did_you_mean(name, _FIELDS)
                self._fault(key, f"{name[:_MOST_SHOWN]} is no field of a strategy{known}")
            elif name != PARAMS and not _is_null(value):
                try:
                    made = _value(name, value, _FIELDS[name])
                    given[name] = resolved(made, params) if name in RULES else made
                except _WrongError as error:
                    self._fault(error.node, str(error))
                except ParamError as error:
                    self._fault(value, f"{name}: {error}")
            elif name in _REQUIRED:
                self._fault(key, f"{name} is empty")
        return given

    def _fault(self, node: yaml.Node, sentence: str) -> None:
        self.wrong.append(f"{self._name}:{node.start_mark.line + 1}: {sentence}")


class _WrongError(Exception):
    def __init__(self, node: yaml.Node, sentence: str) -> None:
        super().__init__(sentence)
        self.node = node


def _field_of(sentence: str) -> str:
    """Return the field that a sentence of `problem` is about: it begins with the name."""
    first = sentence.partition(" ")[0].rstrip(":,")
    return {"weight": "weights"}.get(first, first)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _value(name: str, node: yaml.Node, kind: Any) -> Any:
    """Return a node's value as a field of a type takes it; raises _WrongError."""
    if NoneType in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is tuple:
        if not isinstance(node, yaml.SequenceNode):
            raise _WrongError(node, f"{name} is a list: write {name}: [BTC, ETH]")
        return tuple(_scalar(name, one, str) for one in node.value)
    if get_origin(kind) is dict:
        if not isinstance(node, yaml.MappingNode):
            raise _WrongError(node, f"{name} has a number for each name: write `name: number`")
        found: dict[str, float] = {}
        for key, value in node.value:
            own = _scalar(name, key, str)
            if own in found:
                raise _WrongError(key, f"{name} has {own} twice")
            found[own] = _scalar(f"{own} of {name}", value, float)
        return found
    return _scalar(name, node, kind)


def _scalar(name: str, node: yaml.Node, kind: Any) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        what = "a text" if kind is str else "true or false" if kind is bool else "a number"
        raise _WrongError(node, f"{name} is {what}, not a list or a map")
    text = str(node.value).strip()
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise _WrongError(node, f"{name} is true or false, not {text[:_MOST_SHOWN]!r}")
        return _BOOLEANS[text.lower()]
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _WrongError(node, f"{name} {text[:_MOST_SHOWN]!r} is not a number{_unit(name)}")
    return number


def _unit(name: str) -> str:
    unit = next((word for end, word in _UNITS.items() if name.endswith(end)), "")
    return f"; it is in {unit}, written without a sign or a unit" if unit else ""
