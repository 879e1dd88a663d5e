"""The stage that scores headlines: market.news -> news.scores.

The model is run by whoever runs the stage, before the records of a batch are applied: what it says
of their texts comes in `Tables.texts`. The step looks a text up there, or among those that the
asset's state remembers, and is pure. So a text is scored once by a model's version, and a crash
costs at most the batch that was not written yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.market import NewsArticle
from schemas.scores import InputPosition
from schemas.topics import NEWS, NEWS_SCORES
from streams.constants import Count
from streams.headlines.probabilities import (
    KEY_BYTES,
    PACKED_BYTES,
    ModelTexts,
    Probabilities,
    packed,
    text_key,
    unpacked,
)
from streams.headlines.scoring import VoicesConfig, probabilities_of, score_article, texts_of
from streams.stage import Output, Position, Tables

_ENTRY_BYTES = KEY_BYTES + PACKED_BYTES


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the stage."""

    voices: VoicesConfig = field(default_factory=VoicesConfig)
    """Constants of the voices of a headline."""
    remembered: Count = 256
    """Texts of an asset whose probabilities are kept: 5 KiB of state, some days of news."""


class HeadlinesState(msgspec.Struct, frozen=True, gc=False):
    """The newest texts of an asset with their probabilities, and the model's version."""

    version: str = ""
    texts: bytes = b""


def remembered(state: HeadlinesState, version: str | None, key: bytes) -> Probabilities | None:
    """Return what a model's version said of a text, None where the state does not know it."""
    if state.version != version:
        return None
    at = state.texts.find(key)
    while at >= 0 and at % _ENTRY_BYTES:
        at = state.texts.find(key, at + 1)
    return None if at < 0 else unpacked(state.texts, at + KEY_BYTES)


class HeadlinesStage:
    """Publishes what each article says by the model, where one has read it, lexicon and label."""

    name = "headlines"
    inputs: tuple[str, ...] = (NEWS.name,)
    state_type: Any = HeadlinesState

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def initial(self) -> HeadlinesState:
        """Return the state of an asset never seen."""
        return HeadlinesState()

    def step(
        self, state: HeadlinesState, event: Any, position: Position, tables: Tables
    ) -> tuple[HeadlinesState, tuple[Output, ...]]:
        """Score one article."""
        if not isinstance(event, NewsArticle):
            return state, ()
        texts: ModelTexts = tables.texts
        said = None
        if texts.version is not None:
            known = self._known(state, event, texts)
            said = probabilities_of(event, known)
            state = self._with(state, texts.version, known)
        place = InputPosition(position.topic, position.partition, position.offset)
        score = score_article(self.config.voices, event, place, texts, said)
        return state, (Output(NEWS_SCORES.name, event.asset, score),)

    def _known(
        self, state: HeadlinesState, news: NewsArticle, texts: ModelTexts
    ) -> dict[bytes, Probabilities]:
        """Return what the model says of an article's texts; what was said before stands."""
        known = {}
        for text in texts_of(news):
            key = text_key(news.asset, text)
            said = remembered(state, texts.version, key) or texts.known.get(key)
            if said is not None:
                known[key] = said
        return known

    def _with(
        self, state: HeadlinesState, version: str, known: Mapping[bytes, Probabilities]
    ) -> HeadlinesState:
        """Return the state with texts that it does not remember yet."""
        new = [key for key in known if remembered(state, version, key) is None]
        if not new:
            return state
        before = state.texts if state.version == version else b""
        grown = before + b"".join(key + packed(known[key]) for key in new)
        return HeadlinesState(version, grown[-_ENTRY_BYTES * self.config.remembered :])
