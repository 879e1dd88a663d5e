"""Do scores foretell anything: statistics of what prices did after them, out of the database.

The rows that are read are bounded: by horizon, the newest of every cycle, or where these are too
many the newest of every hour, four hours or day. Neighbouring cycles say nearly the same of one
return, so little is lost; the answer says what was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.outcomes import HORIZON_MS, Outcome
from schemas.times import CYCLE_MS, DAY_MS, HOUR_MS
from sinks.bridge.api.database import Where, fetch, ms_or_none
from sinks.bridge.api.queries import OutcomeQuery
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.problems import wrong_parameter
from sinks.postgres.values import time_or_none
from streams.outcomes.outcome_statistics import ENOUGH, OutcomeStatistics, OutcomeTable

routes = Routes("outcomes")
MOST_ROWS = 50_000
"""Read of each horizon."""
_STEPS_MS = (CYCLE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS)
_COLUMNS = "kind, asset, engine, strategy_id, scored_at, horizon, score, confidence, return_pct"


class OutcomeSample(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a horizon.

    `step_ms` is the time from one cycle that was read to the next: 600,000 where all were. `is_cut`
    says that there are older ones than `from_ms` that were not read.
    """

    horizon: str
    step_ms: int
    rows: int
    from_ms: int | None
    is_cut: bool


class OutcomesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics per engine or strategy and horizon: engines first, by name.

    Nothing is left out because it is bad or little; below `enough` independent outcomes a number
    says nothing, and its `is_too_few` is true.
    """

    made_at: int
    enough: int
    samples: tuple[OutcomeSample, ...]
    items: tuple[OutcomeStatistics, ...]


@routes("GET", "/outcomes", 503)
async def every(api: Api, query: OutcomeQuery) -> OutcomesAnswer:
    """Whether scores and signals foretold returns: hit rate, information coefficient, calibration.

    Of one engine or one strategy, or of all. Kept for a minute.
    """
    if query.engine is not None and query.strategy is not None:
        detail = "engine and strategy: an outcome is of one of them; leave one out."
        raise wrong_parameter(detail, "engine", "strategy")
    now_ms = api.now_ms()
    return await api.kept.get(("outcomes", query), now_ms, lambda: _make(api, query, now_ms))


async def _make(api: Api, query: OutcomeQuery, now_ms: int) -> OutcomesAnswer:
    table, samples = OutcomeTable(), []
    for horizon in HORIZON_MS:
        if query.horizon not in (None, horizon):
            continue
        step_ms, rows = await _read(api, query, horizon)
        chosen = rows[:MOST_ROWS]
        await asyncio.to_thread(_take, table, chosen)
        samples.append(
            OutcomeSample(
                horizon=horizon,
                step_ms=step_ms,
                rows=len(chosen),
                from_ms=ms_or_none(chosen[-1]["scored_at"]) if chosen else None,
                is_cut=len(rows) > MOST_ROWS,
            )
        )
    items = await asyncio.to_thread(table.statistics)
    return OutcomesAnswer(made_at=now_ms, enough=ENOUGH, samples=tuple(samples), items=items)


async def _read(api: Api, query: OutcomeQuery, horizon: str) -> tuple[int, Sequence[Any]]:
    """Return the step, and the newest rows with it: one more than are taken where it is not all."""
    for step_ms in _STEPS_MS:
        where = Where()
        where.add("horizon = {}", horizon)
        where.add("engine = {}", query.engine)
        where.add("strategy_id = {}", query.strategy)
        where.add("scored_at >= {}", time_or_none(query.since))
        if step_ms > CYCLE_MS:
            where.add("extract(epoch FROM cycle)::bigint % {} = 0", step_ms // 1000)
        statement = (
            f"SELECT {_COLUMNS} FROM outcomes {where.text()}"  # noqa: S608 - our own texts
            f" ORDER BY scored_at DESC LIMIT {MOST_ROWS + 1}"
        )
        rows = await fetch(api, statement, *where.values)
        if len(rows) <= MOST_ROWS:
            break
    return step_ms, rows


def _take(table: OutcomeTable, rows: Sequence[Any]) -> None:
    for row in rows:
        at = ms_or_none(row["scored_at"]) or 0
        owner = {"engine": row["engine"] or "", "strategy_id": row["strategy_id"] or ""}
        fields = {**dict(row), **owner, "scored_at": at}
        table.add(Outcome(outcome_id="", cycle=at, as_of=at, **fields))
