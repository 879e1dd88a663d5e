"""One frozen tree of settings, from the environment. Units are in the names."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.names import MOST_ASSETS
from schemas.strategy_changes import Limits


class Settings(BaseSettings):
    """Where the parts are and how the topology is laid out; every default can be overridden.

    The three addresses use the names that other tools use; everything else starts with QUANTIVA_.
    """

    model_config = SettingsConfigDict(env_prefix="QUANTIVA_", frozen=True, populate_by_name=True)

    bootstrap: str | None = Field(default=None, validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    registry_url: str | None = Field(default=None, validation_alias="SCHEMA_REGISTRY_URL")

    prefix: str = Field(default="", description="Put before every topic, for example rehearsal.")
    group: str = Field(default="quantiva", description="Start of every consumer group's name.")
    partitions: int = Field(default=4, ge=1, le=512)
    replication_factor: int = Field(default=1, ge=1)
    retention_ms: int | None = Field(
        default=None, description="Overrides every topic's retention; -1 keeps for ever."
    )
    state_dir: Path = Field(default=Path(".quantiva"), description="Crash counts, stack address.")
    session_timeout_s: float = Field(
        default=6.0, gt=0, description="Apache Kafka takes 6 or more unless it is told otherwise."
    )
    commit_idle_s: float = Field(
        default=0.1,
        gt=0,
        description="A stage idle for so long commits; shorter makes an ordered play quicker.",
    )
    instance_id: str | None = Field(
        default=None, description="Stable name of this replica: static group membership."
    )
    transactions: bool = Field(
        default=True,
        description="Stages write in transactions (exactly once). Not so on the embedded broker.",
    )
    grace_s: float = Field(
        default=30.0, gt=0, description="How long a cycle waits for an engine that is silent."
    )
    broker_memory_mb: int = Field(
        default=400, ge=50, description="The embedded broker is started anew above it."
    )
    stall_s: float = Field(
        default=30.0, gt=0, description="A worker with lag that commits nothing so long is ended."
    )

    strategies_per_user: int = Field(
        default=20, ge=0, description="Strategies that one user may have; admins have no limit."
    )
    assets_per_strategy: int = Field(
        default=50, ge=1, le=MOST_ASSETS, description="Assets that a user's strategy may name."
    )

    rule_cost: int = Field(
        default=30, ge=0, description="What the indicators of a user's rules may cost together."
    )

    @property
    def limits(self) -> Limits:
        """What one user may have."""
        return Limits(self.strategies_per_user, self.assets_per_strategy, self.rule_cost)

    def require_bootstrap(self) -> str:
        """Return the broker's address; ValueError with what to do when there is none."""
        if not self.bootstrap:
            msg = "no Kafka broker: set KAFKA_BOOTSTRAP_SERVERS, or start one with `quantiva demo`"
            raise ValueError(msg)
        return self.bootstrap

    def require_registry(self) -> str:
        """Return the schema registry's address; ValueError with what to do when there is none."""
        if not self.registry_url:
            msg = "no schema registry: set SCHEMA_REGISTRY_URL, or start one with `quantiva demo`"
            raise ValueError(msg)
        return self.registry_url

    def group_id(self, stage: str) -> str:
        """Return the consumer group of a stage."""
        return f"{self.group}.{self.prefix}{stage}"
