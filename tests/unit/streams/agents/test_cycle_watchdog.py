"""The clock of the cycle watchdog: time in which its process slept is nobody's silence."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from streams.agents import cycle_watchdog
from streams.agents.cycle_watchdog import CycleWatchdog
from tests import factories
from tests.unit.streams.agents.memory_broker import CODEC
from transport.settings import Settings

GRACE_S = 30.0


class Consumer:
    """Hands over one batch a round; between two rounds the clock goes on by so much."""

    generation = 0

    def __init__(self, clock: Any, rounds: list[tuple[float, list[msgspec.Struct]]]) -> None:
        self._clock = clock
        self._rounds = rounds

    async def start(self) -> None:
        pass

    async def read(self, timeout_ms: int, most: int) -> dict[Any, list[Any]]:
        if not self._rounds:
            raise asyncio.CancelledError
        seconds, events = self._rounds.pop(0)
        self._clock.now_s += seconds
        records = [SimpleNamespace(value=CODEC.encode(one), offset=0) for one in events]
        return {("market.trending", 0): records} if records else {}

    async def commit(self, next_offsets: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("rounds", "written"),
    [
        pytest.param([(1.0, [])] * 40, 5, id="forty rounds of a second"),
        pytest.param([(400.0, [])], 0, id="one round in which it slept"),
        pytest.param([(400.0, factories.answers(asset="BTC"))], 0, id="answers came meanwhile"),
    ],
)
async def test_what_is_overdue(
    rounds: list[tuple[float, Any]], written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    clock = SimpleNamespace(now_s=0.0)
    sent: list[Any] = []

    async def send(producer: Any, records: Any, limits: Any) -> list[Any]:
        sent.extend(records)
        return []

    async def answers() -> bool:
        return True

    monkeypatch.setattr(cycle_watchdog, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    monkeypatch.setattr(cycle_watchdog, "send", send)
    settings = Settings(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9", grace_s=GRACE_S)
    watchdog = CycleWatchdog(settings, CODEC)
    tick = factories.tick("BTC", cycle=factories.START_MS)
    watchdog._consumer = Consumer(clock, [(0.1, [tick]), *rounds])  # type: ignore[assignment]
    watchdog._producer = SimpleNamespace(start=answers)
    watchdog._broker_answers = answers  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await watchdog._watch()
    assert len([one for one in sent if one.topic == "engine.scores"]) == written
