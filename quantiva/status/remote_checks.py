"""What `quantiva doctor` checks on the parts whose addresses are set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.resources import files

from quantiva.status.checks import Check
from quantiva.status.collect import collect
from quantiva.status.lag import StageState
from quantiva.status.parts import Part, probe
from schemas.contract import STRUCTS, schema
from schemas.redact import conceal
from schemas.registry_client import client_options
from schemas.topics import subjects
from transport import admin
from transport.settings import Settings

_TIMEOUT_S = 5.0
_MAX_SKEW_S = 5.0
_START = {
    "broker": "start it, or correct KAFKA_BOOTSTRAP_SERVERS",
    "registry": "start it, or correct SCHEMA_REGISTRY_URL",
    "database": "start it, or correct DATABASE_URL (user, password, database name)",
}


async def remote(settings: Settings) -> AsyncIterator[Check]:
    """Yield the checks of the parts that have an address; what needs a dead part is left out."""
    broker, registry, database = await probe(settings)
    for part in (broker, registry, database):
        if part.address is not None:
            yield reachable(part)
    if broker.ok:
        yield await topics(settings)
    if registry.ok:
        yield await schemas_compatible(settings)
    if database.ok:
        yield await migrations(settings)
    if registry.ok or database.ok:
        yield await clock(settings, registry, database)
    if broker.ok:
        yield await groups(settings)


def reachable(part: Part) -> Check:
    """Check that a part answers a request of its protocol."""
    return Check(part.name, part.ok, f"{part.address}: {part.detail}", _START[part.name])


async def topics(settings: Settings) -> Check:
    """Check that the broker's topics match the table."""
    try:
        states = await asyncio.to_thread(admin.states, settings)
    except admin.BrokerError as error:
        return Check("topics", False, str(error), _START["broker"])
    wrong = [f"{state.name} {state.problems[0]}" for state in states if state.problems]
    if not wrong:
        return Check("topics", True, f"all {len(states)} are as the table says")
    missing = [state for state in states if state.partitions is None]
    remedy = "quantiva topics create" if len(missing) == len(wrong) else "quantiva topics check"
    return Check("topics", False, f"{len(wrong)} of {len(states)} wrong: {wrong[0]}", remedy)


async def schemas_compatible(settings: Settings) -> Check:
    """Check that the registry would take every schema of the contract."""
    try:
        refused = await asyncio.to_thread(_refused, settings)
    except Exception as error:  # whatever the client raises
        said = conceal(str(error), settings.require_registry())
        return Check("schemas", False, said, "look at the registry's log")
    if not refused:
        return Check("schemas", True, f"all {len(STRUCTS)} are compatible")
    remedy = "this program is older than the data, or made an incompatible change: deploy another"
    return Check("schemas", False, f"the registry refuses {', '.join(refused)}", remedy)


def _refused(settings: Settings) -> list[str]:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    client = SchemaRegistryClient(client_options(settings.require_registry(), _TIMEOUT_S))
    refused = []
    for name, subject in subjects(settings.prefix).items():
        try:
            if not client.test_compatibility(subject, Schema(schema(name).text, "AVRO")):
                refused.append(subject)
        except SchemaRegistryError as error:
            if error.http_status_code != 404:  # 404: nothing is registered there yet
                raise
    return refused


async def migrations(settings: Settings) -> Check:
    """Check that all migrations of the sink are applied."""
    import asyncpg

    folder = files("sinks.postgres") / "migrations"
    wanted = {f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql")}
    dsn = settings.database_url.get_secret_value() if settings.database_url else ""
    connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
    try:
        rows = await connection.fetch("SELECT migration_id FROM _yoyo_migration")
        applied = {row["migration_id"] for row in rows}
    except asyncpg.UndefinedTableError:
        applied = set()
    finally:
        await connection.close(timeout=_TIMEOUT_S)
    missing = sorted(wanted - applied)
    if missing:
        remedy = "start `quantiva sink postgres`: it migrates before it writes"
        return Check("migrations", False, f"not applied: {', '.join(missing)}", remedy)
    return Check("migrations", True, f"all {len(wanted)} are applied")


async def clock(settings: Settings, registry: Part, database: Part) -> Check:
    """Check that this machine's clock agrees with those of registry and database."""
    skews = {}
    if registry.ok:
        skews["registry"] = await _registry_skew_s(settings.require_registry())
    if database.ok and settings.database_url:
        skews["database"] = await _database_skew_s(settings.database_url.get_secret_value())
    known = {name: skew for name, skew in skews.items() if skew is not None}
    if not known:
        return Check("clock", True, "no other clock to compare with")
    name, worst = max(known.items(), key=lambda item: abs(item[1]))
    word = "behind" if worst > 0 else "ahead of"
    detail = f"{abs(worst):.0f} s {word} the {name}'s" if abs(worst) >= 1 else "agrees"
    return Check("clock", abs(worst) <= _MAX_SKEW_S, detail, "let NTP set the clocks (chrony)")


async def _registry_skew_s(url: str) -> float | None:
    """Return how far the registry's clock is ahead; its Date header has whole seconds."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{url.rstrip('/')}/subjects") as answer,
    ):
        date = answer.headers.get("Date")
    if not date:
        return None
    skew = (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() + 0.5
    return 0.0 if abs(skew) < 1 else skew


async def _database_skew_s(dsn: str) -> float:
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
    try:
        before = time.time()
        now = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
        return now - (before + time.time()) / 2
    finally:
        await connection.close(timeout=_TIMEOUT_S)


async def groups(settings: Settings) -> Check:
    """Check that no consumer group has records to read and no member that reads them."""
    try:
        report = await collect(settings, 1.0)
    except admin.BrokerError as error:
        return Check("groups", False, str(error), _START["broker"])
    stuck = [
        one
        for one in report.stages
        if not one.has_ended
        and (one.state is StageState.STALLED or (one.state is StageState.NOT_RUNNING and one.lag))
    ]
    if not stuck:
        return Check("groups", True, f"none of {len(report.stages)} is stuck")
    named = ", ".join(f"{one.group} ({one.lag:,} records wait)" for one in stuck)
    starts = " and ".join(dict.fromkeys(f"`{one.start}`" for one in stuck[:2]))
    remedy = f"start {starts}{' and the others' if len(stuck) > 2 else ''}; a worker frees a group"
    return Check("groups", False, f"nobody reads: {named}", f"{remedy} whose leader is gone")
