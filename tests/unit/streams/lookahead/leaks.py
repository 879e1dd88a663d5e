"""Engines that know the future, one for each way to know it, and one that does not.

Each is a price follower: its score is the tangent of what it makes of the last close. The sealed
process imports this module anew, so what a test puts into its globals is not there.
"""

from __future__ import annotations

import os
import random
import time
from math import tanh
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from schemas.market import Candle, TrendingAsset
from schemas.topics import CANDLES
from streams.engines.base import Engine, EngineReading

DATASET: list[Candle] = []
"""The whole backtest, as a notebook would hold it."""


class State(msgspec.Struct, frozen=True, gc=False):
    """The last close, and what the engine made of it."""

    close: float = 0.0
    seen: int = 0
    said: float = 0.0


class Notes(msgspec.Struct):
    """A state that is no value: it can be written into."""

    closes: list[float] = []


def _initial(config: None) -> State:
    return State()


def _read(config: None, state: State, now: int) -> EngineReading:
    return EngineReading(state.said, 1.0, 1.0, data_time=now, features={"seen": float(state.seen)})


def _engine(name: str, update: Any, initial: Any = _initial, read: Any = _read) -> Engine[Any, Any]:
    state_type = Notes if initial is not _initial else State
    return Engine(name, CANDLES.name, None, state_type, initial, update, read, min_change=0.0)


def _change(before: float, after: float) -> float:
    return tanh(after / before - 1.0) if before else 0.0


def _honest(config: None, state: State, event: Any, offset: int) -> State:
    if type(event) is not Candle:
        return state
    return State(event.close, state.seen + 1, _change(state.close, event.close))


def _peek(config: None, state: State, event: Any, offset: int) -> State:
    """Take the candle after this one out of the dataset, where there is one."""
    if type(event) is not Candle:
        return state
    own = [one for one in DATASET if one.asset == event.asset]
    later = [one for one in own if one.observed_at > event.observed_at]
    return State(
        event.close, state.seen + 1, _change(event.close, later[0].close) if later else 0.0
    )


class _Newest:
    """Remembers the newest price of anything that anyone has ever seen."""

    price: ClassVar[dict[str, tuple[int, float]]] = {}


def _hoard(config: None, state: State, event: Any, offset: int) -> State:
    if type(event) is not Candle:
        return state
    known_at, _ = _Newest.price.get(event.asset, (0, 0.0))
    if event.observed_at > known_at:
        _Newest.price[event.asset] = event.observed_at, event.close
    newest = _Newest.price[event.asset][1]
    return State(event.close, state.seen + 1, _change(event.close, newest))


_HIGHEST = [0.0]


def _note_highest(config: None, state: State, event: Any, offset: int) -> State:
    if type(event) is not Candle:
        return state
    _HIGHEST[0] = max(_HIGHEST[0], event.high)
    return State(event.close, state.seen + 1)


def _read_normalised(config: None, state: State, now: int) -> EngineReading:
    return EngineReading(state.close / _HIGHEST[0] if _HIGHEST[0] else 0.0, 1.0, 1.0)


def _write_into(config: None, state: Notes, event: Any, offset: int) -> Notes:
    """Change the state that was given and return it as a new one."""
    if type(event) is not Candle:
        return state
    state.closes.append(event.close)
    return Notes(state.closes)


def _read_notes(config: None, state: Notes, now: int) -> EngineReading:
    closes = state.closes[-2:]
    return EngineReading(_change(*closes) if len(closes) == 2 else 0.0, 1.0, 1.0)


def _from_disk(config: None, state: State, event: Any, offset: int) -> State:
    """Look into a file, and say nothing of it when there is none."""
    try:
        with Path(__file__).with_suffix(".csv").open() as file:
            ahead = float(file.read())
    except OSError:
        ahead = 0.0
    return State(event.close, state.seen + 1, ahead) if type(event) is Candle else state


def _from_a_package(config: None, state: State, event: Any, offset: int) -> State:
    """Look into a file of an installed package: data may be installed too."""
    marker = Path(msgspec.__file__).with_name("py.typed")
    size = float(len(marker.read_bytes()) + 1)
    return State(event.close, state.seen + 1, 1.0 / size) if type(event) is Candle else state


def _by_chance(config: None, state: State, event: Any, offset: int) -> State:
    return State(0.0, state.seen + 1, random.random())


def _by_the_clock(config: None, state: State, event: Any, offset: int) -> State:
    return State(0.0, state.seen + 1, time.time() % 1.0)


def _hoard_late(config: None, state: State, event: Any, offset: int) -> State:
    """Say what was hoarded from offset 40 on."""
    honest, hoarding = (step(config, state, event, offset) for step in (_honest, _hoard))
    return hoarding if offset >= 40 else honest


def _chat(config: None, state: State, event: Any, offset: int) -> State:
    """Print, and import code only when it is needed."""
    import colorsys

    print("hello", colorsys.ONE_THIRD)
    return _honest(config, state, event, offset)


def _quit(config: None, state: State, event: Any, offset: int) -> State:
    os._exit(3)


def _failing(config: None, state: State, event: Any, offset: int) -> State:
    """Fail on every tick, for good reason or not: the same with and without the future."""
    if type(event) is TrendingAsset:
        msg = "no ticks please"
        raise ValueError(msg)
    return _honest(config, state, event, offset)


def _notes(config: None) -> Notes:
    return Notes([])


HONEST = _engine("honest", _honest)
FAILING = _engine("failing", _failing)
PEEKING = _engine("peeking", _peek)
HOARDING = _engine("hoarding", _hoard)
NORMALISING = _engine("normalising", _note_highest, read=_read_normalised)
OVERWRITING = _engine("overwriting", _write_into, _notes, _read_notes)
DISK = _engine("disk", _from_disk)
LATE = _engine("late", _hoard_late)
CHATTY = _engine("chatty", _chat)
QUITTING = _engine("quitting", _quit)
LEAKING_TECHNICAL = _engine("technical", _hoard)
"""In the place of a real one, so that fusion hears it."""
PACKAGED = _engine("packaged", _from_a_package)
CHANCE = _engine("chance", _by_chance)
CLOCK = _engine("clock", _by_the_clock)
