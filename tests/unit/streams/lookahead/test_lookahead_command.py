"""The command: its exit status, its last line, its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from quantiva.commands.lookahead import lookahead
from quantiva.discovery import load_settings
from schemas.engines import ENGINES
from schemas.partitioning import partition_of
from tests.unit.marketdata.recorded_factory import hours, write_candles

LEAKS = "tests.unit.streams.lookahead.leaks"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(lookahead)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Forty hours of one asset."""
    write_candles(tmp_path, "BTC", "1h", hours(40))
    return str(tmp_path)


def test_clean(data: str, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    result = run(data, "--json", str(file))
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[-1].startswith(
        f"no look-ahead: {len(ENGINES)} engines, headlines, fusion, confidence, "
    )
    assert lines[-1].endswith(" records, every prefix")
    assert max(map(len, lines)) <= 100
    found = json.loads(file.read_text("utf-8"))
    assert found["clean"] is True
    assert found["proof"]["records"] == found["proof"]["planted"] > 40
    measured = {row["inputs"]: row["records"] for row in found["warm_up"]}
    assert measured["candles 1h"] == 40
    assert measured["candles 4h"] == 0
    assert set(found["declared"]) >= {"technical", "sentiment"}


def test_a_leak_is_exit_status_1_and_the_last_line_names_it(data: str) -> None:
    honest = run(data, "--engine", f"{LEAKS}:HONEST", "--no-warm-up")
    assert honest.exit_code == 0
    result = run(data, "--engine", f"{LEAKS}:HONEST", "--engine", f"{LEAKS}:HOARDING")
    assert result.exit_code == 1
    place = partition_of(b"BTC", load_settings().partitions)
    last = result.output.splitlines()[-1]
    assert last == f"look-ahead: hoarding at market.candles {place}:0 (BTC)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("nowhere",), "nowhere", id="no source"),
        pytest.param(("{data}", "--assets", "DOGE"), "no market records", id="no such asset"),
        pytest.param(("{data}", "--engine", f"{LEAKS}:NOBODY"), "not an engine", id="no engine"),
        pytest.param(("{data}", "--engine", "nothing.here:X"), "nothing", id="no module"),
    ],
)
def test_errors_are_sentences(arguments: tuple[str, ...], said: str, data: str) -> None:
    result = run(*(one.format(data=data) for one in arguments))
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
