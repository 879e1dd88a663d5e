"""What the live producers take from the environment. Keys are secrets and never printed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.upstreams.table import BY_NAME
from transport.clock import Clock, ScaledClock, WallClock


class SourceSettings(BaseSettings):
    """Keys, addresses and limits of the upstreams; every default works without a key.

    Keys and base URLs use the vendors' names; everything else starts with QUANTIVA_.
    A limit given here replaces the smallest plan's in `producers.upstreams.table`.
    """

    model_config = SettingsConfigDict(env_prefix="QUANTIVA_", frozen=True, populate_by_name=True)

    lunarcrush_key: SecretStr | None = Field(default=None, validation_alias="LUNARCRUSH_API_KEY")
    coingecko_key: SecretStr | None = Field(default=None, validation_alias="COINGECKO_API_KEY")
    cryptonews_key: SecretStr | None = Field(default=None, validation_alias="CRYPTONEWS_API_KEY")
    stocknews_key: SecretStr | None = Field(default=None, validation_alias="STOCKNEWS_API_KEY")
    coinmarketcal_key: SecretStr | None = Field(
        default=None, validation_alias="COINMARKETCAL_API_KEY"
    )

    lunarcrush_url: str | None = Field(default=None, validation_alias="LUNARCRUSH_BASE_URL")
    coingecko_url: str | None = Field(default=None, validation_alias="COINGECKO_BASE_URL")
    cryptonews_url: str | None = Field(default=None, validation_alias="CRYPTONEWS_BASE_URL")
    stocknews_url: str | None = Field(default=None, validation_alias="STOCKNEWS_BASE_URL")
    coinmarketcal_url: str | None = Field(default=None, validation_alias="COINMARKETCAL_BASE_URL")
    announcements_url: str | None = Field(default=None, validation_alias="ANNOUNCEMENTS_BASE_URL")
    coinmetrics_url: str | None = Field(default=None, validation_alias="COINMETRICS_BASE_URL")
    feargreed_url: str | None = Field(default=None, validation_alias="FEARGREED_BASE_URL")
    sources_off: tuple[str, ...] = Field(
        default=(),
        description='Upstreams that are never asked, as a JSON list: ["coinmetrics"].',
    )

    per_minute: dict[str, int] = Field(
        default={}, description='Requests a minute by upstream, as JSON: {"lunarcrush": 10}.'
    )
    per_day: dict[str, int] = Field(
        default={}, description='Requests a day by upstream, as JSON: {"lunarcrush": 2000}.'
    )

    source_timeout_s: float | None = Field(
        default=None,
        gt=0,
        description="Seconds that an upstream has to answer; unset: each upstream's own, 15.",
    )
    exchange: Literal["binance", "bybit"] = "binance"
    exchange_url: str | None = Field(
        default=None, description="Address of a stand-in of the exchange; unset: the real one."
    )
    quote: str = Field(default="USDT", description="Quote currency of the markets.")
    book_levels: int = Field(default=50, ge=5, le=100)
    rss_feeds: tuple[str, ...] = (
        "https://www.coindesk.com/arc/outboundfeeds/rss/",
        "https://cointelegraph.com/rss",
        "https://decrypt.co/feed",
        "https://www.theblock.co/rss.xml",
        "https://bitcoinmagazine.com/.rss/full/",
    )
    calendar_file: Path | None = Field(
        default=None, description="A file of scheduled events (JSON or CSV), read beside the feeds."
    )
    trending_size: int = Field(default=50, ge=1, le=250)
    clock_spec: str | None = Field(
        default=None,
        validation_alias="QUANTIVA_CLOCK",
        pattern=r"^\d+,\d+,\d+(\.\d+)?$",
        description="START_MS,WALL_START_MS,SPEED of a faster clock, against the simulator only.",
    )

    @field_validator("per_minute", "per_day")
    @classmethod
    def _of_upstreams(cls, limits: dict[str, int]) -> dict[str, int]:
        for name, limit in limits.items():
            if name not in BY_NAME:
                msg = f"names no upstream with {name!r}: there are {', '.join(BY_NAME)}"
                raise ValueError(msg)
            if limit < 1:
                msg = f"allows {name} {limit} requests: to leave it out, unset its key"
                raise ValueError(msg)
        return limits

    @field_validator("sources_off")
    @classmethod
    def _are_upstreams(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in BY_NAME:
                msg = f"names no upstream with {name!r}: there are {', '.join(BY_NAME)}"
                raise ValueError(msg)
        return names

    def clock(self) -> Clock:
        """Return the clock that everything goes by: the wall's, or a faster one."""
        if self.clock_spec is None:
            return WallClock()
        start_ms, wall_start_ms, speed = self.clock_spec.split(",")
        return ScaledClock(int(start_ms), int(wall_start_ms), float(speed))
