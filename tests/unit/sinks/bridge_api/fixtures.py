"""A bridge's REST interface in one process: real routes and real HTTP, a memory that we fill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from schemas.control import SignalRequest, Strategy
from schemas.explanations import Explanation
from schemas.market import Candle
from schemas.scores import EngineScore
from schemas.signals import Decision, PortfolioEquity, Signal
from schemas.sources import SourceStatus
from sinks.bridge.api import Api
from sinks.bridge.app import build_app
from sinks.bridge.auth import Auth, Role
from sinks.bridge.connections import Runner
from sinks.bridge.hub.answers import Answers
from sinks.bridge.hub.prices import Price
from sinks.bridge.hub.views import TopicState
from sinks.bridge.settings import BridgeSettings
from tests.contract.sink_samples import T0, equity, signal, strategy, top, trade

TOKENS = {role: f"{role.value}-{'0' * 20}" for role in Role}
OTHER_TRADER = f"other-{'0' * 20}"
NOW_MS = T0 + 3_600_000


@dataclass
class Memory:
    """What a hub remembers; see sinks.bridge.hub.views.Latest."""

    signals: dict[Any, Any] = field(default_factory=dict)
    scores: dict[Any, Any] = field(default_factory=dict)
    prices: dict[Any, Any] = field(default_factory=dict)
    top: dict[Any, Any] = field(default_factory=dict)
    explanations: dict[Any, Any] = field(default_factory=dict)
    sources: dict[Any, Any] = field(default_factory=dict)
    strategies: dict[Any, Any] = field(default_factory=dict)
    candles: dict[Any, Any] = field(default_factory=dict)
    topics: dict[Any, Any] = field(default_factory=dict)
    equity: dict[Any, Any] = field(default_factory=dict)
    trades: dict[Any, Any] = field(default_factory=dict)
    points: dict[Any, Any] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    is_whole: bool = False

    def curve(self, strategy_id: str) -> Sequence[Any]:
        return self.points.get(strategy_id, ())

    def value(self, found: PortfolioEquity) -> None:
        """Take in what a portfolio is worth."""
        self.equity[found.strategy_id] = found
        self.points.setdefault(found.strategy_id, []).append(found)


def filled() -> Memory:
    """A memory with something of every kind."""
    signals = [signal(number) for number in range(8)]
    ranking = top()
    mine = strategy(strategy_id="mine", owner="user", user_id="trader")
    memory = Memory(
        signals={(one.asset, one.strategy_id): one for one in signals},
        scores={("A0", name): score(engine=name) for name in ("technical", "sentiment")},
        prices={"A0": Price(asset="A0", price_usd=10.5, at=T0, topic="market.candles")},
        top={ranking.strategy_id: ranking},
        explanations={ranking.ranked[0].signal_id: explanation(ranking.ranked[0].signal_id)},
        sources={"coingecko": source()},
        strategies={one.strategy_id: one for one in (strategy(), mine)},
        candles={("A0", "1h"): [candle(number) for number in range(5)]},
        is_whole=True,
        topics={
            "control.strategies": TopicState(topic="control.strategies", records=2, behind=0),
            "signals": TopicState(topic="signals", records=8, last_at=T0, behind=0),
        },
        trades={one.trade_id: one for one in map(trade, range(6))},
    )
    for number in range(20):
        memory.value(equity(number))
    memory.value(equity(2, strategy_id="mine", user_id="trader"))
    return memory


def score(**changes: Any) -> EngineScore:
    fields: dict[str, Any] = {
        "asset": "A0",
        "engine": "technical",
        "status": "ok",
        "as_of": T0,
        "sequence": 1,
        "score": 0.5,
        "confidence": 0.9,
        "freshness": 1.0,
        "features": {"rsi14@1h": 55.0},
    }
    return EngineScore(**{**fields, **changes})


def explanation(signal_id: str) -> Explanation:
    return Explanation(
        signal_id=signal_id,
        asset="A1",
        strategy_id="strategy-0",
        cycle=T0,
        explained_at=T0 + 1000,
        status="done",
        text="Because the trend is up.",
        model="template",
        input_hash="00",
        reason="",
        prompt_tokens=0,
        completion_tokens=0,
        cost_usd=0.0,
    )


def source() -> SourceStatus:
    return SourceStatus(
        source="coingecko",
        observed_at=T0,
        state="ok",
        feeds=("trending",),
        events=50,
        circuit="closed",
        requests_minute=1,
        requests_day=10,
        detail="",
    )


def candle(number: int) -> Candle:
    opens = T0 + number * 3_600_000
    return Candle(
        asset="A0",
        event_time=opens,
        observed_at=opens,
        source="simulator",
        source_id=str(number),
        exchange="binance",
        symbol="A0/USDT",
        timeframe="1h",
        open_time=opens,
        close_time=opens + 3_600_000,
        open=10.0,
        high=11.0,
        low=9.0,
        close=10.5,
        volume=100.0,
        closed=number < 4,
    )


def settings(**changes: Any) -> BridgeSettings:
    people = {TOKENS[role]: {"name": role.value, "role": role.value} for role in Role}
    people[OTHER_TRADER] = {"name": "other", "role": "trader"}
    return BridgeSettings(**{"tokens": json.dumps(people), "answer_wait_s": 0.3, **changes})


class Log:
    """What was published, and to the memory as it comes back through the log."""

    def __init__(self, memory: Memory) -> None:
        self.strategies: list[tuple[str, Strategy | None]] = []
        self.requests: list[SignalRequest] = []
        self.answer: Callable[[SignalRequest], Signal | None] = lambda request: None
        self.decisions: list[Decision] = []
        self._memory = memory

    async def strategy(self, strategy_id: str, strategy: Strategy | None) -> None:
        self.strategies.append((strategy_id, strategy))
        if strategy is None:
            self._memory.strategies.pop(strategy_id, None)
        else:
            self._memory.strategies[strategy_id] = strategy

    async def request(self, request: SignalRequest) -> None:
        self.requests.append(request)
        if (answer := self.answer(request)) is not None:
            asyncio.get_running_loop().call_later(0.01, self._memory.answers.take, answer)

    async def decision(self, decision: Decision) -> None:
        """Take a change of the capital in; the memory has what it does to the portfolio."""
        self.decisions.append(decision)
        known = self._memory.equity.get(decision.strategy_id)
        if known is None or decision.reason == "lost":
            return
        signs = {"deposit": 1.0, "withdrawal": -1.0, "reset": 0.0}
        amount_usd = signs[decision.kind] * (decision.amount_usd or 0.0)
        self._memory.value(
            replace(
                known,
                kind=decision.kind,
                as_of=decision.as_of,
                cycle=None,
                cash_usd=known.cash_usd + amount_usd,
                equity_usd=known.equity_usd + amount_usd,
                invested_usd=known.invested_usd + amount_usd,
            )
        )


class Bridge:
    """A running one; `call` sends with a role's token and returns status, body and headers."""

    def __init__(self, api: Api, log: Log, memory: Memory, client: TestClient[Any, Any]) -> None:
        self.api, self.log, self.memory, self.client = api, log, memory, client

    async def call(
        self, method: str, path: str, who: Role | str | None = Role.VIEWER, **options: Any
    ) -> tuple[int, Any, Any]:
        token = TOKENS[who] if isinstance(who, Role) else who
        headers = {**options.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self.client.request(method, path, headers=headers, **options) as answer:
            text = await answer.read()
            is_json = "json" in answer.content_type and text
            return answer.status, json.loads(text) if is_json else text, answer.headers

    async def get(self, path: str, **params: Any) -> Any:
        """Return the body of a successful answer."""
        status, body, _ = await self.call("GET", path, params=params)
        assert status == 200, body
        return body


class _Server(TestServer):
    """A test's server with the connections that a bridge has."""

    def __init__(self, app: web.Application, config: BridgeSettings) -> None:
        super().__init__(app)
        self._config = config

    async def _make_runner(self, **_: Any) -> Runner:
        return Runner(self.app, self._config)


@asynccontextmanager
async def bridge(
    memory: Memory | None = None, database: Any = None, slow_s: float = 0.0, **changes: Any
) -> AsyncIterator[Bridge]:
    """Run an application with the REST interface and nothing else."""
    memory = memory if memory is not None else filled()
    log, config = Log(memory), settings(**changes.pop("settings", {}))
    parts: dict[str, Any] = {
        "settings": config,
        "auth": Auth(config, database, slow_s=slow_s),
        "latest": memory,
        "database": database,
        "publish_strategy": log.strategy,
        "publish_request": log.request,
        "publish_decision": log.decision,
        "now_ms": lambda: NOW_MS,
    }
    api = Api(**{**parts, **changes})
    async with TestClient(_Server(build_app(api, page=False), config)) as client:
        yield Bridge(api, log, memory, client)


def filled_path(path: str) -> str:
    """Return a route's path with something in each of its parts."""
    known = {"signal_id": f"{3:032x}", "strategy_id": "momentum", "asset": "A0", "request_id": "r1"}
    return path.format(**known)
