"""`quantiva doctor` with and without parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from typer.testing import CliRunner

from quantiva.commands.doctor import doctor
from schemas.topics import TOPICS
from tests.integration.quantiva.conftest import Platform
from tests.unit.quantiva.status import samples
from transport import admin
from transport.settings import Settings

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(doctor)


def run() -> Any:
    return CliRunner().invoke(app, [])


def lines(output: str) -> dict[str, str]:
    """Return mark and detail of each check by its name."""
    return {
        line[5:23].strip(): line[:4] + line[24:]
        for line in output.splitlines()
        if line[:1] in "oF" and line
    }


def test_without_addresses_the_embedded_parts_would_be_used(bare: pytest.MonkeyPatch) -> None:
    result = run()
    found = lines(result.output)
    assert result.exit_code == 0, result.output
    assert found["embedded broker"].startswith("ok  would be used: /")
    assert found["embedded database"].startswith("ok  would be used: /")
    assert "all is well: no addresses are set" in result.output


def test_topics_that_are_missing_have_a_remedy(parts: Settings) -> None:
    result = run()
    assert result.exit_code == 1
    assert lines(result.output)["topics"].startswith(f"FAIL{len(TOPICS)} of {len(TOPICS)} wrong")
    assert "-> quantiva topics create" in result.output
    admin.create(parts)
    result = run()
    assert result.exit_code == 0, result.output
    assert lines(result.output)["schemas"] == f"ok  all {len(TOPICS)} are compatible"


def test_an_incompatible_schema_is_named(parts: Settings) -> None:
    subject = f"{parts.prefix}signals-value"
    with SchemaRegistryClient({"url": parts.registry_url}) as client:
        client.register_schema(subject, Schema('"string"', "AVRO"))
    assert lines(run().output)["schemas"] == f"FAILthe registry refuses {subject}"


def test_a_group_with_records_to_read_and_no_member_is_wedged(platform: Platform) -> None:
    platform.publish("market.books", samples.BOOK)
    result = run()
    assert result.exit_code == 1
    assert "liquidity (1 records wait)" in lines(result.output)["groups"]
    assert "start `quantiva worker liquidity`" in result.output


def test_parts_that_do_not_answer_are_named_without_passwords(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    bare.setenv("SCHEMA_REGISTRY_URL", "http://me:secret@127.0.0.1:1")
    bare.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/signals")
    (tmp_path / "file").touch()
    bare.setenv("QUANTIVA_STATE_DIR", str(tmp_path / "file" / "state"))
    result = run()
    found = lines(result.output)
    assert result.exit_code == 1
    assert "secret" not in result.output
    for name in ("broker", "registry", "database", "state folder"):
        assert found[name].startswith("FAIL"), result.output
