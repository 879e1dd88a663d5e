"""Outcomes out of a database: the statistics of what is stored, bounded, and what was read."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.outcomes import Outcome
from sinks.bridge.api import outcomes as served
from sinks.bridge.api.route_decorator import Pool
from streams.outcomes.outcome_statistics import statistics
from tests.contract.sink_samples import T0, outcome
from tests.integration.sinks.bench import Rows
from tests.integration.sinks.bridge_api.conftest import Store
from tests.integration.sinks.bridge_api.test_history import asked
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge

pytestmark = pytest.mark.embedded
PATH = "/api/v1/outcomes"
CYCLE_MS, DAY_MS = 600_000, 86_400_000
START_MS = T0 // DAY_MS * DAY_MS


@pytest.fixture(autouse=True)
async def empty(rows: Rows) -> None:
    """Begin without a row."""
    await rows.query("TRUNCATE outcomes")


def known(number: int, **changes: Any) -> Outcome:
    """Return an outcome at the end of a cycle; those of other names get other ids."""
    name = changes.get("engine", changes.get("strategy_id", "technical"))
    at = START_MS + number * CYCLE_MS
    values = {
        "outcome_id": f"{sum(name.encode()):08x}{number:024x}",
        "scored_at": at + 7,
        "cycle": at,
        "score": (number * 37 % 21 - 10) / 10,
        "return_pct": (number * 53 % 17 - 8) / 4,
    }
    return outcome(number, **{**values, **changes})


SIGNAL = {"kind": "signal", "engine": "", "strategy_id": "momentum", "action": "BUY"}
STORED = [
    *(known(n) for n in range(60)),
    *(known(n, horizon="1d", engine="sentiment") for n in range(10)),
    *(known(n, **SIGNAL) for n in range(40)),
    known(
        70, return_pct=None, later_price_usd=None, later_price_at=None, no_return="no_later_price"
    ),
]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        pytest.param({}, lambda one: True, id="all"),
        pytest.param({"engine": "technical"}, lambda one: one.engine == "technical", id="engine"),
        pytest.param({"strategy": "momentum"}, lambda one: bool(one.strategy_id), id="strategy"),
        pytest.param({"horizon": "1d"}, lambda one: one.horizon == "1d", id="horizon"),
        pytest.param(
            {"since": START_MS + 20 * CYCLE_MS},
            lambda one: one.scored_at >= START_MS + 20 * CYCLE_MS,
            id="since",
        ),
    ],
)
async def test_they_are_the_statistics_of_what_is_stored(
    pool: Pool, store: Store, filters: dict[str, Any], wanted: Any
) -> None:
    await store(*STORED)
    async with bridge(Memory(), pool) as it:
        found = await asked(it, PATH, PATH, **filters)
    made = statistics(one for one in STORED if wanted(one))
    assert [(one["name"], one["horizon"], one["n"]) for one in found["items"]] == [
        (one.name, one.horizon, one.n) for one in made
    ]
    assert [one["ic"] for one in found["items"]] == pytest.approx([one.ic for one in made])
    assert [one["is_too_few"] for one in found["items"]] == [one.is_too_few for one in made]
    assert all(one["step_ms"] == CYCLE_MS and not one["is_cut"] for one in found["samples"])


@pytest.mark.parametrize(
    ("numbers", "most", "step_ms", "taken"),
    [
        pytest.param(range(60), 60, CYCLE_MS, 60, id="all"),
        pytest.param(range(60), 59, 3_600_000, 10, id="one an hour"),
        pytest.param(range(60), 9, 14_400_000, 3, id="one every four hours"),
        pytest.param(range(60), 2, DAY_MS, 1, id="one a day"),
        pytest.param(range(0, 432, 144), 2, DAY_MS, 2, id="the newest of them"),
    ],
)
async def test_more_than_are_read_are_thinned_and_it_is_said(
    pool: Pool,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    numbers: range,
    most: int,
    step_ms: int,
    taken: int,
) -> None:
    monkeypatch.setattr(served, "MOST_ROWS", most)
    await store(*(known(n) for n in numbers))
    async with bridge(Memory(), pool) as it:
        found = await asked(it, PATH, PATH, horizon="4h")
    (sample,) = found["samples"]
    assert (sample["step_ms"], sample["rows"], sample["is_cut"]) == (
        step_ms,
        taken,
        numbers.step > 1,
    )
    assert found["items"][0]["n"] == taken
