"""The one error: what may be tried again, and that it travels."""

from __future__ import annotations

import pickle

import pytest

from producers.http_client import responses
from producers.http_client.errors import KINDS, UpstreamError


def test_what_is_worth_another_try() -> None:
    retryable = {kind for kind in KINDS if UpstreamError("x", kind, "is away").retryable}
    assert retryable == {"limit", "server", "timeout", "connection", "not_json"}


def test_it_travels_between_processes() -> None:
    error = UpstreamError("rss", "limit", "wants fewer requests", retry_after_s=3.5)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.upstream, copy.kind, copy.retry_after_s) == (
        "rss: wants fewer requests",
        "rss",
        "limit",
        3.5,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, "bad_answer"),
        (400, "bad_request"),
        (401, "auth"),
        (402, "auth"),
        (403, "auth"),
        (404, "not_found"),
        (408, "timeout"),
        (418, "limit"),
        (422, "bad_request"),
        (429, "limit"),
        (500, "server"),
        (503, "server"),
        (599, "server"),
    ],
)
def test_kinds_of_statuses(status: int, kind: str) -> None:
    assert responses.kind_of(status) == kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"error": "coin not found"}', "coin not found", id="error"),
        pytest.param(b'{"status": {"error_message": "slow\\ndown"}}', "slow down", id="status"),
        pytest.param(b'{"error": {"message": "x", "code": 1}}', "x", id="inner"),
        pytest.param(b'{"message": "Forbidden"}', "Forbidden", id="gateway"),
        pytest.param(b'{"error": {"error": ' * 400 + b"1" + b"}}" * 400, "", id="deep"),
        pytest.param(b'{"error": 4', "", id="half"),
        pytest.param(b"<html>1020</html>", "", id="page"),
        pytest.param(b"[1]", "", id="list"),
    ],
)
def test_messages_of_refusals(body: bytes, message: str) -> None:
    assert responses.message_of(body) == message


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "nothing"),
        (b" <!doctype html>", "a page (HTML)"),
        (b'{"data": [', "half of its JSON (10 bytes)"),
        (b"OK", "no JSON"),
    ],
)
def test_what_is_no_json_is_called_by_its_name(body: bytes, what: str) -> None:
    assert responses.not_json(body, "/x") == f"it sends {what} at /x"


def test_long_messages_are_cut_and_plain() -> None:
    text = responses.shortened("a\x1b[31m" + "b" * 500)
    assert len(text) == responses.LONGEST_MESSAGE
    assert text.isprintable()
