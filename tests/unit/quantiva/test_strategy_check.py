"""`quantiva strategies check`: a rule in words, wrong rules, and its value on recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantiva.commands.strategies import app
from schemas.partitioning import partition_of
from schemas.rule_language.reference import entries
from schemas.topics import CANDLES, TOPICS
from streams.replay.output import Output, make_output
from streams.runner import Produced
from tests.conftest import ROOT
from tests.factories import HOUR_MS, START_MS, candle
from tests.unit.marketdata.recorded_factory import T0, hours, write_candles


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SCHEMA_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUANTIVA_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def check(*arguments: str, status: int = 0) -> str:
    found: Any = CliRunner().invoke(app, ["check", *arguments])
    assert found.exit_code == status, found.output
    return " ".join(found.output.split())


def test_a_rule_is_explained_in_words_without_a_platform() -> None:
    said = check("ma20 > ma50 and (rsi@4h < 30 or adx(14) > 20)", "--timeframe", "1d")
    assert said.startswith("MA20@1d > MA50@1d AND (RSI14@4h < 30 OR ADX(14)@1d > 20) all of these:")
    assert "- at least one of these: - RSI14@4h is below 30" in said
    assert "MA50@1d: mean of the last 50 closes; candles of 1d" in said
    assert "its indicators cost 3 of 60" in said
    assert "no platform is running here" in said


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        pytest.param(
            ["RSI < 30 AND MA21 > 5"],
            1,
            "RSI < 30 AND MA21 > 5 ^ quantiva: line 1, column 14: MA21 is not known; "
            "write SMA(21); did you mean MA20?",
            id="a name",
        ),
        pytest.param(["RSI <"], 1, "line 1, column 6: the rule ends here; expected", id="its end"),
        pytest.param([""], 1, "line 1, column 1: the rule is empty", id="empty"),
        pytest.param(
            ["RSI@4h CROSSES_ABOVE RSI30"], 1, "crosses candles of 1h and 4h", id="timeframes"
        ),
        pytest.param(["RSI < 3", "--timeframe", "2h"], 2, "'2h' is not one of 5m, 15m", id="2h"),
        pytest.param(["RSI < 3", "--asset", "B C"], 2, "--asset", id="asset"),
        pytest.param(["RSI < 3", "--until", "2022-03-01"], 2, "name it with --data", id="until"),
        pytest.param(["RSI < 3", "--data", "nowhere"], 1, "nowhere", id="no directory"),
        pytest.param(["RSI < 3", "--asset", "BTC"], 1, "KAFKA_BOOTSTRAP", id="no platform"),
    ],
)
def test_what_is_wrong_ends_with_a_status(arguments: list[str], status: int, sentence: str) -> None:
    assert sentence in check(*arguments, status=status)


def test_the_value_on_recorded_data_part_by_part(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(300))
    data = ("--data", str(tmp_path))
    said = check("RSI < 30 OR CLOSE > 390 AND PROFIT_PCT > 3", *data)
    assert "BTC, " in said
    assert "nothing held: unknown false RSI14@1h < 30 RSI14@1h 100 true CLOSE@1h > 390 " in said
    assert "CLOSE@1h 399 unknown PROFIT_PCT > 3 PROFIT_PCT missing unknown RSI14@1h < 30 OR" in said
    assert "as of 2022-03-13 12:00:0" in said


def test_the_value_at_a_time_and_when_it_changed_before(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(300))
    said = check("CLOSE > 390", "--data", str(tmp_path), "--until", "2022-03-13T10:00")
    assert "as of 2022-03-13 09:50:00 UTC, nothing held: true true CLOSE@1h > 390" in said
    assert "it changed 1 time: 2022-03-12 10:00:00 false 2022-03-13 04:00:0" in said


def test_an_asset_without_data_is_said(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(30, T0 - 30 * HOUR_MS))
    assert "nothing of DOGE" in check(
        "RSI < 3", "--data", str(tmp_path), "--asset", "doge", status=1
    )


def test_the_names_are_listed_by_a_word_and_on_their_page() -> None:
    def names(*arguments: str, status: int = 0) -> str:
        found: Any = CliRunner().invoke(app, ["names", *arguments])
        assert found.exit_code == status, found.output
        return str(found.output)

    assert "BBANDS(length=5, std=2, ddof=0)  .LOWER .MIDDLE .UPPER" in names("bollinger")
    assert names("stop_loss") == "STOP_LOSS: stop of the position, in USD\n"
    assert "'xyzzy' in it" in names("xyzzy", status=1)
    page = names("--markdown")
    assert page == (ROOT / "docs" / "rule-names.md").read_text("utf-8"), (
        "quantiva strategies names --markdown > docs/rule-names.md"
    )
    for one in entries():
        assert one.written in page


def test_the_value_on_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    make_output(folder, 4, [topic.name for topic in TOPICS])
    output = Output(folder)
    for place in range(40):
        event = candle("BTC", START_MS + place * HOUR_MS, price=100.0 + place)
        at = CANDLES.name, partition_of(b"BTC", 4), place, "BTC", event.observed_at
        output.add(Produced(*at, event))
    output.close()
    said = check("SMA(5) CROSSES_ABOVE 136.5", "--data", str(folder))
    assert "nothing held: true true SMA(5)@1h CROSSES_ABOVE 136.5 " in said
    assert "SMA(5)@1h 137 (before: 136)" in said
    assert "no score at all of sentiment, fundamental, event_risk, liquidity" in said
    assert "it changed 1 time" in said
    said = check("SMA(5) > 125.5", "--data", str(folder), "--until", "2026-01-02T05:00")
    assert "nothing held: true" in said
    assert "nothing of ETH" in check("1 < 2", "--data", str(folder), "--asset", "ETH", status=1)
