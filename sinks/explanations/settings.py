"""What the explanations sink takes from the environment. The key is a secret and never printed."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_NO_KEY = "none"  # Ollama and vLLM want none, the client wants some


class ExplanationSettings(BaseSettings):
    """The model, what it costs, and what may be spent.

    Key and address use OpenAI's own names; everything else starts with QUANTIVA_EXPLANATIONS_.
    Without a key and an address, the template writes.
    """

    model_config = SettingsConfigDict(
        env_prefix="QUANTIVA_EXPLANATIONS_", frozen=True, populate_by_name=True
    )

    api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    base_url: str | None = Field(
        default=None,
        validation_alias="OPENAI_BASE_URL",
        description="Anything that speaks OpenAI's API: Gemini, Ollama, vLLM.",
    )
    enabled: bool = Field(default=True, description="Off: no model is asked, the template writes.")
    model: str = Field(default="gpt-4o-mini", min_length=1)
    input_usd_per_million: Decimal = Field(
        default=Decimal("0.15"), ge=0, description="Price of a million tokens sent."
    )
    output_usd_per_million: Decimal = Field(
        default=Decimal("0.60"), ge=0, description="Price of a million tokens written."
    )
    budget_usd_per_day: Decimal = Field(
        default=Decimal("1.00"), ge=0, description="A UTC day, for all processes together."
    )
    top: int = Field(
        default=10, ge=0, le=10, description="So many of a strategy and cycle ask the model."
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="Requests at once, per process.")
    request_limit_s: float = Field(
        default=20.0, gt=0, description="One request, with everything that belongs to it."
    )
    patience_s: float = Field(
        default=300.0,
        ge=0,
        description="How long a signal waits for a model that is away, before the template writes.",
    )
    max_output_tokens: int = Field(default=400, ge=50, le=4000)
    token_limit_field: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens", description="Ollama and older servers know max_tokens."
    )

    @field_validator("api_key", "base_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """Take `OPENAI_API_KEY=` in an env file as no key."""
        return None if value == "" else value

    @property
    def has_model(self) -> bool:
        """True with a key, or with an address that may need none."""
        return self.api_key is not None or self.base_url is not None

    @property
    def key(self) -> str:
        """The key to send."""
        return self.api_key.get_secret_value() if self.api_key is not None else _NO_KEY

    @property
    def lease_s(self) -> float:
        """After so long a request without a result belongs to a process that has ended."""
        return 2.0 * self.request_limit_s + 10.0
