"""The entries of the sinks: one each makes a command, a group and a row of the status."""

from __future__ import annotations

import pytest
import typer.main

from quantiva.commands.sink import app
from quantiva.status.stages import STAGES
from quantiva.wiring.sinks import SINKS, SinkEntry, sink_runner
from schemas.codec import Codec
from schemas.registry_client import Registry
from transport.settings import Settings

EACH = [pytest.param(entry, id=entry.name) for entry in SINKS]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:1/db")
    return Settings()


@pytest.mark.parametrize("entry", EACH)
def test_an_entry_says_what_its_sink_is(entry: SinkEntry, settings: Settings) -> None:
    runner = sink_runner(entry, settings, Codec({}), Registry("http://127.0.0.1:1"))
    assert (runner.sink.name, runner.sink.topics) == (entry.name, entry.topics)
    assert entry.counts is None or hasattr(runner.sink, entry.counts)


@pytest.mark.parametrize("entry", EACH)
def test_each_has_a_command_and_is_watched_if_it_must_run(entry: SinkEntry) -> None:
    commands = typer.main.get_group(app).commands
    assert commands[entry.name].help == entry.help.strip().replace("\n    ", "\n")
    watched = [stage.name for stage in STAGES if stage.start == f"quantiva sink {entry.name}"]
    assert watched == ([entry.stage] if entry.is_watched else [])


@pytest.mark.parametrize("entry", EACH)
def test_without_a_database_it_says_what_to_set(
    entry: SinkEntry, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = settings.model_copy(update={"database_url": None})
    with pytest.raises(ValueError, match="set DATABASE_URL"):
        sink_runner(entry, bare, Codec({}), Registry("http://127.0.0.1:1"))
