"""The stage that scores headlines: one score an article, a text once by a model's version."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.validation import problem
from streams.headlines.probabilities import ModelTexts, single, text_key
from streams.headlines.stage import Config, HeadlinesStage, HeadlinesState, remembered
from streams.stage import Entry, Tables, advance
from tests.unit.streams.engines._records import T0, make_news

STAGE = HeadlinesStage()
SAID = single(0.1, 0.7, 0.2)


def by(version: str | None, **texts: Any) -> Tables:
    """Return what a model's version said of texts of BTC; `_` stands for a space."""
    known = {text_key("BTC", text.replace("_", " ")): said for text, said in texts.items()}
    name = None if version is None else "small"
    return Tables({}, ModelTexts(name, version, "it failed", known))


def step(entry: Entry | None, news: Any, offset: int, tables: Tables) -> tuple[Entry, Any]:
    moved = advance(STAGE, entry, news, "market.news", 0, offset, tables)
    assert moved is not None
    (output,) = moved[1]
    assert (output.topic, output.key) == ("news.scores", "BTC")
    assert problem(output.event) is None
    return moved[0], output.event


def test_an_article_is_scored_by_the_model_and_names_its_place() -> None:
    _, score = step(None, make_news("A b"), 7, by("v1", A_b=SAID))
    assert (score.model, score.model_version, score.no_model) == ("small", "v1", None)
    assert (score.bearish, score.bullish, score.neutral) == tuple(SAID)
    assert (score.article.topic, score.article.partition, score.article.offset) == (
        "market.news",
        0,
        7,
    )


def test_a_text_that_the_state_remembers_needs_no_model_again() -> None:
    entry, first = step(None, make_news("A"), 0, by("v1", A=SAID))
    _, again = step(entry, make_news("A", T0 + 5), 1, by("v1"))
    assert (again.bullish, again.model_version) == (first.bullish, "v1")


def test_what_was_said_first_stands() -> None:
    """A model may say something else of a text in another batch: in the third digit."""
    entry, _ = step(None, make_news("A"), 0, by("v1", A=SAID))
    _, again = step(entry, make_news("A", T0 + 5), 1, by("v1", A=single(0.9, 0.05, 0.05)))
    assert again.bullish == SAID.bullish


def test_another_version_reads_the_text_anew() -> None:
    entry, _ = step(None, make_news("A"), 0, by("v1", A=SAID))
    after, failed = step(entry, make_news("A", T0 + 5), 1, by("v2"))
    assert (failed.model, failed.no_model) == (None, "it failed")
    _, again = step(after, make_news("A", T0 + 6), 2, by("v2", A=single(0.8, 0.1, 0.1)))
    assert (again.label, again.model_version) == ("negative", "v2")


def test_without_a_model_the_reason_is_said_and_what_was_known_is_kept() -> None:
    entry, _ = step(None, make_news("A"), 0, by("v1", A=SAID))
    after, score = step(entry, make_news("A", T0 + 5), 1, by(None))
    assert (score.model, score.no_model, score.bearish) == (None, "it failed", None)
    assert after.state == entry.state


def test_a_record_applied_before_gives_nothing() -> None:
    entry, _ = step(None, make_news("A"), 5, by("v1", A=SAID))
    assert advance(STAGE, entry, make_news("A"), "market.news", 0, 5, by("v1")) is None


def test_the_state_is_bounded_and_forgets_the_oldest() -> None:
    stage, state = HeadlinesStage(Config(remembered=3)), HeadlinesState()
    for text in "abcde":
        entry = advance(
            stage, Entry(state, {}), make_news(text), "market.news", 0, 0, by("v1", **{text: SAID})
        )
        assert entry is not None
        state = entry[0].state
    known = [text for text in "abcde" if remembered(state, "v1", text_key("BTC", text))]
    assert known == ["c", "d", "e"]
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=HeadlinesState)
    assert back == state


def test_bytes_that_are_the_same_by_chance_are_no_text() -> None:
    key = text_key("BTC", "A")
    shifted = HeadlinesState("v1", b"1234" + key + b"0123456789abcdef0123456789ab")
    assert remembered(shifted, "v1", key) is None


@pytest.mark.parametrize("event", [object(), None])
def test_other_events_give_nothing(event: Any) -> None:
    moved = advance(STAGE, None, event, "market.news", 0, 0)
    assert moved is not None
    assert moved[1] == ()
