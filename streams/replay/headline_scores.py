"""What headlines say in a replay: recorded, out of a file beside raw data, or by the lexicon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from schemas.codec import BadEventError
from schemas.market import NewsArticle
from schemas.scores import InputPosition, NewsScore
from schemas.topics import NEWS, NEWS_SCORES
from schemas.validation import problem
from streams.archive.reader import Archive
from streams.headlines.probabilities import ModelTexts, Probabilities, single
from streams.headlines.scoring import VoicesConfig, score_article
from streams.headlines.stage import HeadlinesStage
from streams.replay.letters import Letters
from streams.replay.logs import Logs, asset_of
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed, PerKeyReader
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage

FILE_NAME = "news_scores.jsonl"
"""Beside the data: the model on the first line, then a text a line."""
ON_THE_FLY = ModelTexts(reason="not scored by one when it was recorded")


def _voices() -> VoicesConfig:
    scoring = stage(HeadlinesStage.name)
    return scoring.config.voices if isinstance(scoring, HeadlinesStage) else VoicesConfig()


class _Head(msgspec.Struct, frozen=True):
    model: str
    version: str


class _Line(msgspec.Struct, frozen=True):
    key: str
    bearish: float
    bullish: float
    neutral: float


class ScoreFileError(ValueError):
    """A file of scores that cannot be used; the text says where, why and what to do."""


def save_texts(path: Path, texts: ModelTexts) -> None:
    """Write what a model says of texts; the file is there whole or not at all. OSError if not."""
    encode = msgspec.json.encode
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(encode(_Head(texts.model or "", texts.version or "")) + b"\n")
        for key, said in texts.known.items():
            file.write(encode(_Line(key.hex(), *said)) + b"\n")
    part.replace(path)


def load_texts(folder: Path) -> ModelTexts | None:
    """Return what the file in a directory says of texts, None without one; ScoreFileError."""
    path = folder / FILE_NAME
    known: dict[bytes, Probabilities] = {}
    number = 1
    try:
        with path.open("rb") as file:
            head = msgspec.json.decode(next(file, b""), type=_Head)
            for row in file:
                number += 1
                line = msgspec.json.decode(row, type=_Line)
                known[bytes.fromhex(line.key)] = single(line.bearish, line.bullish, line.neutral)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = (
            f"{path} line {number} cannot be used ({error}); make it anew: "
            f"quantiva news score {folder}"
        )
        raise ScoreFileError(msg) from error
    return ModelTexts(head.model, head.version, f"not in {FILE_NAME}", known)


def are_recorded(archive: Archive) -> bool:
    """Return whether an archive has the scores of its headlines."""
    count = archive.partitions.get(NEWS_SCORES.name, 0)
    return any(archive.segments(NEWS_SCORES.name, number) for number in range(count))


def note(texts: ModelTexts) -> str:
    """Return in a sentence what headlines are scored by, where their scores were not recorded."""
    if texts.model is None:
        return (
            f"no {NEWS_SCORES.name} in it: its headlines are scored by the lexicon, without a model"
        )
    return f"its headlines are scored by {texts.model} {texts.version}, out of {FILE_NAME}"


def lexicon_scores(logs: Logs, partition: int) -> Iterator[Keyed]:
    """Yield a score by the lexicon in the place of each usable article of a partition."""
    for record, event in logs.read(NEWS.name, partition):
        if isinstance(event, NewsArticle) and problem(event) is None:
            place = InputPosition(NEWS.name, partition, record.offset)
            yield Keyed(record, score_article(_voices(), event, place, ON_THE_FLY, None))


def engine_log(logs: Logs, topic: str, partition: int) -> Iterator[Keyed]:
    """Yield the records of an engine's topic; scores of headlines are made where there are none."""
    if topic == NEWS_SCORES.name and not are_recorded(logs.archive):
        return lexicon_scores(logs, partition)
    return logs.read(topic, partition)


def former_names(archive: Archive) -> Mapping[str, str]:
    """Return under which names the inputs of an earlier release stand: sentiment read the news."""
    return {} if are_recorded(archive) else {NEWS.name: NEWS_SCORES.name}


def check_news_scores(logs: Logs, partition: int, letters: Letters, comparison: Comparison) -> None:
    """Compare the recorded scores of headlines with those made again of what their model said."""
    partitions = logs.archive.partitions.get(NEWS.name, 0)
    if not partitions or not are_recorded(logs.archive):
        return
    _NewsCheck(logs, partition, partitions, letters, comparison).run()


class _NewsCheck:
    def __init__(
        self, logs: Logs, partition: int, partitions: int, letters: Letters, comparison: Comparison
    ) -> None:
        self._logs, self._partition = logs, partition
        self._letters, self._comparison = letters, comparison
        name = HeadlinesStage.name
        given_up = letters.given_up_check(name)
        self._runner = StageRunner(stage(name), partitions, given_up=given_up)
        self._articles = PerKeyReader(logs.read(NEWS.name, partition), asset_of)
        self._last: dict[str, Keyed] = {}

    def run(self) -> None:
        end = self._logs.last(NEWS.name, self._partition)
        result = self._comparison.result
        for one in self._logs.read(NEWS_SCORES.name, self._partition):
            score = one.event
            if not isinstance(score, NewsScore):
                continue  # the stage that reads it has refused it
            if score.article.offset > end:
                result.ahead[NEWS_SCORES.name] += 1
                continue
            self._take(one, score)
        for article in self._articles.rest():
            if self._is_usable(article):
                result.unanswered[NEWS_SCORES.name] += 1

    def _take(self, one: Keyed, score: NewsScore) -> None:
        asset, offset = score.asset, score.article.offset
        last = self._last.get(asset)
        if last is not None and offset <= last.record.offset:
            if last.record.offset == offset:
                self._compare(one, score, last, again=True)
            else:
                self._comparison.result.repeated[NEWS_SCORES.name] += 1
            return
        article = None
        for article in self._articles.up_to(asset, offset):
            if article.record.offset < offset and self._is_usable(article):
                made = score_article(_voices(), article.event, score.article, ON_THE_FLY, None)
                self._comparison.replayed_only(self._produced(article, made))
        if article is None or article.record.offset != offset or not self._is_usable(article):
            record = one.record
            self._comparison.recorded_only(NEWS_SCORES.name, self._partition, record, score)
            return
        self._last[asset] = article
        self._compare(one, score, article, again=False)

    def _compare(self, one: Keyed, score: NewsScore, article: Keyed, *, again: bool) -> None:
        said = None
        if score.bearish is not None and score.bullish is not None and score.neutral is not None:
            said = Probabilities(score.bearish, score.bullish, score.neutral)
        texts = ModelTexts(score.model, score.model_version, score.no_model or "")
        place = InputPosition(NEWS.name, self._partition, article.record.offset)
        made = score_article(_voices(), article.event, place, texts, said)
        produced = self._produced(article, made)
        self._comparison.pair(one.record, score, produced, self._partition, again=again)

    def _produced(self, article: Keyed, made: NewsScore) -> Produced:
        at_ms = article.record.timestamp_ms
        return Produced(NEWS_SCORES.name, self._partition, -1, made.asset, at_ms, made)

    def _is_usable(self, article: Keyed) -> bool:
        record, event = article
        try:
            self._runner.check(NEWS.name, self._partition, record.offset, record.key, event)
        except BadEventError as error:
            self._letters.refuse(HeadlinesStage.name, NEWS.name, record, error)
            return False
        except UnusableEventError:
            return False
        return True
