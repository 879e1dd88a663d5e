"""The model over the texts of a batch: off the event loop, each text once, and where it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from streams.agents import batch
from streams.agents.headline_reader import MICRO_BATCH, HeadlineReader
from streams.headlines.model import ModelError
from streams.headlines.probabilities import Probabilities, single
from streams.headlines.stage import HeadlinesStage
from streams.stage import EMPTY_TABLES
from tests.unit.streams.agents.memory_broker import CODEC, MemoryBroker, MemoryWorker
from tests.unit.streams.engines._records import make_news

GOOD, BAD = single(0.05, 0.9, 0.05), single(0.9, 0.05, 0.05)


class SmallModel:
    """Says good of a text with "up" in it, bad of others; `fails` on texts with that word."""

    name, version = "small", "0123456789ab"

    def __init__(self, fails: str = "", wrong: Any = None, takes_s: float = 0.0) -> None:
        self.calls: list[list[str]] = []
        self._fails, self._wrong, self._takes_s = fails, wrong, takes_s

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        self.calls.append([text for text, _ in texts])
        time.sleep(self._takes_s * len(texts))
        if self._fails and any(self._fails in text for text, _ in texts):
            if self._wrong is None:
                msg = "out of\nmemory"
                raise RuntimeError(msg)
            return [Probabilities(*self._wrong)] * len(texts)
        return [GOOD if "up" in text else BAD for text, _ in texts]

    @property
    def texts(self) -> list[str]:
        return [text for call in self.calls for text in call]


def worker(broker: MemoryBroker, folder: Path, model: Any) -> MemoryWorker:
    reader = HeadlineReader(lambda: model)
    return MemoryWorker(broker, HeadlinesStage(), folder, reader=reader)


def scores(work: Any) -> list[Any]:
    sent = [one for some in work.outputs.values() for one in some]
    return sorted((CODEC.decode(one.value) for one in sent), key=lambda one: one.article.offset)


async def test_texts_are_scored_in_micro_batches_and_each_once(tmp_path: Path) -> None:
    broker, model = MemoryBroker(), SmallModel()
    broker.publish(*(make_news(f"{n % 40} up", n + 1) for n in range(100)))
    work = await worker(broker, tmp_path, model).work()
    assert [one.label for one in scores(work)] == ["positive"] * 100
    assert sorted(model.texts) == sorted(f"{n} up" for n in range(40))
    assert max(map(len, model.calls)) <= MICRO_BATCH


async def test_headline_and_summary_are_read_for_each_asset(tmp_path: Path) -> None:
    broker, model = MemoryBroker(), SmallModel()
    broker.publish(*(make_news("A up", 1, summary="down", asset=one) for one in ("BTC", "ETH")))
    work = await worker(broker, tmp_path, model).work()
    assert sorted(model.texts) == ["A up", "A up", "down", "down"]
    assert [one.model for one in scores(work)] == ["small", "small"]


async def test_what_the_state_knows_is_not_scored_again_after_a_crash(tmp_path: Path) -> None:
    """The batch was written and the process died: the next one has its state, and new articles."""
    broker, model = MemoryBroker(), SmallModel()
    broker.publish(make_news("A up", 1))
    first = worker(broker, tmp_path, model)
    done = await first.work()
    for key, (partition, entry) in done.entries.items():
        value = first.store.encode(entry, done.outputs[key], partition)
        broker.append("state-changelog", partition, key, value, None)
    broker.publish(make_news("A up", 2), make_news("B up", 3))
    again = SmallModel()
    work = await worker(broker, tmp_path, again).work()
    assert again.texts == ["B up"]
    assert work.outputs[b"BTC"][:1] == done.outputs[b"BTC"], "what was decided is sent"
    assert [one.label for one in scores(work)] == ["positive"] * 3


async def test_a_batch_that_is_read_again_costs_no_second_reading(tmp_path: Path) -> None:
    broker, model = MemoryBroker(), SmallModel()
    broker.publish(make_news("A up", 1), make_news("B", 2))
    one = worker(broker, tmp_path, model)
    first = await one.work()
    one.store.forget()  # the batch was given up
    assert scores(await one.work()) == scores(first)
    assert sorted(model.texts) == ["A up", "B"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(None, id="it raises"),
        pytest.param((float("nan"),) * 3, id="NaN"),
        pytest.param((0.9, 0.9, 0.9), id="no probabilities"),
    ],
)
async def test_one_text_that_the_model_cannot_read_is_scored_without_it(
    wrong: Any, tmp_path: Path
) -> None:
    broker, model = MemoryBroker(), SmallModel("poison", wrong)
    broker.publish(
        make_news("A up", 1), make_news("poison: exchange hacked", 2), make_news("B up", 3)
    )
    a, poison, b = scores(await worker(broker, tmp_path, model).work())
    assert (a.model, b.model) == ("small", "small")
    assert poison.model is None
    assert poison.no_model.startswith("small failed: ")
    assert "\n" not in poison.no_model
    assert (poison.label, poison.hits[0].term) == ("negative", "hacked")


async def test_a_model_that_fails_on_everything_is_not_asked_for_every_text(
    tmp_path: Path,
) -> None:
    broker, model = MemoryBroker(), SmallModel("up")
    broker.publish(*(make_news(f"{n} up", n + 1) for n in range(20)))
    work = await worker(broker, tmp_path, model).work()
    assert {one.no_model for one in scores(work)} == {"small failed: out of memory"}
    assert len(model.calls) == 4


def _refused() -> Any:
    msg = "/models/x holds no headline model"
    raise ModelError(msg)


def _broken() -> Any:
    msg = "libgomp.so.1"
    raise ImportError(msg)


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        pytest.param(lambda: None, "switched off", id="none"),
        pytest.param(_refused, "/models/x holds no headline model", id="a broken model"),
        pytest.param(_broken, "it cannot be loaded: ImportError('libgomp.so.1')", id="a library"),
    ],
)
async def test_without_a_model_the_lexicon_speaks_and_the_reason_is_said(
    load: Any, reason: str, tmp_path: Path
) -> None:
    broker = MemoryBroker()
    broker.publish(make_news("Exchange hacked", 1))
    reader = HeadlineReader(load)
    work = await MemoryWorker(broker, HeadlinesStage(), tmp_path, reader=reader).work()
    (score,) = scores(work)
    assert (score.label, score.model, score.no_model) == ("negative", None, reason)


async def test_a_bad_record_among_them_is_a_dead_letter_as_ever(tmp_path: Path) -> None:
    broker, model = MemoryBroker(), SmallModel()
    broker.publish(make_news("A up", 1))
    broker.append("market.news", 0, b"BTC", b"garbage", 2)
    work = await worker(broker, tmp_path, model).work()
    assert len(scores(work)) == 1
    assert len(work.letters) == 1


async def test_the_event_loop_goes_on_while_1000_articles_are_scored(tmp_path: Path) -> None:
    """Measured in the loop's own CPU time: what else the machine does is not its stall."""
    broker, model = MemoryBroker(), SmallModel(takes_s=0.0005)
    broker.publish(
        *(make_news(f"{n} up: bitcoin not hacked", n + 1, summary="up " * 100) for n in range(1000))
    )
    one = worker(broker, tmp_path, model)
    stalls: list[float] = []

    async def ticking() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            stalls.append(time.thread_time() - before)

    ticker = asyncio.create_task(ticking())
    await asyncio.sleep(0.01)
    done, rest = 0, one.fetch()
    while rest:
        work, rest = await one.processor.work(rest, 1)
        done += work.events
    ticker.cancel()
    assert done == 1000
    assert len(stalls) > 100
    assert max(stalls) < 0.05


async def test_a_slow_model_ends_the_batch_before_anyone_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_S", 0.05)
    broker, model = MemoryBroker(), SmallModel(takes_s=0.002)
    broker.publish(*(make_news(f"{n} up", n + 1) for n in range(200)))
    one = worker(broker, tmp_path, model)
    rest, batches, done = one.fetch(), 0, 0
    while rest:
        work, rest = await one.processor.work(rest, 1)
        batches, done = batches + 1, done + work.events
    assert done == 200
    assert batches > 2


def test_no_reader_is_no_model() -> None:
    assert EMPTY_TABLES.texts.model is None
