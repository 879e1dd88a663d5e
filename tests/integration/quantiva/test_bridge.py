"""`quantiva bridge` says in a sentence why it does not start."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from quantiva.commands.bridge import bridge
from transport.supervision.ports import free_port

app = typer.Typer()
app.command()(bridge)


def test_a_broker_that_does_not_answer_is_said(bare: pytest.MonkeyPatch, registry_url: str) -> None:
    bare.setenv("SCHEMA_REGISTRY_URL", registry_url)
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    found = CliRunner().invoke(app, ["--port", "0"])
    assert found.exit_code == 1
    assert found.exception is None or isinstance(found.exception, SystemExit)
    assert "no Kafka broker answers" in " ".join(found.output.split())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("SCHEMA_REGISTRY_URL", "", "no schema registry", id="registry"),
        pytest.param("QUANTIVA_BRIDGE_QUEUE_FRAMES", "1", "setting queue_frames", id="setting"),
    ],
)
def test_a_setting_that_is_wrong_or_missing_is_named(
    bare: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    bare.setenv(name, value)
    found = CliRunner().invoke(app, [])
    assert found.exit_code == 2
    assert said in " ".join(found.output.split())


def test_tokens_that_cannot_be_read_are_said_at_once_and_not_shown(
    bare: pytest.MonkeyPatch,
) -> None:
    bare.setenv("QUANTIVA_BRIDGE_TOKENS", '{"sesame-open-please-0": {"name": "x", "role": "king"}}')
    bare.setenv("SCHEMA_REGISTRY_URL", f"http://127.0.0.1:{free_port()}")  # nobody answers there
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    found = CliRunner().invoke(app, ["--port", "0"])
    assert found.exit_code == 2
    assert "QUANTIVA_BRIDGE_TOKENS must be JSON" in " ".join(found.output.split())
    assert "sesame" not in found.output
