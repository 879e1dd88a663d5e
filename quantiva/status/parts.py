"""Whether broker, registry and database answer; addresses are shown without passwords."""

from __future__ import annotations

import asyncio

import msgspec

from schemas.redact import conceal, shown
from transport.errors import short_reason
from transport.settings import Settings

_TIMEOUT_S = 4.0


class Part(msgspec.Struct, frozen=True):
    """One part: where it is (None: no address is set), whether it answers, and if not, why."""

    name: str
    address: str | None
    ok: bool
    detail: str = ""


async def probe(settings: Settings) -> tuple[Part, ...]:
    """Return broker, registry and database, asked at the same time. Takes at most some seconds."""
    return tuple(
        await asyncio.gather(
            probe_broker(settings),
            probe_registry(settings.registry_url),
            probe_database(
                settings.database_url.get_secret_value() if settings.database_url else None
            ),
        )
    )


async def probe_broker(settings: Settings) -> Part:
    """Ask for the cluster's metadata."""
    bootstrap = settings.bootstrap
    if not bootstrap:
        return Part("broker", None, False, "KAFKA_BOOTSTRAP_SERVERS is not set")
    from transport.readiness import broker_count

    try:
        async with asyncio.timeout(2 * _TIMEOUT_S):
            brokers = await broker_count(settings, _TIMEOUT_S)
        return Part("broker", bootstrap, brokers > 0, f"{brokers} broker(s)")
    except Exception as error:  # whatever a client raises: it does not answer
        return Part("broker", bootstrap, False, short_reason(error, _TIMEOUT_S))


async def probe_registry(url: str | None) -> Part:
    """Ask for the subjects."""
    if not url:
        return Part("registry", None, False, "SCHEMA_REGISTRY_URL is not set")
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url.rstrip('/')}/subjects", raise_for_status=True) as answer,
        ):
            subjects = await answer.json(content_type=None)
        return Part("registry", shown(url), True, f"{len(subjects)} subjects")
    except Exception as error:  # as above
        return Part("registry", shown(url), False, conceal(short_reason(error, _TIMEOUT_S), url))


async def probe_database(dsn: str | None) -> Part:
    """Ask for the version."""
    if not dsn:
        return Part("database", None, False, "DATABASE_URL is not set")
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
        try:
            version = await connection.fetchval("SHOW server_version")
        finally:
            await connection.close(timeout=_TIMEOUT_S)
        return Part("database", shown(dsn), True, f"PostgreSQL {version}")
    except Exception as error:  # as above
        return Part("database", shown(dsn), False, conceal(short_reason(error, _TIMEOUT_S), dsn))
