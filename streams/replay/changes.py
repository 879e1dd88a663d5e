"""What if: changes to the topology that a replay can try."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

import msgspec
from msgspec.structs import replace

from schemas.control import Strategy
from schemas.engines import ENGINES
from schemas.platform_checks import ROUNDING
from schemas.topics import evidence_topic
from streams.stage import StrategyAt
from streams.topology import scoring_engines


class ChangeError(ValueError):
    """A change that makes no sense; the text says which and what there is."""


class Changes(msgspec.Struct, frozen=True):
    """Engines left out, and numbers of every strategy replaced.

    without    engines that say nothing: fusion counts them as missing in every cycle
    weights    by engine, in place of the strategy's own set; an engine left out has 0
    buy_threshold, sell_threshold   in place of the strategy's own; None: as they are
    """

    without: tuple[str, ...] = ()
    weights: dict[str, float] = {}
    buy_threshold: float | None = None
    sell_threshold: float | None = None

    def __bool__(self) -> bool:
        return self != NO_CHANGES

    def strategy(self, strategy: Strategy) -> Strategy:
        """Return the strategy as changed."""
        if not self.weights and self.buy_threshold is None and self.sell_threshold is None:
            return strategy
        buy, sell = self.buy_threshold, self.sell_threshold
        return replace(
            strategy,
            weights=self.weights or strategy.weights,
            buy_threshold=strategy.buy_threshold if buy is None else buy,
            sell_threshold=strategy.sell_threshold if sell is None else sell,
        )

    def table(self, strategies: Mapping[str, StrategyAt]) -> Mapping[str, StrategyAt]:
        """Return a table of strategies, each as changed."""
        return {
            name: StrategyAt(self.strategy(at.strategy), at.offset)
            for name, at in strategies.items()
        }

    def say(self) -> str:
        """Return the changes in words."""
        said = [f"without {engine}" for engine in self.without]
        said += [f"weight of {engine} {weight:g}" for engine, weight in self.weights.items()]
        if 0 < len(self.weights) < len(ENGINES):
            said.append("all other weights 0")
        if self.buy_threshold is not None:
            said.append(f"BUY above {self.buy_threshold:g}")
        if self.sell_threshold is not None:
            said.append(f"SELL below {self.sell_threshold:g}")
        return ", ".join(said) or "no change"


NO_CHANGES = Changes()


def parse_changes(
    without: str | None = None, weights: str | None = None, thresholds: str | None = None
) -> Changes:
    """Return the changes that a command's options ask for; ChangeError says what is wrong.

    `without` names engines or the short names of their topics (`news`, `candles`), with commas
    between; `weights` is like `sentiment=0.2,technical=0.4`, a whole set: what it leaves out is 0;
    `thresholds` are like `buy=0.3,sell=-0.2`.
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
    return Changes(_engines(without), pairs, limits.get("buy"), limits.get("sell"))


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
