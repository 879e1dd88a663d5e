"""What the bridge takes from the environment: QUANTIVA_BRIDGE_*. Units are in the names."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BridgeSettings(BaseSettings):
    """Address, tokens and limits of one bridge; every default can be overridden.

    Without tokens nobody is let in: everything but the page's files and /health answers 401.
    Bridges side by side need the same tokens (or the same `ticket_key`), so that each takes the
    tickets of the others.
    """

    model_config = SettingsConfigDict(env_prefix="QUANTIVA_BRIDGE_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8088, ge=0, le=65_535, description="0 takes a free one.")

    tokens: SecretStr | None = Field(
        default=None,
        description='JSON by token: {"<token>": {"name": "desk", "role": "viewer"}}. Roles: '
        "viewer, trader, admin. Instead of a token its hash may stand: sha256:<64 hex digits>.",
    )
    tokens_file: Path | None = Field(
        default=None, description="A file with the same JSON, read beside `tokens`."
    )
    ticket_key: SecretStr | None = Field(
        default=None, description="Signs tickets; unset: made from the tokens."
    )
    ticket_s: float = Field(default=30.0, gt=0, le=300, description="How long a ticket is valid.")
    origins: tuple[str, ...] = Field(
        default=(),
        description='Web pages of other hosts that may connect, as JSON: ["https://desk.example"]. '
        "A page of the bridge itself always may.",
    )

    requests_minute: int = Field(default=600, ge=1, description="REST requests a minute by token.")
    max_body_bytes: int = Field(default=65_536, ge=1_024, description="Of a request's body.")
    database_wait_s: float = Field(
        default=2.0, gt=0, description="How long a request waits for a connection of the pool."
    )
    database_timeout_s: float = Field(default=10.0, gt=0, description="Longest statement.")

    answer_wait_s: float = Field(
        default=2.0, gt=0, le=60, description="How long a signal that is asked for is waited for."
    )
    request_s: float = Field(
        default=15.0,
        gt=0,
        le=3600,
        description="How long a request's header may take, and its body, and the wait for another.",
    )
    max_connections: int = Field(
        default=12_000, ge=8, description="Open connections, websockets among them."
    )
    max_strangers: int = Field(
        default=64, ge=1, description="Open connections of one address that have shown no token."
    )
    max_clients: int = Field(default=10_000, ge=1, description="Open websockets of this bridge.")
    max_subscriptions: int = Field(default=16, ge=1, description="Of one websocket.")
    queue_frames: int = Field(
        # The bytes are shared by all clients. A back-fill's scores are 30,000 frames in seconds.
        default=8_192,
        ge=16,
        description="Frames waiting for one client before it is let go.",
    )
    heartbeat_s: float = Field(default=5.0, gt=0)
    compression: bool = Field(default=True, description="Of websocket frames and of answers.")
