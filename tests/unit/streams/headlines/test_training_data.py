"""What a headline model is trained on, out of small files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.headlines.labelled import LabelledFileError
from streams.headlines.training.data import Data, Judged, gather, headline_id

WORDS = ("bank", "miner", "wallet", "token", "ledger", "bridge", "oracle", "gas", "fork", "pool")


def title(number: int) -> str:
    """Return one of many headlines that share few words."""
    a, b, c = (WORDS[number % 10], WORDS[number // 10 % 10], WORDS[(number * 7 + 3) % 10])
    return f"{a}{number} {b}{number} {c} story"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def everything(data: Data) -> set[str]:
    measured = {
        one.text for sets in (data.dev, data.held) for rows in sets.values() for one in rows
    }
    return measured | {one.text for one in data.train}


def test_every_file_is_known_by_its_columns(tmp_path: Path) -> None:
    write(tmp_path, "tweets.csv", "text,label", *(f"{title(n)},bullish" for n in range(50)))
    write(tmp_path, "entities.csv", "S No.,Title,Decisions,Words", "1,A rises,{'A': 'positive'},2")
    write(
        tmp_path, "titles.csv", "published_at,title", "2025-01-01,Ether rises", "2025-01-02,Other"
    )
    write(tmp_path, "labels.csv", "id,label", f"{headline_id('Ether  rises')},bullish")
    data = gather([tmp_path])
    kinds = {one["file"]: one["kind"] for one in data.files}
    assert kinds == {
        "tweets.csv": "texts",
        "entities.csv": "entities",
        "titles.csv": "titles",
        "labels.csv": "labels",
    }
    assert data.unlabelled == ["Other"]
    assert all(len(one["sha256"]) == 64 for one in data.files)


def test_a_set_is_split_for_ever(tmp_path: Path) -> None:
    rows = [f"{title(n)},neutral" for n in range(600)]
    one = gather([write(tmp_path, "set.csv", "text,label", *rows)])
    other = gather([write(tmp_path, "set.csv", "text,label", *reversed(rows))])
    assert len(everything(one)) == 600
    for sets in (one.dev, one.held):
        assert 30 < len(sets["set"]) < 95
    assert set(one.held["set"]) == set(other.held["set"])
    assert not {row.text for row in one.held["set"]} & {row.text for row in one.train}


def test_headlines_are_held_back_by_time(tmp_path: Path) -> None:
    times = [f"2025-01-{1 + n // 5:02}T{n % 5:02}:00,{title(n)}" for n in range(100)]
    write(tmp_path, "titles.csv", "published_at,title", *reversed(times))
    labels = [f"{headline_id(title(n))},bearish" for n in range(100)]
    write(tmp_path, "labels.csv", "id,label", *labels)
    data = gather([tmp_path])
    assert {one.text for one in data.held["titles"]} == {title(n) for n in range(85, 100)}


def test_near_copies_of_what_is_held_back_are_not_learned(tmp_path: Path) -> None:
    write(tmp_path, "set.csv", "text,label", "Alpha beta gamma delta now,neutral", "Other,neutral")
    held = write(tmp_path / "..", "held.csv", "text", "alpha BETA gamma delta!")
    data = gather([tmp_path / "set.csv"], [held])
    assert "Alpha beta gamma delta now" not in {one.text for one in data.train}
    write(tmp_path, "titles.csv", "title", "Alpha beta gamma delta", "Another one")
    assert gather([tmp_path / "titles.csv"], [held]).unlabelled == ["Another one"]


def test_entities_that_differ_are_asked_for_one_by_one() -> None:
    apart = Judged("A rises, B falls", (("A", "bullish"), ("B", "bearish"))).examples()
    assert [(one.assets, one.target) for one in apart] == [
        (("A",), (0.0, 1.0, 0.0)),
        (("B",), (1.0, 0.0, 0.0)),
    ]
    alike = Judged("A and B rise", (("A", "bullish"), ("B", "bullish"))).examples()
    assert [one.assets for one in alike] == [("", "A", "B")]


def test_readers_who_differ_teach_a_doubt_and_measure_nothing() -> None:
    judged = Judged("A statement", (("", "bullish"), ("", "neutral")))
    assert [one.target for one in judged.examples()] == [(0.0, 0.5, 0.5)]
    assert judged.labelled() == []


def test_a_headline_that_names_one_coin_is_asked_for_it(tmp_path: Path) -> None:
    rows = [f"2025-01-{1 + n % 28:02},Ethereum {title(n)}" for n in range(40)]
    write(tmp_path, "titles.csv", "published_at,title", *rows)
    labels = [f"{headline_id('Ethereum ' + title(n))},bullish" for n in range(40)]
    write(tmp_path, "labels.csv", "id,label", *labels)
    assert {one.assets for one in gather([tmp_path]).train} == {("", "ETH")}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a,b", "1,2"), "its first line names a, b"),
        (("id,label", "abc,good"), "labels: abc has the label 'good'"),
    ],
)
def test_a_file_of_no_known_kind_is_refused(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(LabelledFileError, match=said):
        gather([write(tmp_path, "labels.csv", *lines)])
