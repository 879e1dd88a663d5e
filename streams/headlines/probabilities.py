"""What a model says of texts, and how a text is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from math import isfinite
from struct import Struct
from typing import NamedTuple

KEY_BYTES = 8
_SINGLE = Struct("<3f")
_ROUNDING = 1e-3


class Probabilities(NamedTuple):
    """What a model says of a text, each 0 to 1; together 1."""

    bearish: float
    bullish: float
    neutral: float

    @property
    def score(self) -> float:
        """Bullish minus bearish, -1 to 1."""
        return self.bullish - self.bearish

    @property
    def confidence(self) -> float:
        """How far the likeliest label is above a guess: 0 for thirds, 1 for certainty."""
        return max(0.0, 1.5 * max(self) - 0.5)


class ModelTexts(NamedTuple):
    """What is known of texts when a record is applied, as whoever runs the model hands it over.

    `model` and `version` are None without a model, and `reason` then says why. `known` has the
    texts at hand by `text_key`; for one that is missing there, `reason` says why.
    """

    model: str | None = None
    version: str | None = None
    reason: str = "not loaded"
    known: Mapping[bytes, Probabilities] = {}


NO_TEXTS = ModelTexts()


def text_key(asset: str, text: str) -> bytes:
    """Return what a text is known by for an asset: a hash, KEY_BYTES long."""
    content = f"{asset}\n{text}".encode("utf-8", "replace")
    return blake2b(content, digest_size=KEY_BYTES).digest()


def packed(probabilities: Probabilities) -> bytes:
    """Return probabilities as bytes; `unpacked` gives the same ones back if they were `single`."""
    return _SINGLE.pack(*probabilities)


def unpacked(content: bytes, at: int = 0) -> Probabilities:
    """Return the probabilities that stand at a place in bytes."""
    return Probabilities(*_SINGLE.unpack_from(content, at))


PACKED_BYTES = _SINGLE.size


def single(bearish: float, bullish: float, neutral: float) -> Probabilities:
    """Return probabilities in single precision, as they are kept.

    Raises ValueError for what are none: NaN, a number that is not 0 to 1, a sum that is not 1.
    """
    given = (float(bearish), float(bullish), float(neutral))
    if not all(isfinite(one) and -_ROUNDING <= one <= 1.0 + _ROUNDING for one in given):
        msg = f"it gave {given}, which are no probabilities"
        raise ValueError(msg)
    if abs(sum(given) - 1.0) > _ROUNDING:
        msg = f"it gave probabilities that sum to {sum(given):g}"
        raise ValueError(msg)
    return unpacked(_SINGLE.pack(*(min(1.0, max(0.0, one)) for one in given)))
