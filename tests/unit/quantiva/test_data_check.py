"""`quantiva data list` and `check`: what a directory has, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantiva.cli import app
from tests.unit.marketdata.recorded_factory import hours, write_books, write_candles

ROWS = hours(60)


def run(command: str, folder: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", command, str(folder)])
    return result.exit_code, " ".join(result.output.split())


def scaled(rows: Sequence[Sequence[Any]], factor: float) -> list[tuple[Any, ...]]:
    return [(row[0], *(price * factor for price in row[1:5]), row[5]) for row in rows]


def test_a_whole_series_is_right(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", ROWS)
    assert run("check", tmp_path) == (0, "60 rows of 1 files: nothing is wrong")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param([*ROWS[:7], *ROWS[8:]], "gap of 1 candle: 2022-03-01 07:00", id="hole"),
        pytest.param(
            [*ROWS[:7], *ROWS[9:]],
            "gap of 2 candles: 2022-03-01 07:00 to 2022-03-01 08:00",
            id="longer hole",
        ),
        pytest.param([ROWS[0], *ROWS[1::2]], "and 24 more gaps of 24 candles", id="many holes"),
        pytest.param([*ROWS, ROWS[-1]], "1 rows: twice, joined", id="twice"),
        pytest.param(
            [*ROWS[:9], (ROWS[9][0] + 1000, *ROWS[9][1:]), *ROWS[10:]],
            "1 rows: open_time is not where a candle starts",
            id="off the grid",
        ),
        pytest.param(
            [(row[0] // 60_000, *row[1:]) for row in ROWS], "in no known unit", id="minutes"
        ),
        pytest.param(
            [*ROWS[:9], (ROWS[9][0], 5.0, 4.0, 6.0, 5.0, 1.0), *ROWS[10:]], "1 rows: ", id="high"
        ),
        pytest.param(
            [*ROWS[:30], *scaled(ROWS[30:], 0.001)],
            "jump at 2022-03-02 06:00 from 129 to 0.13: another unit, or another coin",
            id="a thousand coins for one",
        ),
        pytest.param(
            [*ROWS[:30], *scaled(ROWS[45:], 2.0)],
            "jump at 2022-03-02 21:00",
            id="relaunched after a hole",
        ),
        pytest.param(
            ROWS[::2], "its candles are 2 h apart and longer than 1h", id="another length"
        ),
    ],
)
def test_what_is_wrong_has_a_sentence_and_status_1(
    tmp_path: Path, rows: Sequence[Sequence[Any]], says: str
) -> None:
    write_candles(tmp_path, "BTC", "1h", rows)
    write_candles(tmp_path, "ETH", "1h", ROWS)
    code, said = run("check", tmp_path)
    assert code == 1
    assert says in said
    assert "BTCUSDT-1h.parquet" in said
    assert "ETHUSDT-1h.parquet" not in said


def test_another_unit_that_can_be_read_is_told_of_and_no_problem(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", [(row[0] * 1000, *row[1:]) for row in ROWS])
    code, said = run("check", tmp_path)
    assert (code, "open_time is read as what it is, in us" in said) == (0, True)


def test_order_books(tmp_path: Path) -> None:
    row = {"ts_ms": ROWS[0][0], "last_update_id": 1, "bid_px_0": 1.0, "bid_sz_0": 1.0}
    good = {**row, "ask_px_0": 1.1, "ask_sz_0": 1.0}
    crossed = {**good, "ts_ms": ROWS[0][0] + 1000, "ask_px_0": 0.9}
    write_books(tmp_path, [good, crossed])
    code, said = run("check", tmp_path)
    assert (code, "1 rows: " in said) == (1, True)


def test_a_list(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", [*ROWS[:7], *ROWS[9:]])
    write_candles(tmp_path, "ETH", "4h", ROWS)
    (tmp_path / "ohlcv" / "other.csv").write_text("")
    code, said = run("list", tmp_path)
    assert code == 0
    assert "ohlcv/other.csv is not read: its name is none that is looked for" in said
    assert "ohlcv/BTCUSDT-1h.parquet 58 2022-03-01 00:00 2022-03-03 11:00 2" in said
    assert "ohlcv/ETHUSDT-4h.parquet - cannot be used: see `quantiva data check`" in said


@pytest.mark.parametrize("command", ["list", "check"])
def test_no_directory(tmp_path: Path, command: str) -> None:
    code, said = run(command, tmp_path / "none")
    assert (code, "is not a directory" in said) == (1, True)


@pytest.mark.shared_data
def test_the_recorded_data_has_its_known_holes_and_no_jump(shared_data: Path) -> None:
    code, said = run("check", shared_data)
    assert code == 1
    assert said.count("gap of 4 candles: 2020-12-21 14:00 to 2020-12-21 17:00") == 5
    assert said.count("and 5 more gaps of 12 candles") == 5
    assert "jump" not in said
