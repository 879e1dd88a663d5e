"""Archives as tables: columns of structs, times, ranges; in Python and as files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

import quantiva
from quantiva.cli import app
from schemas.contract import STRUCTS
from schemas.outcomes import Outcome
from schemas.topics import BY_SCHEMA, CANDLES, SIGNALS
from streams.archive.frames import KINDS, TIME_FIELDS, read_frame, topic_of
from streams.archive.reader import Archive
from streams.archive.records import ArchiveError, LoggedRecord
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.replay.output import Output, make_output
from streams.runner import Produced
from tests.contract import sink_samples
from tests.factories import HOUR_MS, START_MS, candle, news, score, signal

PLACES = 2


def archive_of(
    folder: Path, events: Iterable[Any], topics: Iterable[str] = (SIGNALS.name,)
) -> Archive:
    """Write events into an archive as a replay does, by turns into two partitions."""
    make_output(folder, PLACES, topics)
    output = Output(folder)
    for number, event in enumerate(events):
        topic = BY_SCHEMA[next(name for name, one in STRUCTS.items() if one is type(event))]
        place, offset = number % PLACES, number // PLACES
        time_ms = START_MS + number
        output.add(Produced(topic.name, place, offset, event.asset, time_ms, event))
    output.close()
    return Archive(str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five signals, an hour between two of them, the latest first."""
    made = [signal(n, as_of=START_MS + (4 - n) * HOUR_MS) for n in range(5)]
    archive_of(tmp_path / "archive", made)
    return tmp_path / "archive"


def frame(folder: Path, kind: str = "signals", **options: Any) -> pd.DataFrame:
    return quantiva.read_archive(str(folder), kind, **options)


def test_fields_are_columns_and_times_are_timestamps(folder: Path) -> None:
    one = frame(folder).iloc[-1]
    assert one["signal_id"] == f"{0:032x}"
    assert one["as_of"] == pd.Timestamp(START_MS + 4 * HOUR_MS, unit="ms", tz="UTC")
    assert one["entered_at"] is pd.NaT
    assert one["contributions.technical.age_ms"] == 60_000
    assert one["contributions.technical.status"] == "ok"
    assert one["features.rsi14@1h"] == 55.0
    assert one["sizing.multiplier"] == 0.814
    assert list(one["inputs"]) == [{"topic": "engine.scores", "partition": 0, "offset": 0}]
    assert (one["partition"], one["offset"]) == (0, 0)
    assert one["timestamp"] == pd.Timestamp(START_MS, unit="ms", tz="UTC")


def test_every_number_is_that_of_the_record(folder: Path) -> None:
    table = frame(folder, arrow=True)
    for row, number in zip(table.to_pylist(), range(4, -1, -1), strict=True):
        event = signal(number)
        for name in ("final_score", "confidence", "position_size", "stop_loss_usd"):
            assert row[name] == getattr(event, name)
        for part in event.contributions:
            path = f"contributions.{part.engine}"
            assert row[f"{path}.contribution"] == part.contribution
            assert row[f"{path}.offset"] == part.offset


def test_rows_are_in_the_order_of_time_over_partitions(folder: Path) -> None:
    found = frame(folder)
    assert list(found["as_of"]) == sorted(found["as_of"])
    assert list(found["partition"]) == [0, 1, 0, 1, 0]


def test_columns_are_in_the_order_of_the_contract(folder: Path) -> None:
    names = list(frame(folder).columns)
    assert names[:4] == ["signal_id", "strategy_id", "user_id", "asset"]
    assert names[-3:] == ["partition", "offset", "timestamp"]
    parts = [name for name in names if name.startswith("contributions.")]
    assert parts == sorted(parts)
    assert names.index("entry_price_usd") == names.index(parts[-1]) + 1


OUTCOME = Outcome(
    outcome_id="1",
    kind="score",
    asset="BTC",
    engine="technical",
    scored_at=START_MS,
    cycle=START_MS,
    horizon="1h",
    score=0.5,
    confidence=0.8,
    as_of=START_MS + HOUR_MS,
)
SECOND = START_MS + HOUR_MS
LATER = datetime.fromtimestamp(SECOND / 1000, UTC)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param({}, 5, id="all"),
        pytest.param({"start": SECOND}, 4, id="from, ms"),
        pytest.param({"until": SECOND}, 1, id="until"),
        pytest.param({"start": LATER}, 4, id="a time"),
        pytest.param({"start": LATER.replace(tzinfo=None)}, 4, id="without a zone: UTC"),
        pytest.param({"start": LATER.isoformat()}, 4, id="text"),
        pytest.param({"start": LATER.strftime("%Y-%m-%dT%H:%M:%S")}, 4, id="text, no zone"),
        pytest.param({"start": SECOND, "until": SECOND + 1}, 1, id="one"),
        pytest.param({"assets": ("A1", "A2")}, 2, id="assets"),
        pytest.param({"start": "2099-01-01"}, 0, id="none"),
    ],
)
def test_ranges(folder: Path, options: dict[str, Any], count: int) -> None:
    found = frame(folder, **options)
    assert len(found) == count
    assert str(found["as_of"].dtype) == "datetime64[ms, UTC]"
    assert "final_score" in found


def samples(name: str) -> Any:
    """Return an event of each kind that has a short name."""
    made = {
        "scores": score,
        "candles": candle,
        "trades": sink_samples.trade,
        "equity": sink_samples.equity,
        "outcomes": lambda: OUTCOME,
    }
    return made[name]()


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(tmp_path: Path, kind: str) -> None:
    event = samples(kind)
    topic = topic_of(kind)
    make_output(tmp_path / "a", 1, [topic])
    output = Output(tmp_path / "a")
    output.add(Produced(topic, 0, 0, "key", START_MS, event))
    output.close()
    (row,) = frame(tmp_path / "a", kind, arrow=True).to_pylist()
    assert set(row) >= {
        field.name
        for field in msgspec.structs.fields(event)
        if not isinstance(getattr(event, field.name), dict)
    }
    assert any(field in row for field in TIME_FIELDS)


def test_a_topic_counts_as_a_kind_and_chunks_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.archive.frames._CHUNK", 2)
    first = signal(0, features={"a": 1.0})
    others = [signal(n, features={"b": float(n)}, contributions=()) for n in range(1, 5)]
    found = frame(archive_of(tmp_path / "a", [first, *others]).address)  # type: ignore[arg-type]
    assert found["features.a"].notna().sum() == 1
    assert found["features.b"].notna().sum() == 4
    assert found["contributions.technical.score"].notna().sum() == 1
    headlines = [news(at_ms=START_MS + n) for n in range(3)]
    archive_of(tmp_path / "b", headlines, ["market.news"])
    assert list(frame(tmp_path / "b", "market.news")["headline"]) == [headlines[0].headline] * 3


def test_every_topic_can_be_a_table(tmp_path: Path) -> None:
    make_output(tmp_path / "a", 1, [topic.name for topic in BY_SCHEMA.values()])
    for topic in BY_SCHEMA.values():
        assert frame(tmp_path / "a", topic.name).empty


def test_what_cannot_be_decoded_is_counted_and_what_was_deleted_left_out(tmp_path: Path) -> None:
    archive_of(tmp_path / "a", [candle()], [CANDLES.name])
    writer = ArchiveWriter(open_store(str(tmp_path / "a")))
    writer.open("", {CANDLES.name: PLACES})
    bad = LoggedRecord(0, START_MS, b"BTC", b"no Avro", ())
    deleted = LoggedRecord(1, START_MS, b"BTC", None, ())
    writer.write(CANDLES.name, 1, [bad, deleted])
    with pytest.warns(UserWarning, match="1 records of .* cannot be decoded and are left out"):
        assert len(frame(tmp_path / "a", "candles")) == 1
    assert read_frame(Archive(str(tmp_path / "a")), "candles").unreadable == 1


def test_what_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(ValueError, match="no 'signal'; there are scores, trades"):
        frame(folder, "signal")
    with pytest.raises(ArchiveError, match=r"has no engine\.scores; it has signals"):
        frame(folder, "scores")
    with pytest.raises(ArchiveError, match="There is no archive at"):
        frame(folder / "none")
    with pytest.raises(ValueError, match="Invalid isoformat"):
        frame(folder, start="yesterday")


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["export", *map(str, words)])
    return result.exit_code, " ".join(result.output.split())


def test_an_export_is_the_same_table(folder: Path, tmp_path: Path) -> None:
    assert run("signals", folder, "--to", tmp_path / "s.parquet")[0] == 0
    assert parquet.read_table(tmp_path / "s.parquet").equals(frame(folder, arrow=True))
    code, said = run("signals", folder, "--to", tmp_path / "s", "--format", "csv", "--assets", "a1")
    assert (code, "1 signals" in said) == (0, True)
    (row,) = pd.read_csv(tmp_path / "s").to_dict("records")
    assert row["final_score"] == signal().final_score
    assert pd.Timestamp(row["as_of"]) == pd.Timestamp(START_MS + 3 * HOUR_MS, unit="ms", tz="UTC")
    assert json.loads(row["inputs"]) == [{"topic": "engine.scores", "partition": 0, "offset": 1}]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["signals", "A", "--to", "x.txt"], 2, "none of parquet, csv", id="format"),
        pytest.param(["signal", "A", "--to", "x.csv"], 2, "no 'signal'; there are", id="kind"),
        pytest.param(["trades", "A", "--to", "x.csv"], 1, "has no portfolio.trades", id="topic"),
        pytest.param(["signals", "B", "--to", "x.csv"], 1, "no archive at", id="archive"),
        pytest.param(
            ["signals", "A", "--to", "x.csv", "--from", "2026-01-02", "--until", "2026-01-01"],
            2,
            "is not after --from",
            id="span",
        ),
    ],
)
def test_exports_that_cannot_be(
    folder: Path, tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    places = {"A": str(folder), "B": str(tmp_path / "none"), "x.csv": str(tmp_path / "x.csv")}
    found, said = run(*(places.get(word, word) for word in words))
    assert (found, says in said) == (code, True)
    assert not (tmp_path / "x.csv").exists()


def test_the_package_is_light() -> None:
    """`import quantiva` is what every command begins with."""
    program = "import sys, quantiva; print([m for m in ('pandas', 'pyarrow') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_struct_that_may_be_none_has_its_columns(tmp_path: Path) -> None:
    make_output(tmp_path / "a", 1, ["signals.decisions"])
    found = frame(tmp_path / "a", "signals.decisions", arrow=True)
    assert found.schema.field("position.entry_price_usd").type == pa.float64()
    assert found.schema.field("position.entered_at").type == pa.timestamp("ms", "UTC")
