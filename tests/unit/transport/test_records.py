"""What a record says besides its value."""

from __future__ import annotations

from typing import Any

import pytest

from transport.records import sent_ms

HEADERS = [
    pytest.param((("sent_ms", b"1767225600000"),), 1_767_225_600_000, id="alone"),
    pytest.param((("other", b"1"), ("sent_ms", b"7")), 7, id="beside another"),
    pytest.param((("sent_ms", b"soon"),), None, id="no number"),
    pytest.param((("sent_ms", None),), None, id="no value"),
    pytest.param((), None, id="no header"),
    pytest.param((("sent_ms", b""),), None, id="empty"),
    pytest.param((("sent_ms", b"1.5"),), None, id="a fraction"),
    pytest.param((("sent_ms", b"-1"),), None, id="negative"),
    pytest.param((("sent_ms", b"+1"),), None, id="a sign"),
    pytest.param((("sent_ms", b" 1 "),), None, id="spaces"),
    pytest.param((("sent_ms", b"1_000"),), None, id="an underscore"),
    pytest.param((("sent_ms", b"9" * 5_000),), None, id="5,000 digits"),
    pytest.param((("sent_ms", b"%d" % 2**64),), None, id="more than 64 bits"),
    pytest.param((("sent_ms", b"%d" % (2**53 + 1)),), None, id="more than a double holds"),
    pytest.param((("sent_ms", b"%d" % 2**53),), 2**53, id="the largest"),
    pytest.param((("sent_ms", b"0"),), 0, id="the least"),
    pytest.param(
        (("sent_ms", (1_767_225_600_000).to_bytes(8, "big")),), None, id="case odd-sent-header"
    ),
    pytest.param((("sent_ms", "\u0661".encode()),), None, id="digits of another script"),
    pytest.param((("sent_ms", b"\xff\xfe"),), None, id="no UTF-8"),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_when_the_market_event_was_published(headers: Any, expected: int | None) -> None:
    assert sent_ms(headers) == expected
