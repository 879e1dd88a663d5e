"""`quantiva news score`: a directory's texts once, and a replay of it that needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantiva.cli import app
from streams.headlines import model as models
from streams.headlines.probabilities import Probabilities, single
from streams.replay.headline_scores import FILE_NAME, load_texts
from tests.unit.marketdata.recorded_factory import hours, write_candles, write_headlines

ROWS = [
    (
        "2022-03-01T01:00:00Z",
        "Bitcoin surges to a record",
        "",
        "CoinDesk",
        "bitcoin",
        "https://a/1",
    ),
    (
        "2022-03-01T02:00:00Z",
        "Bitcoin surges again",
        "Traders sell",
        "CoinDesk",
        "bitcoin",
        "https://a/2",
    ),
]
SPAN = ("--from", "2022-03-01", "--until", "2022-03-01T05:00")


class Pessimist:
    """A model to which everything is bad."""

    name, version = "pessimist", "0123456789ab"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        self.texts += [text for text, _ in texts]
        return [single(1.0, 0.0, 0.0)] * len(texts)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve hours of bitcoin with two headlines."""
    write_candles(tmp_path, "BTC", "1h", hours(12))
    write_headlines(tmp_path, ROWS)
    return tmp_path


@pytest.fixture
def pessimist(monkeypatch: pytest.MonkeyPatch) -> Pessimist:
    made = Pessimist()
    monkeypatch.setattr(models, "load_model", lambda _: made)
    return made


def test_texts_are_scored_once_and_the_file_is_read_by_the_replay(
    data: Path, pessimist: Pessimist
) -> None:
    without = run("replay", str(data), *SPAN)
    assert without[0] == 0, without[1]
    assert "scored by the lexicon, without a model" in " ".join(without[1].split())
    status, said = run("news", "score", str(data))
    assert status == 0, said
    assert "3 texts scored by pessimist 0123456789ab, 0 known before" in " ".join(said.split())
    assert sorted(pessimist.texts) == sorted([ROWS[0][1], ROWS[1][1], ROWS[1][2]])
    status, said = run("news", "score", str(data))
    assert "0 texts scored by pessimist 0123456789ab, 3 known before" in " ".join(said.split())
    assert len(pessimist.texts) == 3
    texts = load_texts(data)
    assert texts is not None
    assert len(texts.known) == 3
    by_file = run("replay", str(data), *SPAN)
    assert by_file[0] == 0, by_file[1]
    assert "scored by pessimist 0123456789ab, out of news_scores.jsonl" in " ".join(
        by_file[1].split()
    )


def test_another_version_scores_all_anew(data: Path, pessimist: Pessimist) -> None:
    run("news", "score", str(data))
    pessimist.version = "ba9876543210"
    assert "3 texts scored by pessimist ba9876543210" in run("news", "score", str(data))[1]


def test_a_broken_file_is_replaced_by_the_command_and_refused_by_the_replay(
    data: Path, pessimist: Pessimist
) -> None:
    (data / FILE_NAME).write_text("{", "utf-8")
    status, said = run("replay", str(data), *SPAN)
    assert status == 1
    assert "news_scores.jsonl line 1 cannot be used" in " ".join(said.split())
    status, said = run("news", "score", str(data))
    assert status == 0, said
    assert "it is replaced" in said


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        pytest.param("missing", "is not a directory", id="no directory"),
        pytest.param("", "nothing to play", id="nothing in it"),
    ],
)
def test_what_is_no_market_data_is_said(
    folder: str, reason: str, tmp_path: Path, pessimist: Pessimist
) -> None:
    status, said = run("news", "score", str(tmp_path / folder))
    assert status == 1
    assert reason in " ".join(said.split())


def test_without_a_model_there_is_nothing_to_score_with(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTIVA_HEADLINE_MODEL", "none")
    status, said = run("news", "score", str(data))
    assert status == 1
    assert "QUANTIVA_HEADLINE_MODEL is none" in " ".join(said.split())
    assert not (data / FILE_NAME).exists()
