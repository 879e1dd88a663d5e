"""A signal is one document: whatever it holds comes back, and a new field costs three files."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.database import Database
from schemas.contract import schema
from schemas.signals import Signal, from_json, is_of_record
from schemas.times import ms
from sinks.base import Rejected
from sinks.explanations.facts import facts_of
from sinks.explanations.signals import facts_in
from sinks.postgres import PostgresSink, migrate
from tests.conftest import ROOT
from tests.contract.sink_samples import record, signal
from tests.property.test_schemas import values

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.asyncio(loop_scope="module"),
]
_LAST_MS = 253_402_300_799_999  # in the year 9999
_ACTIONS = st.sampled_from(["BUY", "SELL", "HOLD"])
_AMOUNTS = st.floats(0.0, allow_infinity=False)
_PRICES = st.none() | st.floats(0.0, exclude_min=True, allow_infinity=False)
LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "signal_id": st.text("0123456789abcdef", min_size=32, max_size=32),
    "as_of": st.integers(0, _LAST_MS),
    "cycle": st.none() | st.integers(0, _LAST_MS),
    "trigger": st.sampled_from(["cycle", "change", "request"]),
    "action": _ACTIONS,
    "fused_action": _ACTIONS,
    "confidence": st.floats(0.0, 1.0),
    "entry_price_usd": _PRICES,
    "position_size": _AMOUNTS,
    "position_value_usd": _AMOUNTS,
}
"""Fields that are not any value of their Avro type: PostgreSQL checks them."""


def storable(value: Any) -> bool:
    """Return whether JSON and PostgreSQL have a value: no infinite number, no NUL in a text."""
    if isinstance(value, dict):
        return all(map(storable, value)) and all(map(storable, value.values()))
    if isinstance(value, list):
        return all(map(storable, value))
    if isinstance(value, float):
        return abs(value) != float("inf")
    return "\0" not in value if isinstance(value, str) else True


SIGNALS = st.fixed_dictionaries(
    {
        one["name"]: LIMITS.get(one["name"], values(one["type"]).filter(storable))
        for one in schema("signal").avro["fields"]
    }
).map(lambda fields: msgspec.convert(fields, Signal))
"""Any value in every field of the contract, a new field's too."""


class Store:
    """A database, and what the sink makes of signals in it."""

    def __init__(self, dsn: str, connection: asyncpg.Connection[Any]) -> None:
        self.dsn = dsn
        self.fetch = connection.fetch
        self.sink = PostgresSink(dsn, run_migrations=False)

    async def rejected(self, *events: Signal) -> Sequence[Rejected]:
        """Write signals to the emptied table; return those that PostgreSQL does not take."""
        await self.fetch("DELETE FROM strategy_signals")
        self.sink.add([record(event) for event in events])
        return (await self.sink.flush()).rejected

    async def write(self, *events: Signal) -> None:
        """Write signals to the emptied table."""
        assert not await self.rejected(*events)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store() -> AsyncIterator[Store]:
    """A database of this module's own, migrated."""
    server = Database(fast=True)
    await migrate(await server.start())
    connection = await asyncpg.connect(server.dsn)
    made = Store(server.dsn, connection)
    yield made
    await made.sink.close()
    await connection.close()
    await server.stop()


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(published=st.lists(SIGNALS, min_size=1, max_size=4, unique_by=lambda one: one.signal_id))
async def test_every_field_comes_back_exactly(store: Store, published: list[Signal]) -> None:
    await store.write(*published)
    stored = await store.fetch(
        "SELECT * FROM strategy_signals JOIN signal_details USING (signal_id)"
    )
    by_id = {one.signal_id: one for one in published if is_of_record(one)}
    assert len(stored) == len(by_id)
    for row in stored:
        expected = by_id[row["signal_id"]]
        assert from_json(row["body"]) == expected
        assert facts_in(row["body"]) == facts_of(expected)
        assert of_columns(dict(row)) == expected


def of_columns(row: dict[str, Any]) -> Signal:
    """Return the signal that people find in the columns of both tables."""
    fields = row | json.loads(row["metadata"])
    for name in ("as_of", "cycle"):
        fields[name] = None if row[name] is None else ms(row[name])
    return msgspec.convert(fields, Signal)


async def test_scores_of_engines_that_count_have_columns(store: Store) -> None:
    parts = signal().contributions
    stale = msgspec.structs.replace(parts[0], status="stale")
    await store.write(signal(1, contributions=(stale, *parts[1:4])))
    names = [f"{part.engine}_score" for part in parts]
    (scores,) = await store.fetch(f"SELECT {', '.join(names)} FROM strategy_signals")
    assert tuple(scores) == (None, *(part.score for part in parts[1:4]), None)


async def test_a_number_that_is_none_is_left_out(store: Store) -> None:
    await store.write(signal(1, features={"a": float("nan"), "b": 1.0, "c": float("-inf")}))
    ((body,),) = await store.fetch("SELECT body FROM strategy_signals")
    assert from_json(body) == signal(1, features={"b": 1.0})


@pytest.mark.parametrize("body", ["{}", "[]", '{"contributions": [null]}', "none"])
async def test_a_document_that_is_no_signal(body: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        from_json(body)
    assert facts_in(body) is None


REFUSED = {
    "position_size": -1.0,
    "position_value_usd": -0.5,
    "entry_price_usd": 0.0,
    "confidence": 1.5,
    "final_score": float("nan"),
    "action": "WAIT",
    "trigger": "whim",
    "as_of": 1 << 62,
}


@pytest.mark.parametrize(("field", "value"), REFUSED.items(), ids=list(REFUSED))
async def test_what_no_signal_can_be(store: Store, field: str, value: Any) -> None:
    (rejected,) = await store.rejected(signal(1, **{field: value}))
    assert "PostgreSQL does not take the record at signals" in rejected.reason


def _in_schema(text: str) -> str:
    avro = json.loads(text)
    field = {"name": "horizon_usd", "type": ["null", "double"], "doc": "New.", "default": None}
    return json.dumps(avro | {"fields": [*avro["fields"], field]}, indent=2)


def _in_struct(text: str) -> str:
    last = "    held_size: float = 0.0\n"
    assert text.count(last) == 1
    return text.replace(last, f"{last}    horizon_usd: float | None = None\n")


def _in_builder(text: str) -> str:
    last = "        entered_at=None if held is None else held.entered_at,\n"
    assert text.count(last) == 1
    return text.replace(last, f"{last}        horizon_usd=0.1 + 0.2,\n")


NEW_FIELD: dict[str, Callable[[str], str]] = {
    "schemas/avro/signal.avsc": _in_schema,
    "schemas/signals.py": _in_struct,
    "streams/confidence/confidence_stage.py": _in_builder,
}
"""All that a new optional field takes."""


async def test_a_new_field_is_three_files_and_everybody_sees_it(
    store: Store, tmp_path: Path
) -> None:
    for package in ("schemas", "transport", "marketdata", "streams", "sinks", "embedded"):
        shutil.copytree(ROOT / package, tmp_path / package)
    for name, change in NEW_FIELD.items():
        file = tmp_path / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")
    await store.fetch("TRUNCATE strategy_signals")
    module = "tests.integration.sinks.signal_journey"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, store.dsn, "horizon_usd"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    seen = json.loads(printed)
    assert len(seen) == 7
    assert set(seen.values()) == {0.1 + 0.2}
