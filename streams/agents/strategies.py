"""The strategies as a table that each worker of a stage which uses them holds whole."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.codec import Codec
from streams.stage import StrategyAt, Tables
from transport.settings import Settings
from transport.strategies import Placed, StrategyLog


class StrategyTable(StrategyLog):
    """`tables()` is a snapshot that later changes never touch.

    A Faust GlobalTable would show other workers' rows late or never.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        super().__init__(settings, codec, self._renew)
        self._tables = Tables({})

    def tables(self) -> Tables:
        """Return the strategies as they stand now, in the order of their ids."""
        return self._tables

    def _renew(self, placed: Mapping[str, Placed]) -> None:
        strategies = {name: StrategyAt(*one) for name, one in placed.items()}
        self._tables = Tables(strategies, read_to=self.read_to)
