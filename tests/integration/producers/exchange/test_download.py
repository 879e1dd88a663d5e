"""`quantiva data download` against the stand-ins: what is missing, once, whatever happens."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from marketdata.recorded import candle_files
from marketdata.recorded.candle_files import candle_file, only_writer, stored_rows
from marketdata.recorded.files import RecordedDataError
from marketdata.recorded.source import read_directory
from producers.exchange.connection import Connection
from producers.http_client.errors import UpstreamError
from quantiva.cli import app
from quantiva.data.download import DownloadError, Series, download, plan
from schemas.market import Candle
from schemas.times import DAY_MS
from schemas.validation import TIMEFRAME_MS
from tests.integration.producers.exchange.harness import HOUR_MS, START_MS, Exchange, until

FRAMES = ("1h", "4h", "1d")
FROM_MS = START_MS // DAY_MS * DAY_MS - 60 * DAY_MS
CLOSED_MS = START_MS // HOUR_MS * HOUR_MS
"""The open time of the hour that is not over; the clock runs on within it."""


async def fetch(
    connection: Connection,
    folder: Path,
    assets: Sequence[str] = ("BTC",),
    frames: Sequence[str] = ("1h",),
    until_ms: int = CLOSED_MS,
) -> list[Series]:
    now_ms = connection.clock.now_ms()
    planned = plan(folder, assets, frames, FROM_MS, until_ms, now_ms)
    await download(connection, planned, lambda candles, places: None)
    return planned


def times(folder: Path, asset: str = "BTC", timeframe: str = "1h") -> list[int]:
    return sorted(stored_rows(candle_file(folder, asset, timeframe)))


def hours(first_ms: int = FROM_MS, end_ms: int = CLOSED_MS) -> list[int]:
    return list(range(first_ms, end_ms, HOUR_MS))


async def test_files_are_what_a_replay_reads(
    exchange: Exchange, connection: Connection, tmp_path: Path
) -> None:
    planned = await fetch(connection, tmp_path, ("BTC", "ETH"), FRAMES)
    assert [one.lacks for one in planned] == [[]] * 6
    assert [one.error for one in planned] == [""] * 6
    played = read_directory(tmp_path, FROM_MS, CLOSED_MS + 2000, warmup=0)
    candles = [one for one in played if isinstance(one, Candle)]
    assert {(one.asset, one.timeframe) for one in candles} == {
        (asset, frame) for asset in ("BTC", "ETH") for frame in FRAMES
    }
    for one in candles:
        kline = exchange.prices.kline(one.asset, one.timeframe, one.open_time, one.close_time)
        assert (one.open, one.high, one.low, one.close, one.volume) == kline[1:6]
    for frame in FRAMES:
        end_ms = CLOSED_MS // TIMEFRAME_MS[frame] * TIMEFRAME_MS[frame]
        assert times(tmp_path, "ETH", frame) == list(range(FROM_MS, end_ms, TIMEFRAME_MS[frame]))


@pytest.mark.parametrize("name", ["okx", "kraken"])
async def test_exchanges_that_give_less_at_once(
    exchange: Exchange, connection: Connection, tmp_path: Path
) -> None:
    """Kraken gives the last 720 candles alone: what is older is told as missing."""
    (series,) = await fetch(connection, tmp_path)
    there = times(tmp_path)
    assert there == hours(there[0])
    assert series.lacks == ([(FROM_MS, there[0])] if exchange.name == "kraken" else [])


async def test_a_second_call_asks_for_what_came_since_and_no_more(
    exchange: Exchange, connection: Connection, tmp_path: Path
) -> None:
    await fetch(connection, tmp_path, until_ms=CLOSED_MS - 5 * HOUR_MS)
    asked = exchange.requests("kline")
    (later,) = await fetch(connection, tmp_path)
    assert (later.fetched, exchange.requests("kline")) == (5, asked + 1)
    await fetch(connection, tmp_path)
    assert exchange.requests("kline") == asked + 1
    assert times(tmp_path) == hours()


async def test_an_earlier_start_and_a_hole_that_was_filled_meanwhile(
    exchange: Exchange, connection: Connection, tmp_path: Path
) -> None:
    holes = {FROM_MS + 30 * HOUR_MS, FROM_MS + 31 * HOUR_MS}
    exchange.prices.holes["BTC", "1h"] = holes
    exchange.prices.born["BTC"] = FROM_MS + 10 * HOUR_MS
    (first,) = await fetch(connection, tmp_path)
    born, hole = FROM_MS + 10 * HOUR_MS, FROM_MS + 30 * HOUR_MS
    assert first.lacks == [(FROM_MS, born), (hole, hole + 2 * HOUR_MS)]
    exchange.prices.holes.clear()
    exchange.prices.born.clear()
    (second,) = await fetch(connection, tmp_path)
    assert (second.lacks, second.fetched) == ([], 12)
    assert times(tmp_path) == hours()


async def test_a_market_that_is_not_there_is_named_before_anything_is_fetched(
    exchange: Exchange, connection: Connection, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match="has no market NONE/USDT now: leave it out"):
        await fetch(connection, tmp_path, ("BTC", "NONE"))
    assert exchange.requests("kline") == 0


async def test_what_came_before_an_error_is_kept(
    exchange: Exchange, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[int] = []
    ask = connection.candles

    async def once(symbol: str, frame: str, since_ms: int, limit: int) -> list[list[Any]]:
        pages.append(since_ms)
        if len(pages) == 2:
            raise UpstreamError(exchange.name, "bad_request", "no")
        return await ask(symbol, frame, since_ms, min(limit, 100))

    monkeypatch.setattr(connection, "candles", once)
    (series,) = await fetch(connection, tmp_path)
    assert series.error == f"{exchange.name}: no"
    kept = times(tmp_path)
    assert kept
    assert kept == hours(end_ms=kept[-1] + HOUR_MS)
    await fetch(connection, tmp_path)
    assert times(tmp_path) == hours()


async def test_two_downloads_into_one_directory(tmp_path: Path) -> None:
    refused = pytest.raises(RecordedDataError, match="another download or import writes to")
    with only_writer(tmp_path), refused, only_writer(tmp_path):
        pass


@pytest.fixture
def one_exchange(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    """The stand-in, as the settings of a process name it."""
    monkeypatch.setenv("QUANTIVA_EXCHANGE", exchange.name)
    monkeypatch.setenv("QUANTIVA_EXCHANGE_URL", exchange.url)
    monkeypatch.setenv("QUANTIVA_CLOCK", exchange.clock.spec())  # type: ignore[attr-defined]
    return exchange


def words(exchange: Exchange, folder: Path, *more: str) -> list[str]:
    named = ("--exchange", exchange.name, "--from", "2025-11-06", "--assets", "BTC,ETH")
    return ["data", "download", str(folder), *named, *more]


async def test_the_command_tells_of_gaps(one_exchange: Exchange, tmp_path: Path) -> None:
    one_exchange.prices.holes["ETH", "1h"] = {FROM_MS + 5 * HOUR_MS}
    one_exchange.prices.born["BTC"] = FROM_MS + 2 * HOUR_MS
    command = words(one_exchange, tmp_path, "--timeframes", "1h", "--until", "2026-01-01")
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 0, result.output
    said = result.output
    assert "none from 2025-11-06 00:00 to before 2025-11-06 02:00" in said
    assert "gap of 1 candle: 2025-11-06 05:00" in said
    assert times(tmp_path, "ETH")[-1] == 1_767_225_600_000 - HOUR_MS


@pytest.mark.parametrize("name", ["binance"])
@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        pytest.param(["--timeframes", "2h"], 2, "--timeframes '2h': there are", id="timeframe"),
        pytest.param(["--assets", "B/C"], 2, "write symbols with commas", id="asset"),
        pytest.param(["--until", "2025-11-01"], 2, "is not after --from", id="span"),
        pytest.param(["--exchange", "bnance"], 1, "which ccxt does not know", id="exchange"),
    ],
)
async def test_usage(
    one_exchange: Exchange, tmp_path: Path, more: list[str], code: int, says: str
) -> None:
    command = words(one_exchange, tmp_path, *more)
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert (result.exit_code, says in " ".join(result.output.split())) == (code, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["binance"])
async def test_a_kill_leaves_whole_files_and_the_next_call_goes_on(
    one_exchange: Exchange, tmp_path: Path
) -> None:
    """The program saves after each page, and is ended once there is a file."""
    program = (
        "from quantiva.data import download\n"
        "from quantiva.cli import main\n"
        "download._SAVED_EVERY_S = 0.0\n"
        "main()\n"
    )
    command = words(one_exchange, tmp_path, "--timeframes", "1h")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, *command)
    await until(lambda: bool(list(tmp_path.glob("ohlcv/*.parquet"))), "a file", 240.0)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    (tmp_path / "ohlcv" / "BTCUSDT-1h.parquet.tmp").write_bytes(b"half a file")
    for path in tmp_path.glob("ohlcv/*.parquet"):
        assert times(tmp_path, path.name[:3])
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 0, result.output
    assert times(tmp_path)[: len(hours())] == times(tmp_path, "ETH")[: len(hours())] == hours()
    assert not list(tmp_path.glob("ohlcv/*.tmp"))


async def test_a_write_that_fails_leaves_the_file_as_it_was(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetch(connection, tmp_path, until_ms=CLOSED_MS - 5 * HOUR_MS)
    before = times(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(candle_files.os, "fsync", full)
    (series,) = await fetch(connection, tmp_path)
    assert "No space left" in series.error
    assert times(tmp_path) == before
    assert not list(tmp_path.glob("ohlcv/*.tmp"))
