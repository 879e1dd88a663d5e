"""Trades and equity in PostgreSQL: whole documents, a partition a month, and a retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from embedded.database import Database
from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import DAY_MS, ms
from sinks.postgres import PostgresSink, migrate
from streams.provenance.sources.finding import FindError, find_trade
from tests.contract.sink_samples import T0, equity, record, trade
from tests.integration.sinks.bench import Rows

pytestmark = pytest.mark.embedded
_MONTHS = """
    SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = to_regclass($1) ORDER BY relname
"""


@pytest.fixture
async def fresh(database: Database) -> AsyncIterator[Rows]:
    """A migrated database without a row."""
    server = Rows(await database.start())
    await server.query("CREATE DATABASE months")
    rows = Rows(server.dsn.rpartition("/")[0] + "/months")
    await migrate(rows.dsn)
    yield rows
    await server.query("DROP DATABASE months WITH (FORCE)")


async def write(rows: Rows, *events: Any) -> dict[str, int]:
    """Write events as the sink does; return the rows by table."""
    sink = PostgresSink(rows.dsn, run_migrations=False)
    sink.add([record(event) for event in events])
    flushed = await sink.flush()
    await sink.close()
    assert not flushed.rejected
    return dict(flushed.rows)


async def months(rows: Rows, table: str) -> list[str]:
    """Return the names of a table's partitions."""
    return [name.removeprefix(f"{table}_") for (name,) in await rows.query(_MONTHS, table)]


async def test_why_finds_a_trade_by_its_beginning(fresh: Rows) -> None:
    one, other = (msgspec.structs.replace(trade(1), trade_id=f"ab{n}" + "c" * 29) for n in (1, 2))
    await write(fresh, one, other)
    found = await find_trade("ab1ccc", fresh.dsn, [], 100)
    assert found is not None
    assert (found[0], found[1].where) == (one, "PostgreSQL")
    assert await find_trade("ab3ccc", fresh.dsn, [], 100) is None
    with pytest.raises(FindError, match="several trades begin with 'ab'"):
        await find_trade("ab", fresh.dsn, [], 100)


async def test_both_come_back_as_they_were_published(fresh: Rows) -> None:
    sale, point = trade(1, user_id="ann"), equity(3, user_id="ann", kind="deposit", cycle=None)
    await write(fresh, sale, point)
    ((body, asset, profit),) = await fresh.query(
        "SELECT body, asset, profit_usd FROM portfolio_trades"
    )
    assert msgspec.json.decode(body, type=PortfolioTrade) == sale
    assert (asset, profit) == ("BTC", 97.9)
    ((body, cash, won),) = await fresh.query(
        "SELECT body, cash_usd, won_trades FROM portfolio_equity"
    )
    assert msgspec.json.decode(body, type=PortfolioEquity) == point
    assert (cash, won) == (48_999.0, 0)


async def test_rows_lie_in_the_month_of_their_time_in_utc(fresh: Rows) -> None:
    last = ms(datetime(2026, 1, 31, 23, 59, 59, 999_000, UTC))
    await write(fresh, *(equity(as_of=at) for at in (last, last + 1)))
    assert await months(fresh, "portfolio_equity") == ["2026_01", "2026_02"]
    for month, at in (("2026_01", last), ("2026_02", last + 1)):
        ((stored,),) = await fresh.query(f"SELECT as_of FROM portfolio_equity_{month}")
        assert ms(stored) == at
    assert await write(fresh, equity(as_of=last)) == {}


def first_of(months_ago: int) -> int:
    """Return noon of the first of a month, ms since 1970."""
    moment = datetime.now(UTC).replace(day=1, hour=12, minute=0, second=0, microsecond=0)
    for _ in range(months_ago):
        moment = (moment - timedelta(days=1)).replace(day=1)
    return ms(moment)


async def test_a_new_month_drops_those_that_are_over_their_time(fresh: Rows) -> None:
    await fresh.query(
        "UPDATE table_retention SET keep_days = 63 WHERE table_name = 'portfolio_equity'"
    )
    for ago in (5, 4, 3):
        await write(fresh, equity(as_of=first_of(ago)))
    assert len(await months(fresh, "portfolio_equity")) == 3  # counted from the newest of them
    await write(fresh, equity(as_of=first_of(0)))
    kept = [first_of(3), first_of(0)]
    found = await fresh.query("SELECT as_of FROM portfolio_equity ORDER BY as_of")
    assert [ms(at) for (at,) in found] == kept
    await write(fresh, equity(as_of=first_of(0) + 1))
    assert len(await months(fresh, "portfolio_equity")) == 2


async def test_a_month_far_ahead_does_not_drop_what_is_of_today(fresh: Rows) -> None:
    await write(fresh, equity(as_of=first_of(0)))
    await write(fresh, equity(as_of=first_of(0) + 20_000 * DAY_MS))
    assert await fresh.count("portfolio_equity") == 2


async def test_what_is_read_again_of_a_dropped_month_is_written_all_the_same(fresh: Rows) -> None:
    await write(fresh, trade(filled_at=first_of(0)))
    await write(fresh, trade(2, filled_at=T0 - 9_000 * DAY_MS))
    assert await fresh.count("portfolio_trades") == 2


async def test_one_that_no_table_takes_is_handed_back_and_the_others_are_written(
    fresh: Rows,
) -> None:
    sink = PostgresSink(fresh.dsn, run_migrations=False)
    events = (equity(0), equity(1, kind="dividend"), equity(2), trade(0), trade(1, side="give"))
    sink.add([record(event) for event in events])
    flushed = await sink.flush()
    await sink.close()
    assert flushed.rows == {"portfolio_equity": 2, "portfolio_trades": 1}
    assert [one.record.event for one in flushed.rejected] == [events[4], events[1]]
