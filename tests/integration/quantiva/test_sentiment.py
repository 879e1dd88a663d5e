"""`quantiva sentiment`: a text, a file, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantiva.commands.sentiment import app

BAD = "Exchange hacked, $200 million stolen"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "set.csv"
    rows = [f'"{BAD}",negative,', "Bitcoin soars to a record high,positive,BTC", "A guide,neutral,"]
    path.write_text("\n".join(["text,label,asset", *rows]), "utf-8")
    return path


@pytest.mark.parametrize("arguments", [[BAD], ["--asset", "btc", BAD], ["score", BAD]])
def test_every_voice_speaks(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    model, lexicon, together = result.output.splitlines()
    assert model.startswith("model     -0.")
    assert "bearish 0." in model
    assert "hacked -0.9" in lexicon
    assert together.startswith("together  -0.")
    assert "negative, confidence 0." in together


def test_without_a_model_the_lexicon_speaks_and_says_so() -> None:
    result = run(BAD, "--model", "none")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("model     none:")
    assert "hacked -0.9" in result.output


def test_one_json_object() -> None:
    found = json.loads(run(BAD, "--asset", "BTC", "--json").output)
    assert found["label"] == "negative"
    assert found["asset"] == "BTC"
    assert found["bearish"] > found["bullish"]
    assert found["hits"][0]["term"]


def test_eval_measures_all_voices(file: Path, tmp_path: Path) -> None:
    written = tmp_path / "out.json"
    result = run("eval", str(file), "--json", str(written))
    assert result.exit_code == 0, result.output
    assert "set.csv: 3 texts" in result.output
    for word in ("macro-F1", "accuracy", "calibration", "said bearish", "right by confidence"):
        assert word in result.output
    rows = {one["voice"]: one for one in json.loads(written.read_text("utf-8"))}
    assert len(rows) == 3
    assert {"lexicon", "together"} < set(rows)
    assert rows["together"]["confusion"]["bearish"]["bearish"] == 1
    assert rows["together"]["texts"] == 3


def test_eval_of_several_models(file: Path) -> None:
    result = run("eval", str(file), "--model", "none", "--model", "shipped", "--no-asset")
    assert result.exit_code == 0, result.output
    assert result.output.count("right by confidence") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval", "gone.csv"], "cannot be read"),
        (["eval", "FILE", "--labels", "0"], "write 0=bearish,1=bullish"),
        (["eval", "FILE", "--model", "/gone/away"], "/gone/away"),
        (["eval", "FILE", "--threads", "0"], "threads"),
        (["Bitcoin", "--model", ""], "setting model"),
        (["train", "gone.csv", "--out", "x"], "gone.csv|needs more packages|no base to tune"),
    ],
)
def test_a_mistake_is_one_sentence(file: Path, arguments: list[str], said: str) -> None:
    import re

    given = [str(file) if one == "FILE" else one for one in arguments]
    result = run(*given)
    assert result.exit_code != 0
    assert re.search(said, " ".join(result.output.split()))
    assert "Traceback" not in result.output


def test_the_help_names_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("eval", "train", "export"):
        assert command in result.output
