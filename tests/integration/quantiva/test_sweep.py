"""`quantiva sweep` from the command line: killed, resumed, and nothing computed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from marketdata.simulated.assets import ASSETS
from quantiva.cli import app
from quantiva.sweep.trials import BATCH
from tests.conftest import ROOT, slowdown
from tests.unit.streams.replay._archived import archived_market

STRATEGY = """\
strategy_id: dip
name: Dip
params: {rsi: 50, fast: 9}
entry_rule: RSI < $rsi AND EMA($fast) > 0
exit_rule: RSI > 60
"""
GRID = ("rsi=40:54:2", "stop_loss_pct=1,3")  # 16 trials


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a market of two days, and the file of a strategy."""
    folder = tmp_path_factory.mktemp("sweep")
    archived_market(folder / "market", ASSETS[:1], cycles=290)
    (folder / "dip.yaml").write_text(STRATEGY)
    return folder


def arguments(market: Path, out: Path, *more: str, grid: tuple[str, ...] = GRID) -> list[str]:
    axes = [part for item in grid for part in ("--grid", item)]
    given = ("--strategy", str(market / "dip.yaml"), "--out", str(out), "--jobs", "2")
    return ["sweep", str(market / "market"), *given, *axes, *more]


def run(market: Path, out: Path, *more: str, grid: tuple[str, ...] = GRID) -> Result:
    return CliRunner().invoke(app, arguments(market, out, *more, grid=grid))


def keys(out: Path) -> Counter[str]:
    """Return how often each trial stands in the file of trials, without a torn last line."""
    path = out / "trials.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return Counter(msgspec.json.decode(line)["key"] for line in lines)


@pytest.fixture(scope="module")
def whole(market: Path) -> Path:
    """Return the folder of a sweep that nobody disturbed."""
    out = market / "whole"
    done = run(market, out, "--walk-forward", "1", "--train-days", "1", "--test-days", "1")
    assert done.exit_code == 0, done.stderr
    assert "16 trials: 16 made now, 0 were there" in done.stdout
    return out


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was(market: Path, whole: Path) -> None:
    out = market / "killed"
    walk = ("--walk-forward", "1", "--train-days", "1", "--test-days", "1")
    with subprocess.Popen(
        [sys.executable, "-m", "quantiva.cli", *arguments(market, out, *walk)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        ends_s = time.monotonic() + 120.0 * slowdown()
        while not keys(out) and time.monotonic() < ends_s:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = keys(out)
    assert BATCH <= before.total() < 16
    with (out / "trials.jsonl").open("ab") as file:
        file.write(b'{"key":"torn')  # as if it had been killed while it wrote
    done = run(market, out, *walk)
    assert done.exit_code == 0, done.stderr
    made = 16 - before.total()
    assert f"16 trials: {made} made now, {before.total()} were there" in done.stdout
    assert "already there" in done.stdout  # the scores
    assert keys(out) == Counter(keys(whole).keys())  # each once
    assert (out / "report.json").read_bytes() == (whole / "report.json").read_bytes()
    wait_for_children(process.pid)


def wait_for_children(group: int) -> None:
    """Wait until a killed sweep's processes have ended by themselves."""
    ends_s = time.monotonic() + 30.0 * slowdown()
    while time.monotonic() < ends_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("processes of a killed sweep are still there")


def test_what_was_made_is_never_made_again(market: Path, whole: Path) -> None:
    before = (whole / "trials.jsonl").read_bytes()
    done = run(market, whole, "--random", "10", "--seed", "3")
    assert "10 trials: 0 made now, 10 were there; 16 on these scores in all" in done.stdout
    assert (whole / "trials.jsonl").read_bytes() == before
    report = msgspec.json.decode((whole / "report.json").read_bytes())
    assert (report["sweep"]["trials"], report["sweep"]["counted"]) == (10, 16)


def test_a_guided_search_follows_its_seed(market: Path, whole: Path) -> None:
    pytest.importorskip("optuna")
    asked = []
    for _ in range(2):
        done = run(market, whole, "--guided", "12", "--metric", "return")
        assert done.exit_code == 0, done.stderr
        report = msgspec.json.decode((whole / "report.json").read_bytes())
        asked.append(report["sweep"])
    assert asked[0] == asked[1]
    assert asked[0]["trials"] <= 12


@pytest.mark.parametrize(
    ("grid", "more", "code", "said"),
    [
        pytest.param(("rsi=1:2",), (), 2, "a range is FROM:TO:STEP", id="range"),
        pytest.param(("rso=1,2",), (), 2, "the file's params are rsi, fast", id="no axis"),
        pytest.param(GRID, ("--metric", "luck"), 2, "--metric luck is none of", id="metric"),
        pytest.param(GRID, ("--random", "1", "--guided", "1"), 2, "two ways to choose", id="both"),
        pytest.param(GRID, ("--test-days", "1"), 2, "are of --walk-forward", id="days alone"),
        pytest.param(GRID, ("--walk-forward", "9"), 2, "whole UTC days; the span has", id="long"),
        pytest.param(("fast=5,6",), (), 1, "which these rules name", id="other indicators"),
        pytest.param(GRID, ("--assets", "BTC"), 1, "scores of another sweep (assets", id="assets"),
        pytest.param(GRID, ("--ray",), 1, "--ray needs ray, which is not installed", id="ray"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    market: Path, whole: Path, grid: tuple[str, ...], more: tuple[str, ...], code: int, said: str
) -> None:
    if "--ray" in more and _has_ray():
        pytest.skip("ray is installed")
    done = run(market, whole, *more, grid=grid)
    assert done.exit_code == code
    assert said in " ".join(done.stderr.split())


def _has_ray() -> bool:
    from importlib.util import find_spec

    return find_spec("ray") is not None
