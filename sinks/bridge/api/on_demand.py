"""Signals on demand: a request goes into the log, and its answer comes back through the log.

The hub's reader brings the answer like every other signal. An asset that nothing is known of is
answered too, without data: then the universe of the producers says whether anybody knows it. They
follow what is asked for, from then on.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import msgspec

from schemas.coins import is_money
from schemas.control import DRY_RUN, SignalRequest, Strategy
from schemas.engines import ENGINES
from schemas.signals import Signal, has_data
from schemas.sources import UNIVERSE, is_known
from schemas.strategy_changes import beyond
from schemas.text import moment
from schemas.validation import problem
from sinks.bridge.api.answers import Requested, copy_fields
from sinks.bridge.api.publishing import publish
from sinks.bridge.api.queries import GenerateBody, StrategyBody
from sinks.bridge.api.route_decorator import BASE, Answer, Api, Routes
from sinks.bridge.api.strategies import current
from sinks.bridge.api.values import Name
from sinks.bridge.auth import Principal, Role
from sinks.bridge.problems import ProblemError, Wrong, wrong_body

routes = Routes("signals")
_LOOK_S = 0.02
DATA_WITHIN_MS = 60_000
"""What is asked for ticks at once, and its candles are loaded: engines have it within a minute."""


@routes("POST", "/signals/generate", 404, 409, 503, role=Role.TRADER, statuses=(200, 202))
async def generate(api: Api, principal: Principal, body: GenerateBody) -> Answer[Requested]:
    """Make a signal of one asset and strategy now.

    200 with the signal. 202 where it takes longer (two seconds), or where the asset is followed
    only from now on: the signal will be at the address in `signals`.
    """
    own, strategy_id = await _strategy(api, principal, body)
    request = SignalRequest(uuid4().hex, body.asset, strategy_id, api.now_ms(), own, body.exchange)
    if wrong := problem(request):
        msg = f"No signal can be made: {wrong}."
        raise wrong_body(msg, wrong, GenerateBody)
    _refuse_unknown(api, body.asset)
    return await _asked(api, request)


@routes("GET", "/signals/requests/{request_id}", 404, 503, role=Role.TRADER, statuses=(200, 202))
async def poll(api: Api, request_id: Name) -> Answer[Requested]:
    """The signal that somebody asked for, once it is there; 202 until then."""
    request, answer = api.asked.values.get(request_id), api.latest.answers.get(request_id)
    if request is None:
        if answer is None:
            raise ProblemError(404, f"There is no request {request_id[:64]}: ask again.")
        request = SignalRequest(request_id, answer.asset, answer.strategy_id, answer.as_of)
        return _reply(api, request, answer)
    if answer is not None and not has_data(answer) and _is_followed(api, request.asset):
        api.latest.answers.forget(request_id)
        return await _asked(api, msgspec.structs.replace(request, requested_at=api.now_ms()))
    return await _awaited(api, request)


async def _strategy(api: Api, principal: Principal, body: GenerateBody) -> tuple[str | None, str]:
    """Return the document of a dry run's strategy, or None, and the strategy's id."""
    if (body.strategy is None) == (body.strategy_id is None):
        detail = "Send a strategy_id, or a whole strategy for a dry run: one of the two."
        raise ProblemError(422, detail, errors=[Wrong(detail, pointer="#/strategy_id")])
    stored = await current(api)
    if body.strategy is not None:
        return _document(api, principal, body.strategy, stored), DRY_RUN
    found = stored.get(body.strategy_id or "")
    if found is None:
        raise ProblemError(404, f"There is no strategy {body.strategy_id}.")
    if not found.active:
        detail = f"The strategy {body.strategy_id} is not active: enable it, or try a dry run."
        raise ProblemError(409, detail)
    return None, found.strategy_id


def _document(api: Api, by: Principal, given: StrategyBody, stored: Any) -> str:
    """Return a dry run's strategy as a document; 422 where it could not be saved either."""
    user = by.role is not Role.ADMIN
    wanted = Strategy(
        # Not an id that somebody has: the number of strategies is not what a dry run adds to.
        strategy_id=f"{DRY_RUN}.{by.name}"[:64],
        owner="user" if user else "admin",
        user_id=by.name if user else None,
        updated_at=api.now_ms(),
        **msgspec.structs.asdict(given),
    )
    others = {name: one for name, one in stored.items() if one.user_id != by.name}
    if wrong := problem(wanted) or beyond(wanted, others, api.limits):
        msg = f"The strategy cannot be tried: {wrong}."
        failure = wrong_body(msg, wrong, StrategyBody)
        errors = [
            msgspec.structs.replace(one, pointer=f"#/strategy{(one.pointer or '#')[1:]}")
            for one in failure.problem.errors
        ]
        raise ProblemError(422, msg, errors=errors)
    return msgspec.json.encode(wanted).decode()


async def _asked(api: Api, request: SignalRequest) -> Answer[Requested]:
    api.asked.set(request.request_id, request)
    await publish(api.publish_request, request)
    return await _awaited(api, request)


async def _awaited(api: Api, request: SignalRequest) -> Answer[Requested]:
    """Wait for the answer, and where that has no data for what the universe says."""
    wait_s = api.settings.answer_wait_s
    end_s = time.monotonic() + wait_s
    answer = await api.latest.answers.wait(request.request_id, wait_s)
    if answer is not None and not has_data(answer):
        while _known(api, request.asset) is None and time.monotonic() < end_s:
            if UNIVERSE not in api.latest.sources:
                break
            await asyncio.sleep(_LOOK_S)
    return _reply(api, request, answer)


def _reply(api: Api, request: SignalRequest, answer: Signal | None) -> Answer[Requested]:
    address = f"{BASE}/signals/requests/{request.request_id}"
    made = copy_fields(Requested, request, signals=address)
    if answer is not None and has_data(answer):
        exchange = _exchange(api, request.asset)
        note = ""
        if request.exchange is not None and exchange not in (None, request.exchange):
            note = f"The prices are from {exchange}, where the producers follow {request.asset}."
        found = msgspec.structs.replace(
            made, signal=answer, tracked=True, exchange=exchange, note=note
        )
        return Answer(found, {"Location": address}, 200)
    if answer is None:
        note = "The platform has not answered yet: look again at `signals`."
        headers = {"Location": address, "Retry-After": "2"}
        return Answer(msgspec.structs.replace(made, note=note), headers, 202)
    _refuse_unknown(api, request.asset)
    return Answer(_untracked(api, made), {"Location": address, "Retry-After": "10"}, 202)


def _untracked(api: Api, made: Requested) -> Requested:
    asset = made.asset
    if _known(api, asset) is None:
        if UNIVERSE not in api.latest.sources:
            msg = (
                f"Nothing is known of {asset}, and no producers run here that could look it up: "
                "only what the recorded or simulated market has can be asked for."
            )
            raise ProblemError(404, msg)
        note = f"{asset} was not followed. Whether a source knows it is being looked up."
        return msgspec.structs.replace(made, note=note)
    data_at = made.requested_at + DATA_WITHIN_MS
    note = (
        f"{asset} was not followed; it is from now on. There will be data by "
        f"{moment(data_at, '%H:%M:%S')} UTC: look at `signals` then."
    )
    return msgspec.structs.replace(made, tracked=False, data_at=data_at, note=note)


def _refuse_unknown(api: Api, asset: str) -> None:
    """Answer 404 for an asset that nobody knows, and for one that is worth a currency."""
    if _is_followed(api, asset):
        return
    if is_money(asset):
        raise ProblemError(404, f"{asset} is worth a currency: no signals are made of it.")
    if _known(api, asset) is False:
        reason = api.latest.sources[UNIVERSE].assets.get(asset, "")
        said = f" ({reason})" if reason else ""
        raise ProblemError(404, f"No source knows an asset {asset}{said}.")


def _known(api: Api, asset: str) -> bool | None:
    universe = api.latest.sources.get(UNIVERSE)
    return None if universe is None else is_known(universe, asset)


def _is_followed(api: Api, asset: str) -> bool:
    return any((asset, engine) in api.latest.scores for engine in ENGINES)


def _exchange(api: Api, asset: str) -> str | None:
    candles = api.latest.candles.get((asset, "1h"), ())
    return candles[-1].exchange if candles else None
