"""What the live producers take from the environment. Keys are secrets and never printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from producers.upstreams.table import BY_NAME
from schemas.names import in_capitals, wrong_symbol
from transport.clock import Clock, ScaledClock, WallClock


def _listed(value: object) -> object:
    """Return the parts of `a, b` or `["a", "b"]` as a tuple; anything else as it is."""
    if not isinstance(value, str):
        return value
    parts = value.strip().removeprefix("[").removesuffix("]").split(",")
    return tuple(dict.fromkeys(part.strip(" \"'") for part in parts if part.strip(" \"'")))


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Names with commas between, or a JSON list."""


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
    exchange: str | None = Field(
        default=None, description="The one exchange that is asked; unset: those of `exchanges`."
    )
    exchanges: Listed = Field(
        default=("binance", "bybit", "kraken", "okx"),
        min_length=1,
        description="Exchanges as ccxt names them: each asset is at the first that has it.",
    )
    exchange_url: str | None = Field(
        default=None,
        description="Address of a stand-in of the first exchange; unset: the real one.",
    )
    exchange_urls: dict[str, str] = Field(
        default={}, description='Stand-ins by exchange, as JSON: {"kraken": "http://..."}.'
    )
    quote: Listed = Field(
        default=("USDT", "USD"),
        min_length=1,
        description="Quote currencies of the markets; an asset has the first one that it has.",
    )
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
    top: int | None = Field(
        default=None,
        ge=1,
        le=250,
        description="How many trending assets are in the universe; unset: `trending_size`.",
    )
    trending_size: int = Field(
        default=50, ge=1, le=250, description="The earlier name of `top`, which goes before it."
    )
    pinned: Listed = Field(
        default=("BTC", "ETH"), description="Assets that are in the universe, come what may."
    )
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

    @field_validator("exchange")
    @classmethod
    def _one_name(cls, name: str | None) -> str | None:
        return name.strip().lower() or None if name is not None else None

    @field_validator("exchanges")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.lower() for name in names))

    @field_validator("quote", "pinned")
    @classmethod
    def _symbols(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        symbols = tuple(dict.fromkeys(in_capitals(one) for one in named))
        if wrong := next(filter(None, map(wrong_symbol, symbols)), None):
            raise ValueError(wrong)
        return symbols

    @property
    def most_watched(self) -> int:
        """How many trending assets are in the universe."""
        return self.trending_size if self.top is None else self.top

    @property
    def all_exchanges(self) -> tuple[str, ...]:
        """The exchanges in the order in which an asset's market is looked for."""
        return self.exchanges if self.exchange is None else (self.exchange,)

    def stand_in(self, exchange: str) -> str | None:
        """Return the address of an exchange's stand-in; None: the real one is asked."""
        first = self.exchange_url if exchange == self.all_exchanges[0] else None
        return self.exchange_urls.get(exchange, first)

    def clock(self) -> Clock:
        """Return the clock that everything goes by: the wall's, or a faster one."""
        if self.clock_spec is None:
            return WallClock()
        start_ms, wall_start_ms, speed = self.clock_spec.split(",")
        return ScaledClock(int(start_ms), int(wall_start_ms), float(speed))
