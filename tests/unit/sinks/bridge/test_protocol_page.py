"""docs/bridge.md says what the bridge does: requests, codes, reasons, channels."""

from __future__ import annotations

import json
import re

import pytest

from sinks.bridge.hub.catch_up import GAPS
from sinks.bridge.hub.channels import BY_TOPIC, CHANNELS
from sinks.bridge.hub.client import FRAME_BYTES, MESSAGES_A_SECOND, MESSAGES_AT_ONCE, REASONS
from sinks.bridge.hub.client_messages import BadRequestError, Code, parse
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "bridge.md").read_text("utf-8")
SENT = [
    " ".join(text.split())
    for text in re.findall(r"^> (\{.*?)(?=^[<>]|^```)", PAGE, re.MULTILINE | re.DOTALL)
]


def column(heading: str) -> list[str]:
    """The names in the first column of the table with that heading."""
    rows = PAGE.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_there_are_requests_on_the_page() -> None:
    assert {json.loads(text)["type"] for text in SENT} == {"subscribe", "unsubscribe", "ping"}


@pytest.mark.parametrize("text", SENT)
def test_what_was_sent_is_a_request(text: str) -> None:
    if "min_confidense" in text:
        with pytest.raises(BadRequestError) as raised:
            parse(text)
        assert str(raised.value) in " ".join(PAGE.split())
    else:
        parse(text)


def test_the_page_names_all_there_is() -> None:
    assert sorted(column("`code`")) == sorted(Code)
    assert column("`reason` of a `gap`") == list(GAPS)
    assert column("`reason` of a `bye`") == list(REASONS)
    assert sorted(column("channel")) == sorted(CHANNELS)


def test_the_page_has_the_right_figures() -> None:
    for code, _ in REASONS.values():
        assert f"| {code} |" in PAGE
    assert f"at most {FRAME_BYTES:,} characters" in PAGE
    assert f"{MESSAGES_AT_ONCE:g} messages at once, then {MESSAGES_A_SECOND:g} a second" in PAGE
    for source in BY_TOPIC.values():
        if source.channel is not None:
            row = next(
                line for line in PAGE.splitlines() if line.startswith(f"| `{source.channel}`")
            )
            assert f"`{source.kind}`" in row
            assert f"`{source.topic}`" in row
