"""What the errors of a model mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import openai
import pytest

from sinks.explanations.failures import model_error, retry_after_s
from sinks.explanations.outcomes import Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = httpx2.Request("POST", "http://127.0.0.1/chat/completions")


def status(code: int, body: object = None, **headers: str) -> openai.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(code, request=REQUEST, headers=named)
    kind = openai.RateLimitError if code == 429 else openai.APIStatusError
    return kind("said sk-secret", response=response, body=body)


def connection(cause: Exception | None) -> openai.APIConnectionError:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(status(429), Kind.REFUSED, id="429"),
        pytest.param(status(429, {"code": "insufficient_quota"}), Kind.DENIED, id="quota"),
        pytest.param(status(429, {"type": "insufficient_quota"}), Kind.DENIED, id="quota by type"),
        pytest.param(status(401), Kind.DENIED, id="key"),
        pytest.param(status(404, {"code": "model_not_found"}), Kind.DENIED, id="model"),
        pytest.param(status(400), Kind.REJECTED, id="400"),
        pytest.param(status(422), Kind.REJECTED, id="422"),
        pytest.param(status(500), Kind.REFUSED, id="500"),
        pytest.param(status(502), Kind.REFUSED, id="502"),
        pytest.param(status(504), Kind.LOST, id="504: perhaps served behind the proxy"),
        pytest.param(connection(httpx2.ConnectError("no")), Kind.REFUSED, id="no connection"),
        pytest.param(connection(httpx2.ReadError("no")), Kind.LOST, id="reset"),
        pytest.param(openai.APITimeoutError(request=REQUEST), Kind.LOST, id="silence"),
        pytest.param(TimeoutError(), Kind.LOST, id="our limit"),
        pytest.param(json.JSONDecodeError("", "", 0), Kind.LOST, id="broken json"),
    ],
)
def test_what_an_error_means(error: Exception, kind: Kind) -> None:
    meant = model_error(error, NOW)
    assert meant.kind is kind
    assert str(meant).endswith(".")
    assert "sk-secret" not in str(meant)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "60"}, 60.0, id="seconds"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, id="milliseconds first"),
        pytest.param({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0, id="date"),
        pytest.param({"retry-after": "Wed, 31 Dec 2025 00:00:30 GMT"}, None, id="date gone by"),
        pytest.param({"retry-after": "soon"}, None, id="a word"),
        pytest.param({"retry-after": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": "inf"}, None, id="for ever"),
        pytest.param({"retry-after": "-5"}, None, id="negative"),
        pytest.param({}, None, id="none"),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds
