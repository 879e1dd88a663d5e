"""`quantiva tail` on the embedded broker."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from quantiva.commands.tail import tail
from tests.integration.quantiva.conftest import Platform, on_both
from tests.unit.quantiva.status import samples

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(tail)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


@on_both
def test_the_last_records_fit_the_screen_one_a_line(platform: Platform) -> None:
    platform.publish("market.candles", *[samples.CANDLE] * 5)
    result = run("market.candles", "--last", "2", "--no-follow")
    lines = result.output.splitlines()
    assert [line[:29] for line in lines] == [
        "01-01 00:00:03 0:3      BTC  ",
        "01-01 00:00:04 0:4      BTC  ",
    ]
    assert all("1h 01 00:00 O 1 H 3 L 0.5 C 2 open" in line and len(line) <= 100 for line in lines)


def test_json_lines_say_where_a_record_stands(platform: Platform) -> None:
    platform.publish("signals", samples.SIGNAL, key=b"ETH", partition=3)
    platform.publish("signals", samples.SIGNAL)
    (line,) = run(
        "signals", "--from-start", "--json", "--asset", "eth", "--no-follow"
    ).output.splitlines()
    found = json.loads(line)
    assert found.pop("event")["final_score"] == 0.582
    assert found == {
        "topic": "signals",
        "partition": 3,
        "offset": 0,
        "timestamp_ms": samples.T0,
        "key": "ETH",
    }


def test_what_cannot_be_decoded_is_shown_and_stops_nothing(platform: Platform) -> None:
    platform.publish("market.news", b"junk", b"\0\0\0\x03\xe7x", samples.NEWS)
    first, second, third = run("market.news", "--from-start", "--count", "3").output.splitlines()
    assert "UNDECODABLE not in the Confluent wire format" in first
    assert "UNDECODABLE schema id 999 is not known to the registry" in second
    assert "[positive] Bitcoin rises (Paper)" in third


def test_it_follows_what_comes(platform: Platform) -> None:
    platform.publish("engine.scores", samples.score(score=0.1))
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(run("engine.scores", "--count", "1")))
    thread.start()
    while thread.is_alive():  # it begins at the end, wherever that is when it starts
        platform.publish("engine.scores", samples.score(score=0.9))
        thread.join(0.2)
    assert "sentiment   +0.900" in results[0].output


def test_a_deleted_key_is_shown_as_such(platform: Platform) -> None:
    platform.publish("control.strategies", None, key=b"momentum")
    assert "momentum (deleted)" in run("control.strategies", "--last", "1", "--no-follow").output


def test_a_wrong_name_gets_the_nearest_one_and_all(platform: Platform) -> None:
    result = run("market.candels")
    said = " ".join(result.output.split())
    assert result.exit_code == 2
    assert "no topic 'market.candels'; did you mean market.candles? There are: market." in said


def test_a_topic_that_the_broker_does_not_have_is_said(platform: Platform) -> None:
    result = run("signals", "--prefix", "nobody.")
    assert result.exit_code == 1
    assert "run `quantiva topics create`" in " ".join(result.output.split())
