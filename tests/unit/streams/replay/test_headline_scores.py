"""Headlines in a replay: recorded scores, a file beside the data, the lexicon on the fly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.partitioning import partition_of
from schemas.topics import MARKET_TOPICS, NEWS, NEWS_SCORES, SCORES
from streams.archive.reader import Archive
from streams.headlines.probabilities import ModelTexts, Probabilities, single, text_key
from streams.replay import headline_scores
from streams.replay.headline_scores import FILE_NAME, ScoreFileError, load_texts, save_texts
from streams.replay.market import MarketReplay
from streams.replay.output import Output, make_output
from streams.replay.sources import ArchiveSource, archive_arrivals
from streams.runner import Produced
from tests import factories
from tests.factories import HOUR_MS, START_MS
from tests.parity.offline import contents, write_market
from tests.unit.streams.engines._records import scored

SAID = single(0.98, 0.01, 0.01)
HEADLINES = [
    factories.news(f"Story {n}: bitcoin surges", at_ms=START_MS + n * HOUR_MS, source_id=str(n))
    for n in range(5)
]
EVENTS = [
    event
    for headline in HEADLINES
    for event in (headline, factories.tick(at_ms=headline.observed_at + 1))
]
TEXTS = ModelTexts(
    "small", "0123456789ab", "", {text_key("BTC", one.headline): SAID for one in HEADLINES}
)


def replayed(folder: Path, texts: ModelTexts | None, changed: Any = None) -> list[Produced]:
    """Return what comes out of a free replay of an archive."""
    found: list[Produced] = []
    flow = MarketReplay(4, {}, found.append, lambda *_: None, texts=texts)
    for arrival in archive_arrivals(ArchiveSource(address=str(folder)), range(4)):
        flow.apply(arrival)
    assert flow.refused == 0
    return found


def sentiments(found: Sequence[Produced]) -> list[Any]:
    return [
        one.event for one in found if one.topic == SCORES.name and one.event.engine == "sentiment"
    ]


def with_scores(folder: Path, said: Probabilities | None) -> Path:
    """Write the market, and the scores of its headlines as a live run would have."""
    topics = [topic.name for topic in (*MARKET_TOPICS, NEWS_SCORES)]
    make_output(folder, 4, topics)
    output = Output(folder)
    partition = partition_of(b"BTC", 4)
    for offset, event in enumerate(HEADLINES):
        at_ms = event.observed_at
        output.add(Produced(NEWS.name, partition, offset, "BTC", at_ms, event))
        score = scored(event, offset, said)
        score = replace(score, article=replace(score.article, partition=partition))
        output.add(Produced(NEWS_SCORES.name, partition, offset, "BTC", at_ms, score))
        tick = factories.tick(at_ms=at_ms + 1)
        output.add(Produced("market.trending", partition, offset, "BTC", at_ms + 1, tick))
    output.close()
    return folder


def test_recorded_scores_are_what_a_replay_reads(tmp_path: Path) -> None:
    address = with_scores(tmp_path / "recorded", SAID)
    assert headline_scores.are_recorded(Archive(str(address)))
    found = replayed(address, None)
    assert [one for one in found if one.topic == NEWS_SCORES.name] == []
    last = sentiments(found)[-1]
    assert last.score < -0.4, "the model says bad, the lexicon good"
    assert last.detail["model"] == "small 0123456789ab"
    assert {place.topic for place in last.inputs} == {"market.trending", "news.scores"}


def test_an_archive_without_them_is_scored_by_the_lexicon_and_that_is_said(tmp_path: Path) -> None:
    write_market(tmp_path / "old", EVENTS)
    assert not headline_scores.are_recorded(Archive(str(tmp_path / "old")))
    found = replayed(tmp_path / "old", headline_scores.ON_THE_FLY)
    last = sentiments(found)[-1]
    assert last.score > 0.4
    assert last.detail["model"].startswith("no model: lexicon and social only (not scored by one")
    assert "without a model" in headline_scores.note(headline_scores.ON_THE_FLY)
    assert sum(one.topic == NEWS_SCORES.name for one in found) == len(HEADLINES)


def test_a_file_beside_raw_data_has_what_the_model_said(tmp_path: Path) -> None:
    save_texts(tmp_path / FILE_NAME, TEXTS)
    assert not list(tmp_path.glob("*.part"))
    loaded = load_texts(tmp_path)
    assert loaded is not None
    assert (loaded.model, loaded.version, loaded.known) == (TEXTS.model, TEXTS.version, TEXTS.known)
    assert "small 0123456789ab" in headline_scores.note(loaded)
    write_market(tmp_path / "raw", EVENTS)
    by_file = sentiments(replayed(tmp_path / "raw", loaded))
    recorded = sentiments(replayed(with_scores(tmp_path / "recorded", SAID), None))
    assert [(one.score, one.confidence) for one in by_file] == [
        (one.score, one.confidence) for one in recorded
    ]


def test_no_file_is_none(tmp_path: Path) -> None:
    assert load_texts(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"", 1, id="empty"),
        pytest.param(b"{", 1, id="cut off"),
        pytest.param(b"\xff\xfe", 1, id="no text"),
        pytest.param(b'{"model":"m","version":"v"}\n{"key":"zz"}\n', 2, id="a field is missing"),
        pytest.param(
            b'{"model":"m","version":"v"}\n'
            b'{"key":"00","bearish":0.9,"bullish":0.9,"neutral":0.9}\n',
            2,
            id="no probabilities",
        ),
        pytest.param(
            b'{"model":"m","version":"v"}\n{"key":"not hex","bearish":1,"bullish":0,"neutral":0}\n',
            2,
            id="no key",
        ),
    ],
)
def test_a_broken_file_is_named_with_its_line(content: bytes, line: int, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ScoreFileError, match=rf"{FILE_NAME} line {line} cannot.*news score"):
        load_texts(tmp_path)


def test_what_a_replay_writes_can_be_read_back(tmp_path: Path) -> None:
    address = with_scores(tmp_path / "recorded", SAID)
    assert sum(topic == NEWS_SCORES.name for topic, _, _ in contents(str(address))) == 5


def test_a_replay_imports_no_model() -> None:
    """Engines, stages and replays work where neither torch nor onnxruntime is installed."""
    program = (
        "import sys, streams.replay.work, streams.lookahead.child, streams.topology as t; "
        "t.stages(); print(sorted({'onnxruntime', 'tokenizers', 'torch', 'transformers', "
        "'streams.headlines.model'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert ran.stdout.strip() == "[]"
