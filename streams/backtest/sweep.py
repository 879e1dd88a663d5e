"""Sweeps: which values of a strategy's numbers are tried, as which strategies. Pure.

    axes = parse_axes(["weights.sentiment=0.2:0.5:0.1", "rsi=25,30,35"])
    for choice in every(axes):            {"weights.sentiment": "0.2", "rsi": "25"}, ...
        strategy = strategy_of(file, choice)

An axis is a parameter of the file (`$rsi` in its rules), a weight (`weights.ENGINE`) or another
field of the strategy. With some weights given the others share what they leave of the file's sum,
in the file's own proportions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from itertools import count, product
from math import fsum, prod
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.control import Strategy, effective_weights
from schemas.engines import ENGINES
from schemas.rule_language import Indicator, wanted
from schemas.strategy_files import StrategyFileError, did_you_mean, field_value, strategies_of
from schemas.strategy_params import declared, wrong_param
from schemas.validation import problem

MOST_VALUES = 10_000
"""Of one axis."""
MOST_RULES = 2_000
"""Different rules of a sweep, all of whose indicators are computed in one pass."""
_WEIGHT = "weights."
_NOT_SWEPT = {
    **dict.fromkeys(
        ("strategy_id", "name", "description", "user_id", "active"), "it decides nothing"
    ),
    "assets": "use --assets",
    "weights": "sweep one by one: weights.sentiment=0.2:0.5:0.1",
    "entry_rule": "name its numbers: `params: {rsi: 30}` and RSI < $rsi in the file",
    "exit_rule": "name its numbers: `params: {rsi: 30}` and RSI > $rsi in the file",
}

Choice = Mapping[str, str]
"""A value for each axis, as text."""


class SweepError(ValueError):
    """A sweep that makes no sense; the text says what and what to do."""


class Axis(NamedTuple):
    """A name and the values it is tried with, in the order in which they were given."""

    name: str
    values: tuple[str, ...]


class StrategyFile(NamedTuple):
    """The text of a file with one strategy, and what it is called."""

    text: str
    name: str


def parse_axes(items: Sequence[str]) -> tuple[Axis, ...]:
    """Return the axes that options like `rsi=25,30,35` and `band=0:0.4:0.1` give; SweepError."""
    axes: dict[str, Axis] = {}
    for item in items:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals or not name:
            msg = f"--grid {item}: write NAME=FROM:TO:STEP or NAME=VALUE,VALUE"
            raise SweepError(msg)
        if name in axes:
            msg = f"--grid {item}: {name} is given twice"
            raise SweepError(msg)
        values = tuple(dict.fromkeys(_values(item, text)))
        axes[name] = Axis(name, values)
    if not axes:
        msg = "there is nothing to try: say --grid NAME=FROM:TO:STEP or NAME=VALUE,VALUE"
        raise SweepError(msg)
    return tuple(axes.values())


def _values(item: str, text: str) -> Iterator[str]:
    if ":" not in text:
        found = [one.strip() for one in text.split(",")]
        if not all(found):
            msg = f"--grid {item}: there is an empty value"
            raise SweepError(msg)
        yield from found
        return
    try:
        first, last, step = (Decimal(one.strip()) for one in text.split(":"))
        is_range = all(one.is_finite() for one in (first, last, step)) and step > 0 <= last - first
    except (ValueError, InvalidOperation):
        is_range = False
    if not is_range:
        msg = f"--grid {item}: a range is FROM:TO:STEP, three numbers that rise, like 0.2:0.5:0.1"
        raise SweepError(msg)
    steps = int((last - first) / step) + 1
    if steps > MOST_VALUES:
        msg = f"--grid {item}: {steps:,} values are more than {MOST_VALUES:,}; take a larger step"
        raise SweepError(msg)
    for place in range(steps):
        yield f"{(first + place * step).normalize():f}"


def size_of(axes: Sequence[Axis]) -> int:
    """Return how many choices there are."""
    return prod(len(axis.values) for axis in axes)


def every(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Yield all choices, the last axis turning fastest."""
    for values in product(*(axis.values for axis in axes)):
        yield {axis.name: value for axis, value in zip(axes, values, strict=True)}


def choice_at(axes: Sequence[Axis], place: int) -> dict[str, str]:
    """Return the choice at a place in the order of `every`."""
    found: dict[str, str] = {}
    for axis in reversed(axes):
        place, value = divmod(place, len(axis.values))
        found[axis.name] = axis.values[value]
    return {axis.name: found[axis.name] for axis in axes}


def random_choices(axes: Sequence[Axis], seed: int) -> Iterator[dict[str, str]]:
    """Yield all choices in an order that the seed gives, none twice."""
    size = size_of(axes)
    seen: set[int] = set()
    for number in count():
        if len(seen) == min(size, MOST_VALUES):
            return
        drawn = blake2b(f"{seed}|{number}".encode(), digest_size=8).digest()
        place = int.from_bytes(drawn) % size
        if place not in seen:
            seen.add(place)
            yield choice_at(axes, place)


def strategy_of(file: StrategyFile, choice: Choice) -> Strategy:
    """Return the file's strategy with a choice in it.

    Raises SweepError for an axis that there is not or that cannot be swept, StrategyFileError for
    a choice that makes no strategy.
    """
    params = declared(file.text)
    own = {name: value for name, value in choice.items() if name in params}
    for name, value in own.items():
        wrong = wrong_param(name, value)
        if wrong is not None:
            msg = f"--grid {name}={value}: {wrong}"
            raise SweepError(msg)
    found = strategies_of(file.text, file.name, own)
    if len(found) != 1:
        msg = f"{file.name}: {len(found)} strategies are in it; a sweep tries one"
        raise SweepError(msg)
    changed: dict[str, object] = {"active": True}
    weights: dict[str, float] = {}
    for name, value in choice.items():
        if name.startswith(_WEIGHT):
            engine = name.removeprefix(_WEIGHT)
            if engine not in ENGINES:
                msg = f"--grid {name}: {engine!r} is none of {', '.join(ENGINES)}"
                raise SweepError(msg)
            weights[engine] = _number(name, value)
        elif name not in own:
            changed[name] = _field(name, value, params)
    if weights:
        changed["weights"] = _weights(effective_weights(found[0]), weights)
    made = replace(found[0], **changed)
    wrong = problem(made)
    if wrong is not None:
        msg = f"{said(choice)}: {wrong}"
        raise StrategyFileError(msg)
    return made


def _field(name: str, value: str, params: Mapping[str, str]) -> object:
    if name in _NOT_SWEPT:
        msg = f"--grid {name} cannot be swept: {_NOT_SWEPT[name]}"
        raise SweepError(msg)
    try:
        return field_value(name, value)
    except StrategyFileError as error:
        near = did_you_mean(name, params)
        known = f"; the file's params are {', '.join(params)}{near}" if params else ""
        msg = f"--grid {name}={value}: {error}{known}"
        raise SweepError(msg) from None


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        msg = f"--grid {name}={value}: {value!r} is no number"
        raise SweepError(msg) from None


def _weights(own: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    """Return the given weights, and the others in their proportions in what the given leave."""
    total, left = fsum(own.values()), fsum(own[name] for name in own if name not in given)
    rest = total - fsum(given.values())
    if rest < -1e-9:
        msg = f"the weights given sum to {fsum(given.values()):g}, more than the file's {total:g}"
        raise StrategyFileError(msg)
    share = max(rest, 0.0) / left if left > 0.0 else 0.0
    # Rounded, so that sums of tenths are not above 1 by their last bit.
    return {name: round(given.get(name, one * share), 9) for name, one in own.items()}


def said(choice: Choice) -> str:
    """Return a choice for people: `rsi=30 band=0.2`."""
    return " ".join(f"{name}={value}" for name, value in choice.items())


def key_of(strategy: Strategy, data: str) -> str:
    """Return the key of a trial, 32 hex digits: of all that the strategy decides by, and the data.

    `data` stands for the scores, the span and the settings. Names and texts for people are left
    out, so that a sweep goes on where a comment of the file changed.
    """
    plain = replace(strategy, name="", description="", version=1, updated_at=0, author=None)
    body = msgspec.json.encode([data, msgspec.to_builtins(plain)], order="deterministic")
    return blake2b(body, digest_size=16).hexdigest()


def with_all_rules(file: StrategyFile, axes: Sequence[Axis]) -> list[Strategy]:
    """Return a strategy for each set of indicators that the rules of a sweep name.

    What makes no strategy is left out. Raises SweepError where there are too many to compute.
    """
    params = declared(file.text)
    ruling = [axis for axis in axes if axis.name in params or axis.name == "timeframe"]
    if size_of(ruling) > MOST_RULES:
        msg = f"the axes give {size_of(ruling):,} different rules, more than {MOST_RULES:,}"
        raise SweepError(msg)
    found: dict[tuple[Indicator, ...], Strategy] = {}
    for choice in every(ruling):
        try:
            one = strategy_of(file, choice)
        except StrategyFileError:
            continue
        found.setdefault(wanted(one), one)
    return list(found.values())
