"""`quantiva strategies calibrate`: versions as files, a comparison, and what is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from marketdata.simulated.assets import ASSETS
from quantiva.commands.strategies import app
from schemas.engines import DEFAULT_WEIGHTS
from schemas.strategy_files import read_strategies
from tests.unit.streams.replay._archived import archived_market

FILE = "strategy_id: mine\nname: Mine\nbuy_threshold: 0.05\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "archive"
    archived_market(folder, ASSETS[:2], cycles=170)
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE, "utf-8")
    return path


def run(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["calibrate", *map(str, arguments)])
    return ended.exit_code, " ".join(ended.output.split())


def test_versions_and_a_report_are_written(archive: Path, mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    told = (archive, mine, "--out", out, "--train-days", 1, "--step-days", 1, "--horizon", "1h")
    code, text = run(*told, "--jobs", 1)
    assert code == 0, text
    assert "out of sample, after 1h:" in text
    version = next(out.glob("mine-*.yaml"))
    assert version.read_text("utf-8").startswith("# Valid from 20")
    read = read_strategies(version)[0]
    assert read.weights == DEFAULT_WEIGHTS  # a day of two assets is too few to learn from
    made = msgspec.json.decode((out / "calibration.json").read_bytes())["calibration"]
    assert made["horizon"] == "1h"
    assert made["calibrated"] == {
        **made["fixed"],
        "statistics": {**made["fixed"]["statistics"], "name": "calibrated"},
    }
    code, text = run(*told)
    assert (code, "holds a calibration already" in text) == (2, True)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        pytest.param(
            ["--horizon", "2d"], 2, "--horizon 2d is none of 1h, 4h, 1d, 7d", id="horizon"
        ),
        pytest.param(["--shrinkage", "1.5"], 2, "shrinkage", id="shrinkage"),
        pytest.param(["--jobs", "1"], 1, "and a training takes 60", id="a short span"),
    ],
)
def test_what_is_refused(
    archive: Path, mine: Path, tmp_path: Path, more: list[str], code: int, said: str
) -> None:
    ended, text = run(archive, mine, "--out", tmp_path / "made", *more)
    assert ended == code
    assert said in text


def test_an_unknown_strategy_is_refused(archive: Path, tmp_path: Path) -> None:
    code, text = run(archive, "balances", "--out", tmp_path / "made")
    assert (code, "balances is no file, and no strategy of the source" in text) == (2, True)
