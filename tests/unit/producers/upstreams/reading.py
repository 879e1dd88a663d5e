"""What the tests of all parsers ask of a row and of an answer that holds none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from producers.http_client.errors import UpstreamError


def only(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return some fields of a row."""
    return {name: getattr(row, name) for name in names}


def refusal(parse: Callable[..., Any], *raw: Any) -> str:
    """Return what is said of an answer of another shape, which is not asked for again."""
    with pytest.raises(UpstreamError) as caught:
        parse(*raw)
    assert (caught.value.kind, caught.value.retryable) == ("bad_answer", False)
    return str(caught.value)
