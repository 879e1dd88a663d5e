"""What if: changes to the topology that a replay can try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from pathlib import Path

import msgspec
from msgspec.structs import replace

from schemas.control import Strategy
from schemas.engines import ENGINES
from schemas.platform_checks import ROUNDING
from schemas.strategy_files import (
    SUFFIXES,
    StrategyFileError,
    did_you_mean,
    field_value,
    read_strategies,
)
from schemas.topics import evidence_topic
from schemas.validation import problem
from streams.stage import StrategyAt
from streams.topology import scoring_engines


class ChangeError(ValueError):
    """A change that makes no sense; the text says which and what there is."""


class Changes(msgspec.Struct, frozen=True):
    """What a replay does otherwise than the source says.

    without  engines that say nothing: fusion counts them as missing in every cycle
    weights  by engine, in place of the strategy's own set; an engine left out has 0
    buy_threshold, sell_threshold   in place of the strategy's own; None: as they are
    fields   other fields of every strategy by name, in place of its own
    own      strategies of one's own; each stands in place of the stored one of its id
    only     ids of the strategies that are replayed, those of `own` among them; () for all
    """

    without: tuple[str, ...] = ()
    weights: dict[str, float] = {}
    buy_threshold: float | None = None
    sell_threshold: float | None = None
    fields: dict[str, str | float | bool | None] = {}
    own: tuple[Strategy, ...] = ()
    only: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != NO_CHANGES

    def strategy(self, strategy: Strategy) -> Strategy:
        """Return the strategy as changed."""
        changed: dict[str, object] = {**self.fields}
        if self.weights:
            changed["weights"] = self.weights
        if self.buy_threshold is not None:
            changed["buy_threshold"] = self.buy_threshold
        if self.sell_threshold is not None:
            changed["sell_threshold"] = self.sell_threshold
        return replace(strategy, **changed) if changed else strategy

    def table(self, strategies: Mapping[str, StrategyAt]) -> Mapping[str, StrategyAt]:
        """Return a table of strategies, each as changed; those of one's own are always in it."""
        found = {name: at for name, at in strategies.items() if not self.only or name in self.only}
        for one in self.own:
            stored = found.get(one.strategy_id)
            found[one.strategy_id] = StrategyAt(one, _NOWHERE if stored is None else stored.offset)
        return {
            name: StrategyAt(self.strategy(found[name].strategy), found[name].offset)
            for name in sorted(found)
        }

    def owns(self, strategy_id: str) -> bool:
        """Return whether a strategy is one's own, whatever was stored."""
        return any(one.strategy_id == strategy_id for one in self.own)

    def wants(self, strategy_id: str) -> bool:
        """Return whether a strategy is replayed."""
        return not self.only or strategy_id in self.only

    def only_chooses(self) -> bool:
        """Return whether nothing is changed: some of the strategies are replayed as they were."""
        return self == Changes(only=self.only)

    def base(self, stored: Iterable[Strategy]) -> Changes | None:
        """Return what these changes are compared with; None: there is nothing to compare.

        Overrides are compared with the same strategies without them, strategies of one's own with
        the stored ones of the same ids.
        """
        plain = Changes(own=self.own, only=self.only)
        if plain != self:
            return plain
        ids = {one.strategy_id for one in self.own}
        if not any(one.strategy_id in ids for one in stored):
            return None
        return Changes(only=self.only)

    def check(self, stored: Sequence[Strategy]) -> None:
        """Raise ChangeError where a chosen strategy is unknown or one would not be valid so.

        `stored` are all versions of the strategies of the source.
        """
        known = sorted({one.strategy_id for one in (*stored, *self.own)})
        for name in self.only:
            if name not in known:
                hint = did_you_mean(name, known) or f"; there are {', '.join(known) or 'none'}"
                msg = f"--strategy {name}: there is no such strategy{hint}"
                raise ChangeError(msg)
        for one in (*stored, *self.own):
            wrong = problem(self.strategy(one)) if self.wants(one.strategy_id) else None
            if wrong is not None and problem(one) is None:
                msg = f"{one.strategy_id} cannot be changed so: {wrong}"
                raise ChangeError(msg)

    def say(self) -> str:
        """Return the changes in words."""
        said = [f"{one.strategy_id} as in its file" for one in self.own]
        said += [
            f"only {name}" for name in self.only if name not in {o.strategy_id for o in self.own}
        ]
        said += [f"without {engine}" for engine in self.without]
        said += [f"weight of {engine} {weight:g}" for engine, weight in self.weights.items()]
        if 0 < len(self.weights) < len(ENGINES):
            said.append("all other weights 0")
        if self.buy_threshold is not None:
            said.append(f"BUY above {self.buy_threshold:g}")
        if self.sell_threshold is not None:
            said.append(f"SELL below {self.sell_threshold:g}")
        for name, value in self.fields.items():
            said.append(f"no {name}" if value is None else f"{name} {_text(value)}")
        return ", ".join(said) or "no change"


NO_CHANGES = Changes()
_NOWHERE = 0
"""Stands for the place in control.strategies of a strategy that has none there."""
_OWN_OPTIONS = {
    "weights": "--weights",
    "buy_threshold": "--thresholds",
    "sell_threshold": "--thresholds",
    "strategy_id": "--strategy",
    "active": "--strategy",
    "assets": "--assets",
}
"""Fields that another option sets."""


def parse_changes(
    without: str | None = None,
    weights: str | None = None,
    thresholds: str | None = None,
    strategies: Sequence[str] = (),
    fields: Sequence[str] = (),
) -> Changes:
    """Return the changes that a command's options ask for; ChangeError says what is wrong.

    `without` names engines or the short names of their topics (`news`, `candles`), with commas
    between; `weights` is like `sentiment=0.2,technical=0.4`, a whole set: what it leaves out is 0;
    `thresholds` are like `buy=0.3,sell=-0.2`; `strategies` are files, folders or ids, `fields` like
    `band=0.1` or `entry_rule=RSI < 30`.
    """
    pairs = _numbers("--weights", weights, ENGINES)
    limits = _numbers("--thresholds", thresholds, ("buy", "sell"))
    for engine, weight in pairs.items():
        if not 0.0 <= weight <= 1.0:
            msg = f"--weights {engine}={weight:g}: a weight is 0 to 1"
            raise ChangeError(msg)
    if fsum(pairs.values()) > 1.0 + ROUNDING:
        msg = f"--weights sum to {fsum(pairs.values()):g}, more than 1"
        raise ChangeError(msg)
    own, only = _strategies(strategies)
    return Changes(
        _engines(without),
        pairs,
        limits.get("buy"),
        limits.get("sell"),
        _fields(fields),
        own,
        only,
    )


def _strategies(names: Sequence[str]) -> tuple[tuple[Strategy, ...], tuple[str, ...]]:
    """Return the strategies of the files among some names, and the ids of all; each once."""
    own: dict[str, Strategy] = {}
    only: dict[str, None] = {}
    for name in names:
        path = Path(name)
        if not path.exists() and path.suffix not in SUFFIXES and "/" not in name:
            only[name] = None
            continue
        try:
            found = read_strategies(path)
        except StrategyFileError as error:
            raise ChangeError(str(error)) from None
        except OSError as error:
            msg = f"--strategy {name}: {error.strerror}"
            raise ChangeError(msg) from None
        for one in found:
            if one.strategy_id in own:
                msg = f"--strategy {name}: {one.strategy_id} is in an earlier file too"
                raise ChangeError(msg)
            # Who tries a strategy wants to see it at work, also before it is switched on.
            own[one.strategy_id] = replace(one, active=True)
            only[one.strategy_id] = None
    return tuple(own.values()), tuple(only)


def _fields(items: Sequence[str]) -> dict[str, str | float | bool | None]:
    found: dict[str, str | float | bool | None] = {}
    for item in items:
        name, equals, text = item.partition("=")
        name = name.strip()
        if name in _OWN_OPTIONS:
            msg = f"--set {name}: use {_OWN_OPTIONS[name]}"
            raise ChangeError(msg)
        if not equals:
            msg = f"--set {item}: write FIELD=VALUE, like band=0.1"
            raise ChangeError(msg)
        try:
            found[name] = field_value(name, text.strip())
        except StrategyFileError as error:
            msg = f"--set {item}: {error}"
            raise ChangeError(msg) from None
    return found


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _engines(text: str | None) -> tuple[str, ...]:
    by_topic = {
        evidence_topic(engine.topic).rpartition(".")[2]: engine.name for engine in scoring_engines()
    }
    found = []
    for name in _items(text):
        engine = by_topic.get(name, name)
        if engine not in ENGINES:
            known = ", ".join([*ENGINES, *by_topic])
            msg = f"--without {name}: there is no such engine or topic; there are {known}"
            raise ChangeError(msg)
        found.append(engine)
    return tuple(sorted(set(found)))


def _numbers(option: str, text: str | None, names: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for item in _items(text):
        name, _, value = item.partition("=")
        if name not in names:
            msg = f"{option} {item}: {name!r} is none of {', '.join(names)}"
            raise ChangeError(msg)
        try:
            found[name] = float(value)
        except ValueError:
            msg = f"{option} {item}: {value!r} is no number; write {name}=0.25"
            raise ChangeError(msg) from None
        if not -1.0 <= found[name] <= 1.0:
            msg = f"{option} {item}: scores lie in -1 to 1"
            raise ChangeError(msg)
    return found


def _items(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]
