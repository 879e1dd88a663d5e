"""Others' candle files: what is sure becomes a series, what is not is refused with what to do."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from marketdata.recorded.files import RecordedDataError
from marketdata.recorded.importing import Imported, Wanted, import_file, series_of
from marketdata.recorded.source import read_directory
from quantiva.cli import app
from schemas.market import Candle
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, hours, write_candles

HEADER = ("open_time", "open", "high", "low", "close", "volume")
ROWS = hours(24)
SERIES = {row[0]: row[1:] for row in ROWS}
Times = Callable[[int], Any]


def text(
    header: Sequence[str] = HEADER,
    time: Times = lambda ms: ms,
    rows: Sequence[Sequence[Any]] = ROWS,
) -> str:
    """Return a CSV of the rows, without a header for ()."""
    lines = [",".join(map(str, (time(row[0]), *row[1:]))) for row in rows]
    return "\n".join([*([",".join(header)] if header else []), *lines, ""])


def klines(per_ms: int = 1, rows: Sequence[Sequence[Any]] = ROWS) -> str:
    """Return the lines of Binance's archive."""
    ends = [(row[0] + HOUR_MS) * per_ms - 1 for row in rows]
    return "".join(
        f"{row[0] * per_ms},{','.join(map(str, row[1:]))},{end},1.0,5,1.0,1.0,0\n"
        for row, end in zip(rows, ends, strict=True)
    )


def zipped(content: str, name: str = "BTCUSDT-1h-2022-03.csv") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, content)
    return data.getvalue()


def imported(folder: Path, name: str, data: str | bytes, **wanted: Any) -> Imported:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return import_file(path, Wanted(**wanted))


def iso(form: str) -> Times:
    return lambda ms: datetime.fromtimestamp(ms / 1000, UTC).strftime(form)


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        pytest.param("BTCUSDT-1h.csv", text(), {}, id="ours"),
        pytest.param("binance_btc_usdt_1h.csv", text(), {}, id="another way to name it"),
        pytest.param("BTCUSDT-1h.csv.gz", gzip.compress(text().encode()), {}, id="gzip"),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(
                ("Timestamp", "Open", "High", "Low", "Close", "Volume BTC"), lambda ms: ms // 1000
            ),
            {},
            id="seconds, capitals",
        ),
        pytest.param("BTCUSDT-1h.csv", text(time=iso("%Y-%m-%dT%H:%M:%SZ")), {}, id="ISO with Z"),
        pytest.param(
            "BTCUSDT-1h.csv", text(time=iso("%Y-%m-%d %H:%M:%S")), {"utc": True}, id="said UTC"
        ),
        pytest.param(
            "prices.csv", text(), {"asset": "BTC", "timeframe": "1h"}, id="said asset, timeframe"
        ),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(("unix", *HEADER[1:], "date"), rows=[(*row, 1) for row in ROWS]),
            {"time_column": "unix"},
            id="said time column",
        ),
        pytest.param("BTCUSDT-1h-2022-03.csv", klines(), {}, id="archive in ms"),
        pytest.param("BTCUSDT-1h-2022-03-01.zip", zipped(klines()), {}, id="archive, zip"),
        pytest.param("BTCUSDT-1h-2025-01.zip", zipped(klines(1000)), {}, id="archive in us"),
        pytest.param(
            "BTCUSDT-1h-2025-01.zip",
            zipped(klines(rows=ROWS[:9]) + klines(1000, ROWS[9:])),
            {},
            id="archive that goes over to us",
        ),
        pytest.param("BTCUSDT-1h.csv", text(rows=ROWS[::-1]), {}, id="newest first"),
    ],
)
def test_what_is_sure(tmp_path: Path, name: str, data: str | bytes, wanted: dict[str, Any]) -> None:
    found = imported(tmp_path, name, data, **wanted)
    assert found.rows == SERIES
    assert series_of(tmp_path / name, Wanted(**wanted)) == ("BTC", "1h")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        pytest.param("prices.csv", text(), "say --asset and --timeframe", id="no name"),
        pytest.param("BTCUSDC-1h.csv", text(), "say --asset and --timeframe", id="other quote"),
        pytest.param("BTCUSDT-1m.csv", text(), "say --asset and --timeframe", id="minutes"),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(time=iso("%Y-%m-%d %H:%M:%S")),
            "open_time names no zone; say --utc if",
            id="no zone",
        ),
        pytest.param(
            "BTCUSDT-1h.csv", text(time=iso("%d.%m.%Y %H:%M")), "no time; write 2024-", id="dots"
        ),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(("unix", *HEADER[1:], "date"), rows=[(*row, 1) for row in ROWS]),
            "has the columns date and unix: say which one",
            id="two times",
        ),
        pytest.param(
            "BTCUSDT-1h.csv", text(("when", *HEADER[1:])), "found when, open", id="no time"
        ),
        pytest.param(
            "BTCUSDT-1h.csv", text((*HEADER[:5], "amount")), "lacks the column(s) volume", id="five"
        ),
        pytest.param("BTCUSDT-1h.csv", text(()), "has no header and 6 columns", id="no header"),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(time=lambda ms: ms + HOUR_MS // 2),
            "no candle of 1h starts in UTC",
            id="half an hour off",
        ),
        pytest.param(
            "BTCUSDT-4h.csv",
            text(),
            "18 of 24 rows have a open_time at which no candle of 4h starts",
            id="hours for 4 hours",
        ),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(time=lambda ms: ms // 60_000),
            "in no known unit",
            id="minutes since 1970",
        ),
        pytest.param(
            "BTCUSDT-1h.csv", text(time=lambda ms: ms + 0.5), "cannot be read", id="parts of a ms"
        ),
        pytest.param("BTCUSDT-1h.csv", "", "cannot be read", id="empty"),
        pytest.param("BTCUSDT-1h.zip", b"no zip", "cannot be read", id="no zip"),
        pytest.param("BTCUSDT-1h.zip", zipped("", "a.txt"), "has no .csv in it", id="no csv"),
        pytest.param("BTCUSDT-1h.parquet", b"none", "cannot be read as parquet", id="no parquet"),
        pytest.param(
            "BTCUSDT-1h.csv",
            text(rows=[(*row[:4], "x", row[5]) for row in ROWS]),
            "close is string",
            id="words",
        ),
    ],
)
def test_what_is_not_sure_is_refused(
    tmp_path: Path, name: str, data: str | bytes, says: str
) -> None:
    with pytest.raises(RecordedDataError) as caught:
        imported(tmp_path, name, data)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "quantiva-import" not in str(caught.value)


def test_a_parquet_of_pandas(tmp_path: Path) -> None:
    path = write_candles(tmp_path, "BTC", "1h", ROWS, open_time=pa.timestamp("ms", "UTC"))
    table = parquet.read_table(path).rename_columns(["Date", *map(str.title, HEADER[1:])])
    parquet.write_table(table, tmp_path / "btcusdt_1h.parquet")
    found = import_file(tmp_path / "btcusdt_1h.parquet", Wanted())
    assert found.rows == SERIES


def test_rows_that_are_no_candles_are_told_of(tmp_path: Path) -> None:
    bad = [*ROWS[:3], (ROWS[3][0], 1.0, 0.5, 2.0, 1.0, 1.0), *ROWS[4:]]
    found = imported(tmp_path, "BTCUSDT-1h.csv", text(rows=bad))
    assert len(found.rows) == len(ROWS) - 1
    assert [str(tmp_path) in note and "1 rows" in note for note in found.notes] == [True]


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "import", *map(str, words)])
    return result.exit_code, " ".join(result.output.split())


def test_the_command_joins_files_into_series_that_a_replay_reads(tmp_path: Path) -> None:
    given, folder = tmp_path / "given", tmp_path / "market"
    given.mkdir()
    (given / "BTCUSDT-1h-2022-03-01.zip").write_bytes(zipped(klines(rows=ROWS[:12])))
    (given / "BTCUSDT-1h-2022-03-01b.csv").write_text(klines(1000, ROWS[10:]))
    (given / "BTCUSDT-1h-2022-03-01.zip.CHECKSUM").write_text("0")
    code, said = run(given, "--to", folder)
    assert code == 0, said
    assert "24 new candles of 24" in said
    assert "0 new candles of 24" in run(given, "--to", folder)[1]
    read = [one for one in read_directory(folder, T0, T0 + 2 * DAY_MS) if isinstance(one, Candle)]
    assert [one.open_time for one in read] == list(SERIES)


def test_candles_that_differ_are_not_replaced_unasked(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(24))
    (tmp_path / "BTCUSDT-1h.csv").write_text(text(rows=hours(30, price=101.0)))
    words = (tmp_path / "BTCUSDT-1h.csv", "--to", tmp_path)
    code, said = run(*words)
    assert code == 1
    assert "24 candles are others than in" in said
    assert "the first of 2022-03-01 00:00;" in said
    assert run(*words, "--replace")[0] == 0
    assert run(*words)[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["nowhere"], "no file or directory", id="not there"),
        pytest.param(["empty"], "nothing to import", id="empty directory"),
    ],
)
def test_paths(tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    code, said = run(*(tmp_path / word for word in words), "--to", tmp_path / "to")
    assert (code, says in said) == (1, True)


def test_a_file_with_more_columns_is_not_cut(tmp_path: Path) -> None:
    path = write_candles(tmp_path, "BTC", "1h", ROWS)
    table = parquet.read_table(path)
    parquet.write_table(table.append_column("trades", table.column("volume")), path)
    (tmp_path / "BTCUSDT-1h.csv").write_text(text())
    code, said = run(tmp_path / "BTCUSDT-1h.csv", "--to", tmp_path)
    assert (code, "cannot be continued without a loss: it has the column(s) trades" in said) == (
        1,
        True,
    )
