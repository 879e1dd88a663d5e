"""Back-fill of 50 assets x 3 timeframes x 300 candles through the real producers.

From the first request for a candle to the last one acknowledged by the embedded broker. The
simulator has a process of its own, as in the demo; its clock goes as fast as the wall's, so the
exchanges' documented limits hold as they would.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

from benchmarks.report import Result, heading
from embedded.broker import Broker
from embedded.registry.server import Registry
from producers.exchange.backfill import Progress
from producers.feeds.runner import Listener
from producers.settings import SourceSettings
from quantiva.demo.upstreams import simulator_of
from quantiva.wiring.producers import produce
from simulator.server import environment_of
from transport import admin
from transport.clock import ScaledClock
from transport.settings import Settings
from transport.supervision.ports import free_port

NAME = "backfill"
_EXCHANGES = ("binance", "bybit")
_SEED, _ASSETS, _CANDLES = 7, 50, 300
_LIMIT_S = 180.0


async def measure(*, quick: bool = False) -> Result:
    """Back-fill an empty broker from both exchanges; quick: 2 assets of the first one."""
    assets = 2 if quick else _ASSETS
    heading(NAME, f"{assets} assets x 3 timeframes x {_CANDLES} candles, real ccxt")
    took: dict[str, float] = {}
    for exchange in _EXCHANGES[:1] if quick else _EXCHANGES:
        async with _site(exchange, assets) as (settings, sources):
            took[exchange] = await _backfill(settings, sources, assets)
        candles = assets * 3 * _CANDLES
        print(
            f"  {exchange}: {candles:,} candles in {took[exchange]:.1f} s, "
            f"{candles / took[exchange]:,.0f}/s"
        )
    slowest = max(took.values())
    return Result(
        NAME,
        slowest,
        f"s for {_ASSETS} assets x 3 timeframes x {_CANDLES}, the slower exchange",
        detail={f"{name}_s": round(seconds, 2) for name, seconds in took.items()},
    )


async def _backfill(settings: Settings, sources: SourceSettings, assets: int) -> float:
    """Return the wall seconds from the first to the last report of its progress."""
    stop, seen = asyncio.Event(), list[tuple[float, Progress]]()

    def on_progress(progress: Progress) -> None:
        seen.append((time.monotonic(), progress))

    listener = Listener(lambda text: print(f"  {text}"), on_progress, stop.set)
    async with asyncio.timeout(_LIMIT_S):
        await produce(("trending", "candles"), settings, sources, listener, stop)
    begun_s, (ended_s, last) = seen[0][0], seen[-1]
    # A candle may close while it runs.
    if last.done < assets * 3 or last.candles < assets * 3 * _CANDLES:
        msg = f"only {last.candles} candles of {last.done} series came"
        raise RuntimeError(msg)
    return ended_s - begun_s


@contextlib.asynccontextmanager
async def _site(exchange: str, assets: int) -> AsyncIterator[tuple[Settings, SourceSettings]]:
    """Start broker, registry and a simulator of its own process."""
    broker, registry = Broker(), Registry()
    async with contextlib.AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="quantiva-bench-")))
        exits.push_async_callback(broker.stop)
        added = {"KAFKA_BOOTSTRAP_SERVERS": await broker.start()}
        exits.push_async_callback(registry.stop)
        added["SCHEMA_REGISTRY_URL"] = await registry.start()
        now_ms = int(time.time() * 1000)
        clock, port = ScaledClock(now_ms, now_ms, 1.0), free_port()
        simulator = simulator_of(clock, port, folder, lambda name, what: None, _SEED)
        exits.push_async_callback(simulator.stop)
        simulator.begin()
        await simulator.ready()
        added |= environment_of(f"http://127.0.0.1:{port}", clock, exchange)
        added |= {
            "QUANTIVA_BROKER": "tansu",
            "QUANTIVA_STATE_DIR": str(folder),
            "QUANTIVA_TRENDING_SIZE": str(assets),
        }
        exits.enter_context(mock.patch.dict(os.environ, added))
        settings = Settings()
        await asyncio.to_thread(admin.create, settings)
        yield settings, SourceSettings()
