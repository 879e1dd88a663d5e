"""The port of a headline model, and which model is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.headlines.probabilities import Probabilities


class ModelError(ValueError):
    """A model that cannot be used; the text says which, why, and what to do."""


class TextModel(Protocol):
    """A headline model."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def version(self) -> str:
        """The first 12 hex digits of the SHA-256 of its weights."""

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Return the probabilities of each (text, asset), in order; the asset may be ""."""


class HeadlineModelSettings(BaseSettings):
    """Which headline model scores."""

    model_config = SettingsConfigDict(env_prefix="QUANTIVA_HEADLINE_", frozen=True)

    model: str = Field(default="none", min_length=1, description="none: the lexicon alone.")


def load_model(settings: HeadlineModelSettings) -> TextModel | None:
    """Return the model of the settings, None for `none`; ModelError when it cannot be used."""
    if settings.model == "none":
        return None
    msg = f"there is no headline model {settings.model!r} here"
    raise ModelError(msg)
