"""An engine that has read the future before anybody asked it anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.topics import CANDLES
from streams.engines.base import Engine
from tests.unit.streams.lookahead.leaks import State, _honest, _initial, _read

DATASET = Path(__file__).with_name("market.txt").read_text("utf-8")

ENGINE: Engine[Any, Any] = Engine(
    "at_import", CANDLES.name, None, State, _initial, _honest, _read, min_change=0.0
)
