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
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_when_the_market_event_was_published(headers: Any, expected: int | None) -> None:
    assert sent_ms(headers) == expected
