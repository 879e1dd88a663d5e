"""Labelled files: what is taken, and what is refused with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streams.headlines.labelled import Labelled, LabelledFileError, labelled, texts_of


def written(tmp_path: Path, text: str, name: str = "set.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('text,label\n"Up, and up",positive\nDown,NEGATIVE\n', id="csv"),
        pytest.param("text\tlabel\nUp, and up\tbullish\nDown\tbearish\n", id="tsv"),
        pytest.param("\ufefftext\tlabel\r\nUp, and up\tpos\r\nDown\tneg\r\n", id="windows"),
        pytest.param('label,headline\nbullish,"Up, and up"\nbearish,Down\n', id="turned"),
        pytest.param('label,text,label_name\n2,"Up, and up",bullish\n0,Down,bearish\n', id="names"),
    ],
)
def test_files_that_say_the_same(tmp_path: Path, text: str) -> None:
    wanted = [Labelled("Up, and up", "", "bullish"), Labelled("Down", "", "bearish")]
    assert labelled(written(tmp_path, text)) == wanted


def test_assets_and_compression(tmp_path: Path) -> None:
    path = tmp_path / "set.tsv.gz"
    path.write_bytes(gzip.compress(b"text\tlabel\tasset\nUp\tneutral\tbtc\nDown\tneutral\t\n"))
    assert [one.asset for one in labelled(path)] == ["BTC", ""]


def test_numbers_are_labels_once_they_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\nUp,1\nDown,0\n")
    names = {"0": "bearish", "1": "bullish"}
    assert [one.label for one in labelled(path, names)] == ["bullish", "bearish"]
    with pytest.raises(LabelledFileError, match=r"line 2: the label is '1'; .*--labels"):
        labelled(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "needs a first line that names the columns", id="empty"),
        pytest.param("Bitcoin up,positive\n", "needs a first line", id="no header"),
        pytest.param("text,label\n", "has no rows", id="no rows"),
        pytest.param("text,label\nUp,good\n", "line 2: the label is 'good'", id="label"),
        pytest.param("text,label\nUp\n", "line 2: the label is ''", id="short row"),
        pytest.param("text,label\nUp,neutral\n ,neutral\n", "line 3: there is no text", id="text"),
        pytest.param('text,label\n"Up,neutral\n', "line 2: unexpected end", id="quote"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabelledFileError, match=said):
        labelled(written(tmp_path, text))


@pytest.mark.parametrize("content", [b"text,label\n\xe9t\xe9,neutral\n", b"\x1f\x8b\x08broken"])
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(content)
    with pytest.raises(LabelledFileError, match=r"not UTF-8 \(byte 11\)|cannot be read"):
        labelled(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabelledFileError, match="cannot be read"):
        labelled(tmp_path / "gone.csv")
    with pytest.raises(LabelledFileError, match="cannot be read"):
        labelled(tmp_path)


def test_texts_alone(tmp_path: Path) -> None:
    assert texts_of(written(tmp_path, "title\nUp\n\nDown\n")) == ["Up", "Down"]
    with pytest.raises(LabelledFileError, match="has no column of texts"):
        texts_of(written(tmp_path, "a,b\n1,2\n"))
