"""`quantiva dead-letters` on the embedded broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from quantiva.commands.dead_letters import app
from schemas.dead_letters import DeadLetter
from tests.integration.quantiva.conftest import Platform, on_both
from tests.unit.quantiva.status.samples import NEWS, T0, letter
from transport.log_reader import LogReader

pytestmark = pytest.mark.embedded
KEY = b"market.news"


def run(*arguments: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(app, arguments, input=answer)


def bury(platform: Platform, *letters: DeadLetter) -> None:
    for one in letters:
        platform.publish("dead.letters", one, key=KEY, partition=1, start_ms=one.failed_at)


def news_of(platform: Platform) -> list[Any]:
    """All records of market.news."""

    async def read() -> list[Any]:
        async with LogReader(platform.settings) as reader:
            partitions = (await reader.partitions())["market.news"]
            return (await reader.last(partitions, 100))[0]

    return platform.run(read())


def test_the_list_has_a_line_a_record_newest_first(platform: Platform) -> None:
    reason = "not in the Confluent wire format: " + "x" * 200
    bury(platform, letter(7, reason=reason), letter(7, "sink.postgres", reason=reason))
    bury(platform, letter(8, failed_at=T0 + 60_000, topic="signals"))
    first, second = run("list").output.splitlines()
    assert first.startswith("01-01 00:01:00 signals:2:8            sentiment    BadEvent: not in")
    assert "market.news:2:7        sentiment, sink.postgres BadEvent" in second
    assert second.endswith("…")
    assert len(second) <= 100


@on_both
def test_the_list_is_narrowed(platform: Platform) -> None:
    bury(platform, letter(7), letter(9, "fusion"))
    bury(platform, letter(8, topic="signals", failed_at=T0 + 60_000))
    for options, position in (
        (["--topic", "signals"], "signals:2:8"),
        (["--stage", "fusion"], "market.news:2:9"),
        (["--since", "2026-01-01T00:01"], "signals:2:8"),
    ):
        (line,) = run("list", "--json", *options).output.splitlines()
        assert json.loads(line)["position"] == position


def test_show_prints_everything_and_tries_to_decode(platform: Platform) -> None:
    bury(platform, letter(record_value=platform.codec.encode(NEWS)), letter(stage="fusion"))
    shown = run("show", "market.news:2:7").output
    for text in ("stage      fusion", "key        BTC (425443)", "426974636f696e", "Bitcoin rises"):
        assert text in shown
    assert "it decodes and is valid" in shown
    assert "still wrong: not in the Confluent" in run("show", "market.news:2:7:fusion").output
    missing = run("show", "market.news:2:70")
    assert (missing.exit_code, "no dead letter" in missing.output) == (1, True)


@on_both
def test_retry_sends_the_original_once_to_where_it_stood(platform: Platform) -> None:
    bury(platform, letter(7), letter(7, "sink.postgres"), letter(7))
    result = run("retry", "market.news:2:7", "--yes")
    assert "1 record(s) sent again (market.news 1)" in result.output
    (again,) = news_of(platform)
    assert (again.partition, again.key, again.value) == (2, b"BTC", b"garbage")
    assert again.timestamp == T0 - 1000
    assert dict(again.headers) == {"retried_from": b"market.news:2:7:sentiment"}


@on_both
def test_what_the_letter_leaves_out_is_read_where_it_stood(platform: Platform) -> None:
    platform.publish("market.news", b"too long for a letter", key=b"BTC", partition=2)
    left_out = letter(0, record_key=None, record_value=None, record_timestamp=T0)
    bury(platform, left_out, letter(5, record_value=None))
    result = run("retry", "--topic", "market.news", "--yes")
    assert result.exit_code == 1
    assert "cannot send market.news:2:5: the letter has no value" in result.output
    sent = [(record.key, record.value) for record in news_of(platform)]
    assert sent == [(b"BTC", b"too long for a letter")] * 2


@pytest.mark.parametrize(
    ("options", "answer", "said"),
    [
        pytest.param(["--all", "--dry-run"], None, "2 record(s) would be sent", id="a dry run"),
        pytest.param(["--all"], "n\n", "Send 2 record(s) again (market.news 2)?", id="a no"),
        pytest.param(["--all", "--stage", "fusion"], None, "no dead letter is meant", id="none"),
        pytest.param([], None, "say which: an ID", id="nothing said"),
        pytest.param(["x", "--all"], None, "say which: an ID", id="too much said"),
    ],
)
def test_nothing_is_sent_on(
    platform: Platform, options: list[str], answer: str | None, said: str
) -> None:
    bury(platform, letter(7), letter(8))
    assert said in run("retry", *options, answer=answer).output
    assert news_of(platform) == []
