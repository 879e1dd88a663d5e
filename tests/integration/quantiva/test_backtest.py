"""`quantiva backtest` over recorded candles: report, page, JSON, what-ifs and refusals."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from click.testing import Result
from pyarrow import parquet
from typer.testing import CliRunner

from quantiva.cli import app
from schemas.times import DAY_MS, HOUR_MS

_FIRST_MS = 1_704_067_200_000  # 2024-01-01
_DAYS = 120
_RULE = """
strategy_id: cross
name: Cross of two means
timeframe: 1h
assets: [BTC, ETH]
entry_rule: POSITION = 0 AND MA20 > MA50
exit_rule: POSITION = 1 AND MA20 < MA50
stop_loss_pct: 8
"""
_SPAN = ("--from", "2024-03-01", "--until", "2024-03-13")


def _price(asset: str, hour: float) -> float:
    level = {"BTC": 50_000.0, "ETH": 3_000.0}[asset]
    wave = 0.08 * math.sin(hour / 70 + len(asset) * level) + 0.02 * math.sin(hour / 9)
    return level * (1.0 + wave + hour / 40_000)


def _candles(folder: Path, asset: str, timeframe: str, length_ms: int) -> None:
    starts = range(_FIRST_MS, _FIRST_MS + _DAYS * DAY_MS, length_ms)
    hours = [(at_ms - _FIRST_MS) / HOUR_MS for at_ms in starts]
    first = [_price(asset, hour) for hour in hours]
    last = [_price(asset, hour + length_ms / HOUR_MS) for hour in hours]
    columns = {
        "open_time": list(starts),
        "open": first,
        "high": [max(pair) * 1.001 for pair in zip(first, last, strict=True)],
        "low": [min(pair) * 0.999 for pair in zip(first, last, strict=True)],
        "close": last,
        "volume": [100.0] * len(hours),
    }
    parquet.write_table(pa.table(columns), folder / f"{asset}USDT-{timeframe}.parquet")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of candles of two assets that rise and fall, and a strategy for them."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "ohlcv"
    folder.mkdir()
    for asset in ("BTC", "ETH"):
        for timeframe, length_ms in (("1h", HOUR_MS), ("4h", 4 * HOUR_MS), ("1d", DAY_MS)):
            _candles(folder, asset, timeframe, length_ms)
    (root / "cross.yaml").write_text(_RULE)
    return root


def _run(data: Path, *arguments: str) -> Result:
    own = ("--strategy", str(data / "cross.yaml"), *_SPAN, "--jobs", "1")
    return CliRunner().invoke(app, ["backtest", str(data), *own, *arguments])


def _json(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def test_candles_alone_give_a_report_that_says_what_is_absent(data: Path, tmp_path: Path) -> None:
    page, whole = tmp_path / "report.html", tmp_path / "report.json"
    found = _run(data, "--html", str(page), "--json", str(whole))
    assert found.exit_code == 0, found.output
    assert "no data for sentiment, fundamental, event_risk, liquidity" in found.output
    report = _json(whole)
    (one,) = report["strategies"]
    assert one["metrics"]["trades"] >= 2
    assert one["metrics"]["trades"] == len(one["trades"])
    assert {mark["name"] for mark in one["benchmarks"]} == {"holding", "equal weight"}
    assert report["info"]["command"].startswith("quantiva backtest ")
    assert "--html" not in report["info"]["command"]
    text = page.read_text("utf-8")
    for part in ("Where to doubt it", "Monthly returns", "BTC: trades", "Which engine earned it"):
        assert part in text, part
    assert "<script src" not in text
    assert "<link" not in text


def test_the_same_command_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    made = []
    for name, jobs in (("one", "1"), ("two", "2")):
        page, whole = tmp_path / f"{name}.html", tmp_path / f"{name}.json"
        found = _run(data, "--html", str(page), "--json", str(whole), "--jobs", jobs)
        assert found.exit_code == 0, found.output
        made.append((page.read_bytes(), whole.read_bytes()))
    assert made[0] == made[1]


def test_capital_and_fees_are_those_given(data: Path, tmp_path: Path) -> None:
    reports = []
    for fee in ("0", "50"):
        whole = tmp_path / f"{fee}.json"
        own = ("--strategy", str(data / "cross.yaml"), "--fee-bps", fee, "--capital", "1000")
        command = (sys.executable, "-m", "quantiva.cli", "backtest", str(data), *own, *_SPAN)
        # Settings are made once a process.
        subprocess.run([*command, "--json", str(whole)], check=True, capture_output=True)
        reports.append(_json(whole))
    free, dear = (one["strategies"][0] for one in reports)
    assert free["equity"][0]["equity_usd"] == pytest.approx(1000.0)
    assert free["metrics"]["fees_usd"] == 0.0
    assert dear["metrics"]["fees_usd"] > 0.0
    assert dear["metrics"]["total_return_pct"] < free["metrics"]["total_return_pct"]
    assert reports[0]["info"]["settings"] != reports[1]["info"]["settings"]


def test_a_what_if_stands_beside_the_run_as_it_is(data: Path, tmp_path: Path) -> None:
    page, whole = tmp_path / "report.html", tmp_path / "report.json"
    found = _run(data, "--set", "stop_loss_pct=0.3", "--json", str(whole), "--html", str(page))
    assert found.exit_code == 0, found.output
    assert "what if, compared" in found.output
    both = _json(whole)
    assert sorted(both) == ["as it is", "what if"]
    reasons = [one["exit_reason"] for one in both["what if"]["strategies"][0]["trades"]]
    assert "stop_loss" in reasons
    text = page.read_text("utf-8")
    assert "Backtest: what if" in text
    assert text.index("what if, compared") < text.index("Backtest: as it is")


def test_a_page_without_plotly_is_refused_before_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = _run(data, "--html", str(tmp_path / "report.html"))
    assert found.exit_code == 1, found.output
    assert "quantiva-streams[backtest]" in " ".join(found.output.split())
    assert "market records" not in found.output


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["--strategy", "nobody"], "there is no such strategy", 2),
        (["--set", "stop_loss_pct=much"], "stop_loss_pct", 2),
        (["--html", "no/such/report.html"], "there is no folder no/such", 2),
        (["--json", "."], "is a folder", 2),
        (["--from", "2030-01-01", "--until", "2030-01-02"], "2030-01-01", 1),
    ],
    ids=["unknown strategy", "no number", "no folder", "a folder", "nothing in the span"],
)
def test_what_cannot_be_run_is_said(
    data: Path, arguments: list[str], said: str, status: int
) -> None:
    found = CliRunner().invoke(app, ["backtest", str(data), *_SPAN, *arguments])
    assert found.exit_code == status, found.output
    assert said in " ".join(found.output.split())
    assert "Traceback" not in found.output
