"""The universe of the live producers: strategies are followed, and exchanges replace each other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from producers.feeds.assembly import FEEDS
from schemas.control import SignalRequest, Strategy
from schemas.market import Candle, OrderBook, TrendingAsset
from schemas.signals import Decision, OpenPosition
from schemas.topics import BOOKS, CANDLES, TRENDING
from simulator.faults import Fault
from tests.integration.producers.live_harness import CYCLE_MS, START_MS, LiveDay, live_day
from transport.clock import wall_ms
from transport.publisher import Publisher
from transport.registered_codec import codec_of

pytestmark = pytest.mark.embedded
LONGEST_S = 60.0


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


async def play(day: LiveDay, script: Awaitable[None], names: Sequence[str] = FEEDS) -> None:
    """Run the producers while the script runs."""
    playing = asyncio.ensure_future(script)
    await day.produce(playing.done, names)
    await playing


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something holds; AssertionError with what was waited for."""
    ends_s = asyncio.get_running_loop().time() + LONGEST_S
    while not await holds():
        assert asyncio.get_running_loop().time() < ends_s, what
        await asyncio.sleep(0.1)


async def ticks(day: LiveDay) -> dict[int, dict[str, TrendingAsset]]:
    """Return the ticks by cycle and asset."""
    found: dict[int, dict[str, TrendingAsset]] = defaultdict(dict)
    for tick in (await day.events(TRENDING.name))[TrendingAsset]:
        found[tick.cycle][tick.asset] = tick
    return found


async def test_the_producers_follow_the_strategies(tmp_path: Path) -> None:
    more = {"QUANTIVA_TOP": "2", "QUANTIVA_PINNED": "BTC"}
    async with live_day(tmp_path, speed=120.0, more=more) as day:

        async def script() -> None:
            codec, _ = await codec_of(day.settings)
            while "ready" not in day.lines:
                await asyncio.sleep(0.02)
            await until(lambda: _has_cycle(day, set()), "a cycle")
            first = next(iter((await ticks(day)).values()))
            wanted = next(name for name in day.followed() if name not in first)
            mine = Strategy(
                strategy_id="mine",
                owner="user",
                user_id="u",
                name="Mine",
                assets=(wanted, "NOSUCH", "USDC"),
            )
            async with Publisher(day.settings, codec) as publisher:
                await publisher.publish(mine)
                asked = next(name for name in day.followed() if name not in (*first, wanted))
                for asset in (asked, "NEVER"):
                    request = SignalRequest(f"r-{asset}", asset, "mine", wall_ms())
                    await publisher.publish(request)
                await publisher.flush()
                await until(lambda: _is_taken_up(day, wanted), f"candles and books of {wanted}")
                await until(lambda: _has_cycle(day, {wanted}), f"a cycle with {wanted}")
                await until(lambda: _says(day, "NOSUCH", "strategy mine"), "who asked for NOSUCH")
                await until(lambda: _has_cycle(day, {wanted, asked}), f"a cycle with {asked}")
                await until(lambda: _says(day, "NEVER", "asked for"), "that NEVER is unknown")
                assert (await day.states())["universe"].unknown == ("NOSUCH", "NEVER")
                said = (await day.states())["universe"].assets
                assert said[asked] == "asked for"
                assert said[wanted] == "strategy mine"
                assert "left out" in said["USDC"]
                assert "pinned" in said["BTC"]
                await publisher.withdraw("mine", day.now_ms)
                await publisher.flush()
                at_ms = day.now_ms + CYCLE_MS
                await until(lambda: _has_left(day, wanted, at_ms), f"cycles without {wanted}")

        await play(day, script())
        for cycle in (await ticks(day)).values():
            # What came in the middle of a cycle made it larger.
            assert max(tick.cycle_size for tick in cycle.values()) == len(cycle)
            assert "BTC" in cycle
            assert not {"USDC", "NOSUCH"} & cycle.keys()


@pytest.mark.long
async def test_what_a_strategy_is_in_ticks_until_it_has_left(tmp_path: Path) -> None:
    """The position is older than the producers, and nothing else wants the asset."""
    more = {"QUANTIVA_TOP": "2", "QUANTIVA_PINNED": "BTC"}
    async with live_day(tmp_path, speed=120.0, more=more) as day:
        codec, _ = await codec_of(day.settings)
        asset = day.followed()[-1]

        def decided(action: str, trigger: str = "cycle", **fields: Any) -> Decision:
            number = len(written)
            written.append(action)
            return Decision(
                decision_id=f"{number:032x}",
                strategy_id="mine",
                user_id="u",
                asset=asset,
                as_of=day.now_ms,
                trigger=trigger,
                action=action,
                fused_action=action,
                final_score=0.0,
                price_usd=1.0,
                position=OpenPosition(entry_price_usd=1.0, entered_at=START_MS),
                **fields,
            )

        written: list[str] = []

        async def script() -> None:
            async with Publisher(day.settings, codec) as publisher:
                await publisher.publish(decided("BUY"))
                await publisher.publish(decided("SELL", "request", request_id="r"))
                await publisher.flush()
                await until(lambda: _has_cycle(day, {asset}), f"a cycle with {asset}")
                await until(lambda: _says(day, asset, "held by mine"), f"why {asset} is there")
                at_ms = day.now_ms + CYCLE_MS
                await until(lambda: _goes_on(day, asset, at_ms), f"more cycles with {asset}")
                await publisher.publish(decided("SELL"))
                await publisher.flush()
                at_ms = day.now_ms + CYCLE_MS
                await until(lambda: _has_left(day, asset, at_ms), f"cycles without {asset}")

        await play(day, script())


async def _goes_on(day: LiveDay, asset: str, since_ms: int) -> bool:
    later = [cycle for at_ms, cycle in (await ticks(day)).items() if at_ms >= since_ms]
    return len(later) > 1 and all(asset in cycle for cycle in later[:-1])


async def _has_cycle(day: LiveDay, assets: set[str]) -> bool:
    return any(assets <= cycle.keys() for cycle in (await ticks(day)).values())


async def _is_taken_up(day: LiveDay, asset: str) -> bool:
    found = await day.events(CANDLES.name, BOOKS.name)
    closed = [one for one in found[Candle] if one.asset == asset and one.closed]
    has_books = any(one.asset == asset for one in found[OrderBook])
    return has_books and len(closed) >= 900


async def _says(day: LiveDay, asset: str, text: str) -> bool:
    status = (await day.states()).get("universe")
    return status is not None and text in status.assets.get(asset, "")


async def _has_left(day: LiveDay, asset: str, since_ms: int) -> bool:
    later = [cycle for at_ms, cycle in (await ticks(day)).items() if at_ms >= since_ms]
    return bool(later) and asset not in later[-1]


async def test_an_exchange_that_refuses_us_is_replaced_in_the_whole_of_it(tmp_path: Path) -> None:
    async with live_day(tmp_path, speed=120.0, exchange="binance,kraken") as day:
        day.simulator.faults.add(Fault(upstream="binance", kind="status", status=451))

        async def script() -> None:
            while "ready" not in day.lines:
                await asyncio.sleep(0.02)
            await until(lambda: _has_cycle(day, set()), "a cycle")
            await until(lambda: _stands_in(day), "what the status says")

        await play(day, script())
        found = await day.events(CANDLES.name)
    closed = [one for one in found[Candle] if one.closed]
    assert {one.exchange for one in closed} == {"kraken"}
    assert {one.asset for one in closed} == set(day.followed())


async def _stands_in(day: LiveDay) -> bool:
    states = await day.states()
    return "kraken in place of it" in states["binance"].detail and states["kraken"].state == "ok"
