"""The port of a headline model, what it reads of a text, and which model is taken.

A model is a directory: weights, `tokenizer.json` and a `config.json` whose `id2label` names the
labels. One that holds `model.onnx` runs on onnxruntime, anything else on torch and transformers
(extra `finbert`). Nothing is ever downloaded.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.coins import name_of
from streams.headlines.probabilities import Probabilities

SHIPPED = Path(__file__).with_name("shipped")
"""The model that comes with the project."""
MAX_TOKENS = 64
"""Tokens that are read of a text; 99 of 100 headlines have fewer than 40."""
BATCH = 16
"""Texts that are scored at once."""
_MAX_CHARS = 1000  # 64 tokens are over long before; bounds the tokeniser's work
_VERSION_DIGITS = 12
_URL = re.compile(r"https?://\S+|pic\.twitter\.com/\S+")
LABELS = Probabilities._fields
_LABEL_OF = {
    **{name: "bearish" for name in ("bearish", "negative", "neg")},
    **{name: "bullish" for name in ("bullish", "positive", "pos")},
    **{name: "neutral" for name in ("neutral", "neu")},
}


def label_of(word: str) -> str | None:
    """Return the label that a word means in any case ("Positive" is bullish), None for none."""
    return _LABEL_OF.get(word.strip().lower())


def likeliest(said: Probabilities) -> str:
    """Return the label that a model holds for the likeliest."""
    return LABELS[said.index(max(said))]


UNREAD = Probabilities(1 / 3, 1 / 3, 1 / 3)
"""Of a text without words: nothing is known, at confidence 0."""


class ModelError(ValueError):
    """A model that cannot be used; the text says which, why, and what to do."""


class TextModel(Protocol):
    """A headline model. The same text may differ in the third digit with the texts beside it."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def version(self) -> str:
        """The first 12 hex digits of the SHA-256 of weights, tokenizer and config."""

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Return the probabilities of each (text, asset), in order; the asset may be "".

        ModelError when the weights give something that is no number.
        """


class HeadlineModelSettings(BaseSettings):
    """Which headline model scores, and on how many threads."""

    model_config = SettingsConfigDict(env_prefix="QUANTIVA_HEADLINE_", frozen=True)

    model: str = Field(
        default="shipped",
        min_length=1,
        description="shipped, none, a directory, or a name in the local Hugging Face cache.",
    )
    threads: int = Field(default=1, ge=1, le=64, description="Threads that score.")


def load_model(settings: HeadlineModelSettings) -> TextModel | None:
    """Return the model of the settings, None for `none`; ModelError when it cannot be used."""
    if settings.model == "none":
        return None
    folder = SHIPPED if settings.model == "shipped" else Path(settings.model).expanduser()
    if (folder / "model.onnx").exists() or folder == SHIPPED:
        from streams.headlines.onnx_model import OnnxModel

        return OnnxModel(folder, settings.threads)
    from streams.headlines.transformers_model import TransformersModel

    return TransformersModel(settings.model, settings.threads)


def clean(text: str) -> str:
    """Return what a model reads of a text: no addresses, no HTML entities, single spaces."""
    readable = text[:_MAX_CHARS].encode("utf-8", "replace").decode()
    return " ".join(_URL.sub(" ", html.unescape(readable)).split())


def spoken(asset: str) -> str:
    """Return how an asset is told to a model that reads it: `Bitcoin BTC`; "" for none."""
    name = name_of(asset) if asset else ""
    return asset if name.upper() == asset else f"{name} {asset}"


def config_of(folder: Path) -> dict[str, Any]:
    """Return a model's `config.json`; ModelError when it is missing or no JSON object."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        msg = (
            f"{folder} holds no headline model: there is no config.json; name a directory with one"
        )
        raise ModelError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read ({error}); copy the model again"
        raise ModelError(msg) from error
    if not isinstance(config, dict):
        msg = f"{path} is no JSON object; copy the model again"
        raise ModelError(msg)
    return config


def label_order(folder: Path, config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return which of our labels each output of a model is: positions in `LABELS`.

    ModelError for labels that are not ours by any known name, that lack a side, or come twice.
    """
    named = config.get("id2label")
    try:
        names = [named[key] for key in sorted(named, key=int)]  # type: ignore[index, arg-type]
        order = tuple(LABELS.index(label_of(str(name)) or "") for name in names)
    except (TypeError, ValueError):
        order = ()
    if not {0, 1} <= set(order) or len(set(order)) != len(order):
        msg = (
            f"{folder} names the labels {named}: its config.json needs an id2label of bearish, "
            'bullish and neutral (or negative, positive), like {"0": "positive", "1": "negative", '
            '"2": "neutral"}'
        )
        raise ModelError(msg)
    return order


def in_our_order(name: str, order: Sequence[int], row: Sequence[float]) -> Probabilities:
    """Return a model's row of probabilities by our labels; ModelError for what is no number."""
    if not all(map(isfinite, row)):
        msg = f"{name} answers with what is no number (NaN); its weights are broken, copy it again"
        raise ModelError(msg)
    ours = [0.0, 0.0, 0.0]
    for place, probability in zip(order, row, strict=True):
        ours[place] = float(probability)
    return Probabilities(*ours)


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return the positions of texts in batches of about the same length: little is padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def version_of(paths: Iterable[Path]) -> str:
    """Return the version that files make: `cat FILES | sha256sum`, 12 digits."""
    digest = sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:_VERSION_DIGITS]
