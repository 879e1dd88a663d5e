"""Events become rows: one line for each field that somebody may read in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.market import TrendingAsset
from sinks.postgres import news, strategies, top, trending
from sinks.postgres.table import Row, Table, affected, upsert
from sinks.postgres.values import json, time
from tests.contract.sink_samples import T0, record, strategy, tombstone
from tests.contract.sink_samples import news as news_event
from tests.contract.sink_samples import top as top_event
from tests.contract.sink_samples import trending as trending_event

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def as_dict(table: Table, row: Row) -> dict[str, Any]:
    return dict(zip([name for name, _ in table.columns], row, strict=True))


FIELDS = [
    pytest.param(
        trending.TRENDING_ASSETS.row,
        trending.TRENDING_ASSETS,
        trending_event(4, galaxy_score=70.5),
        {"cycle": NEW_YEAR, "asset": "A4", "rank": 5, "galaxy_score": 70.5, "alt_rank": None},
        id="trending asset",
    ),
    pytest.param(
        news.TRENDING_NEWS.row,
        news.TRENDING_NEWS,
        news_event(3),
        {
            "source": "rss",
            "source_id": "article-3",
            "sentiment_label": "positive",
            "published_at": NEW_YEAR - timedelta(minutes=1),
        },
        id="news",
    ),
    pytest.param(
        news.TRENDING_NEWS.row,
        news.TRENDING_NEWS,
        news_event(published_at=None, sentiment_label=None),
        {"published_at": None, "sentiment_label": None},
        id="news without label",
    ),
    pytest.param(
        strategies.strategy_row,
        strategies.STRATEGIES,
        strategy(2, active=False),
        {
            "version": 2,
            "active": False,
            "assets": '["BTC","ETH"]',
            "updated_at": NEW_YEAR + timedelta(milliseconds=2),
            "deleted_at": None,
        },
        id="inactive strategy",
    ),
]


@pytest.mark.parametrize(("mapping", "table", "event", "expected"), FIELDS)
def test_row(mapping: Any, table: Table, event: Any, expected: dict[str, Any]) -> None:
    row = as_dict(table, mapping(event))
    assert {name: row[name] for name in expected} == expected


def test_the_definition_of_a_strategy_can_be_read_back() -> None:
    event = strategy(3)
    row = as_dict(strategies.STRATEGIES, strategies.strategy_row(event))
    assert msgspec.json.decode(row["definition"], type=type(event)) == event


def test_a_ranking_gives_a_pending_row_for_each_place() -> None:
    rows = [as_dict(top.SIGNAL_EXPLANATIONS, row) for row in top.explanation_rows(top_event(2, 3))]
    assert [(row["rank"], row["asset"], row["status"]) for row in rows] == [
        (1, "A1", "pending"),
        (2, "A2", "pending"),
        (3, "A3", "pending"),
    ]
    assert {(row["strategy_id"], row["cycle"]) for row in rows} == {("strategy-2", NEW_YEAR)}


OLD, NEW, REBORN = strategy(1), strategy(3), strategy(1, updated_at=T0 + 900)
GONE = tombstone("momentum", T0 + 500)
STEPS = [
    pytest.param([record(OLD), record(NEW)], (None, NEW, None), id="newer version"),
    pytest.param([record(NEW), record(OLD)], (None, NEW, None), id="older version late"),
    pytest.param([record(NEW), GONE], (None, NEW, T0 + 500), id="deleted"),
    pytest.param([GONE], (None, None, T0 + 500), id="only deleted"),
    pytest.param([record(NEW), GONE, record(REBORN)], (T0 + 500, REBORN, None), id="made anew"),
    pytest.param(
        [GONE, record(REBORN), tombstone("momentum", T0 + 999)],
        (T0 + 500, REBORN, T0 + 999),
        id="made anew and deleted again",
    ),
]


@pytest.mark.parametrize(("records", "expected"), STEPS)
def test_steps_of_a_strategy(records: list[Any], expected: tuple[Any, ...]) -> None:
    step = strategies.steps(records)["momentum"]
    assert (step.deleted_first_ms, step.state, step.deleted_last_ms) == expected


def test_a_strategy_without_a_time_has_that_of_its_record() -> None:
    step = strategies.steps([record(strategy(updated_at=0), timestamp_ms=T0 + 77)])["momentum"]
    assert step.state is not None
    assert step.state.updated_at == T0 + 77


def test_every_version_and_deletion_is_a_row_and_none_comes_twice() -> None:
    mine = replace(OLD, author="alice")
    records = [record(mine), record(NEW), GONE, record(REBORN), record(mine), GONE]
    rows = [as_dict(strategies.VERSIONS, row) for row in strategies.version_rows(records)]
    found = [(row["version"], row["author"], row["definition"] is None) for row in rows]
    assert found == [(1, "alice", False), (3, None, False), (0, None, True), (1, None, False)]
    assert rows[2]["changed_at"] == time(T0 + 500)


@pytest.mark.parametrize("ms", [0, 1, 999, T0 + 1, 253_402_300_799_999], ids=str)
def test_times_are_exact_to_the_millisecond(ms: int) -> None:
    assert (time(ms) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == ms


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(OverflowError):
        time(2**62)


def test_json_has_no_nan() -> None:
    assert json({"b": float("nan"), "a": 1}) == '{"a":1,"b":null}'


@pytest.mark.parametrize(("status", "count"), [("INSERT 0 17", 17), ("UPDATE 3", 3)])
def test_affected(status: str, count: int) -> None:
    assert affected(status) == count


def test_upsert_replaces_all_but_the_key() -> None:
    table = Table("t", (("id", "text"), ("v", "integer")), ("id",), "stored.v < excluded.v")
    assert upsert(table) == (
        "INSERT INTO t AS stored (id, v) SELECT * FROM unnest($1::text[], $2::integer[]) "
        "ON CONFLICT (id) DO UPDATE SET v = excluded.v WHERE stored.v < excluded.v"
    )


def test_every_field_of_a_tick_has_its_column() -> None:
    """REST gives ticks as they were published; one without a column made it fail."""
    names = [name for name, _ in trending.TRENDING_ASSETS.columns]
    assert sorted(names) == sorted(TrendingAsset.__struct_fields__)
