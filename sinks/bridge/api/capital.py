"""Changes of a portfolio's capital: money in, money out, beginning again.

They are published to signals.decisions, where each has its place among the strategy's decisions;
its effect comes back as a moment of the equity.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal
from uuid import uuid4

from schemas.signals import Decision, PortfolioEquity
from schemas.validation import problem
from sinks.bridge.api.answers import CapitalChange, copy_fields
from sinks.bridge.api.portfolios import find, portfolio_of
from sinks.bridge.api.publishing import publish
from sinks.bridge.api.queries import AmountBody, ResetBody
from sinks.bridge.api.route_decorator import BASE, Answer, Api, H, Routes
from sinks.bridge.api.strategies import alone, current, may_change
from sinks.bridge.api.values import StrategyId
from sinks.bridge.auth import ForbiddenError, Principal, Role
from sinks.bridge.problems import ProblemError, wrong_body

routes = Routes("portfolios")
_TAKES_EFFECT_S = 2.0
_LOOK_S = 0.01
_Kind = Literal["deposit", "withdrawal", "reset"]


def _posts(kind: _Kind) -> Callable[[H], H]:
    """Return the decorator of the handler of a kind of change."""
    path = f"/portfolios/{{strategy_id}}/{kind}"
    return routes("POST", path, 404, 503, role=Role.TRADER, statuses=(200, 202))


@_posts("deposit")
async def deposit(
    api: Api, principal: Principal, strategy_id: StrategyId, body: AmountBody
) -> Answer[CapitalChange]:
    """Put money into a portfolio.

    Of a trader's own strategy, of any by an admin. 200 with the portfolio after it, 202 where the
    effect has not come back within 2 s.
    """
    return await _change(api, principal, strategy_id, "deposit", body)


@_posts("withdrawal")
async def withdrawal(
    api: Api, principal: Principal, strategy_id: StrategyId, body: AmountBody
) -> Answer[CapitalChange]:
    """Take money out of a portfolio, no more than its cash.

    Of a trader's own strategy, of any by an admin. 200 with the portfolio after it, 202 where the
    effect has not come back within 2 s.
    """
    cash_usd = (await find(api, principal, strategy_id)).cash_usd
    if body.amount_usd > cash_usd:
        wrong = f"amount_usd {body.amount_usd:,.2f} is more than the cash of {cash_usd:,.2f}"
        msg = f"The money cannot be taken out: {wrong}. What is in positions is not cash."
        raise wrong_body(msg, wrong, AmountBody)
    return await _change(api, principal, strategy_id, "withdrawal", body)


@_posts("reset")
async def reset(
    api: Api, principal: Principal, strategy_id: StrategyId, body: ResetBody
) -> Answer[CapitalChange]:
    """Begin again with cash alone; what is held is sold.

    Of a trader's own strategy, of any by an admin. 200 with the portfolio after it, 202 where the
    effect has not come back within 2 s.
    """
    return await _change(api, principal, strategy_id, "reset", body)


async def _change(
    api: Api,
    principal: Principal,
    name: str,
    kind: _Kind,
    body: AmountBody | ResetBody,
) -> Answer[CapitalChange]:
    """Publish a change of the capital and wait for its effect, but not for long."""
    async with alone(api):
        strategy = (await current(api)).get(name)
        if strategy is None:
            raise ProblemError(404, f"There is no strategy {name}.")
        if not may_change(strategy, principal):
            msg = f"{name} is not a strategy of {principal.name}: an admin may change its capital."
            raise ForbiddenError(msg)
        known = api.latest.equity.get(name)
        event = Decision(
            decision_id=body.event_id or uuid4().hex,
            strategy_id=name,
            kind=kind,
            user_id=strategy.user_id,
            strategy_version=strategy.version,
            # After all that the portfolio has seen: the market's clock may be ahead of this one.
            as_of=max(api.now_ms(), known.as_of + 1 if known else 0),
            amount_usd=body.amount_usd,
            portfolio_value_usd=strategy.portfolio_value_usd,
            reason=body.reason,
        )
        if (wrong := problem(event)) is not None:
            msg = f"The capital cannot be changed: {wrong}."
            raise wrong_body(msg, wrong, type(body))
        await publish(api.publish_decision, event)
        after = await _effect(api, event)
    answer = copy_fields(
        CapitalChange,
        event,
        event_id=event.decision_id,
        portfolio=None if after is None else portfolio_of(after, strategy, principal),
        equity=f"{BASE}/portfolios/{name}/equity?since={event.as_of}",
    )
    return Answer(answer, {"Location": answer.equity}, 200 if after is not None else 202)


async def _effect(api: Api, event: Decision) -> PortfolioEquity | None:
    """Return the equity that a change of the capital made, None when it has not come yet."""
    end_s = time.monotonic() + _TAKES_EFFECT_S
    while time.monotonic() < end_s:
        came = any(
            one.kind == event.kind and one.as_of >= event.as_of
            for one in reversed(api.latest.curve(event.strategy_id))
        )
        if came:
            return api.latest.equity[event.strategy_id]
        await asyncio.sleep(_LOOK_S)
    return None
