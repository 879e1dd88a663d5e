"""The PostgreSQL sink with the settings of this deployment."""

from __future__ import annotations

from schemas.codec import Codec
from schemas.registry_client import Registry
from sinks.kafka import RunnerConfig
from sinks.postgres.sink import PostgresSink
from sinks.runner import OnFlush, SinkRunner
from transport.embedded_broker import faults
from transport.settings import Settings

GROUP = "sink.postgres"


def postgres_runner(
    settings: Settings, codec: Codec, registry: Registry, on_flush: OnFlush | None = None
) -> SinkRunner:
    """Return the runner of the PostgreSQL sink; ValueError without a database."""
    if settings.database_url is None:
        msg = "no database: set DATABASE_URL, or start one with `quantiva demo`"
        raise ValueError(msg)
    return SinkRunner(
        PostgresSink(settings.database_url.get_secret_value()),
        codec,
        RunnerConfig(
            bootstrap=settings.require_bootstrap(),
            group=settings.group_id(GROUP),
            prefix=settings.prefix,
            max_age_ms=50,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_ms=int(settings.session_timeout_s * 250),
            instance_id=settings.instance_id,
            **faults.consumer_options(),
        ),
        resolve=registry.resolve,
        on_flush=on_flush,
    )
