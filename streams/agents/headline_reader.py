"""Runs the headline model over the texts of a batch, before its records are applied."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from schemas.market import NewsArticle
from streams.headlines.model import HeadlineModelSettings, ModelError, TextModel, load_model
from streams.headlines.probabilities import ModelTexts, Probabilities, single, text_key
from streams.headlines.scoring import texts_of

_log = logging.getLogger(__name__)
MICRO_BATCH = 32
"""Texts that a model gets at once."""
_REMEMBERED = 8192
_TRIED_ALONE = 3
"""Texts tried one by one after a micro-batch failed; where none of them can be read, none can."""
_MOST_REASON = 200

T = TypeVar("T")
Text = tuple[str, str]
"""A text, and the asset that it is about."""
Remembered = Callable[[str, str, bytes], Probabilities | None]
"""Returns what the state of an asset remembers that a model's version said of a text's key."""


class HeadlineReader:
    """Returns what the model says of the texts of some articles. The event loop goes on meanwhile.

    The model is loaded, and run, in one thread of its own. What cannot be read, or loaded, is left
    out with the reason: the headline is then scored without a model.
    """

    def __init__(self, load: Callable[[], TextModel | None] | None = None) -> None:
        """`load` returns the model, None for none; the settings of the environment say which."""
        self._load = load or (lambda: load_model(HeadlineModelSettings()))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headlines")
        self._model: TextModel | None = None
        self._is_loaded = False
        self._reason = ""
        self._known: OrderedDict[bytes, Probabilities] = OrderedDict()

    async def __call__(self, articles: Iterable[NewsArticle], remembered: Remembered) -> ModelTexts:
        """Return the texts that neither a state nor this process knows, scored, and the known."""
        if not self._is_loaded:
            await self._in_thread(self._loaded)
        model = self._model
        if model is None:
            return ModelTexts(reason=self._reason)
        found: dict[bytes, Probabilities] = {}
        new: dict[bytes, Text] = {}
        for article in articles:
            for text in texts_of(article):
                key = text_key(article.asset, text)
                if remembered(article.asset, model.version, key) is not None:
                    continue
                if (said := self._known.get(key)) is not None:
                    found[key] = said
                else:
                    new[key] = (text, article.asset)
        reason = await self._read(model, new, found)
        return ModelTexts(model.name, model.version, reason, found)

    async def _read(
        self, model: TextModel, new: dict[bytes, Text], found: dict[bytes, Probabilities]
    ) -> str:
        """Add what the model says of new texts; return why one cannot be read, "" where all can."""
        keys, reason = list(new), ""
        for begin in range(0, len(keys), MICRO_BATCH):
            part = keys[begin : begin + MICRO_BATCH]
            read = partial(_said, model, [new[key] for key in part])
            said, why = await self._in_thread(read)
            reason = why or reason
            for key, one in zip(part, said, strict=True):
                if one is not None:
                    found[key] = self._known[key] = one
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return reason

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _loaded(self) -> None:
        """Load the model, once; a model that cannot be loaded is none."""
        self._is_loaded = True
        try:
            self._model = self._load()
            self._reason = "switched off"
        except ModelError as error:
            self._reason = _one_line(str(error))
        except Exception as error:  # whatever a library raises for what it cannot load
            self._reason = _one_line(f"it cannot be loaded: {error!r}")
        if self._model is None:
            _log.warning("headlines are scored by the lexicon alone: %s", self._reason)
        else:
            _log.info("headlines are scored by %s %s", self._model.name, self._model.version)

    def stop(self) -> None:
        """End the thread after the micro-batch that it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _said(model: TextModel, texts: Sequence[Text]) -> tuple[list[Probabilities | None], str]:
    """Return what a model says of texts, None for those that it cannot read, and why."""
    try:
        return list(_checked(model, texts)), ""
    except Exception as error:  # a defect of a library is no reason to lose headlines
        why = _one_line(f"{model.name} failed: {error}")
    _log.warning("%d headlines could not be scored at once: %s", len(texts), why)
    said: list[Probabilities | None] = []
    for text in texts:
        if len(said) >= _TRIED_ALONE and not any(said):
            return [*said, *[None] * (len(texts) - len(said))], why
        try:
            said += _checked(model, [text])
        except Exception as error:
            why = _one_line(f"{model.name} failed: {error}")
            said.append(None)
    return said, why


def _checked(model: TextModel, texts: Sequence[Text]) -> list[Probabilities]:
    given = model.probabilities(texts)
    if len(given) != len(texts):
        msg = f"it gave {len(given)} answers to {len(texts)} texts"
        raise ValueError(msg)
    return [single(*one) for one in given]


def _one_line(text: str) -> str:
    readable = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(readable.split())[:_MOST_REASON]
