"""Secrets do not get into what people read."""

from __future__ import annotations

import pytest

from schemas.redact import conceal, redacted, shown

HIDDEN = [
    pytest.param(
        "https://a.io/v1?tickers=BTC&token=abc", "https://a.io/v1?tickers=BTC&token=***", id="token"
    ),
    pytest.param(
        "/x?x_cg_demo_api_key=CG-1&ids=a", "/x?x_cg_demo_api_key=***&ids=a", id="coingecko"
    ),
    pytest.param("/p?auth_token=t&page=2", "/p?auth_token=***&page=2", id="auth_token"),
    pytest.param(
        "/o?symbol=X&signature=ff&timestamp=1", "/o?symbol=X&signature=***&timestamp=1", id="signed"
    ),
    pytest.param("/o?api_key=1&apiKey=2&KEY=3", "/o?api_key=***&apiKey=***&KEY=***", id="any case"),
    pytest.param("Authorization: Bearer abc.def-1", "Authorization: Bearer ***", id="bearer"),
    pytest.param('{"apiKey": "a1b2", "q": 1}', '{"apiKey": "***", "q": 1}', id="json"),
    pytest.param("x-api-key: 12ab", "x-api-key: ***", id="header"),
    pytest.param("https://me:pw@host/x", "https://***@host/x", id="user and password"),
]
KEPT = [
    pytest.param("https://a.io/v1?keywords=btc&tickers=BTC&page=1", id="other parameters"),
    pytest.param("the key: it is missing; token: expired", id="words after a colon"),
    pytest.param("429 at /coins/list/v1 (Basic plan)", id="no secret"),
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN)
def test_what_is_named_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_the_rest_is_kept(text: str) -> None:
    assert redacted(text, ["not-in-it"]) == text


@pytest.mark.parametrize(
    ("secrets", "text"),
    [
        pytest.param(["s3cret"], "wrong: s3cret!", id="plain"),
        pytest.param(["s3cret"], "wrong: S3CRET!", id="another case"),
        pytest.param(["a+b/c="], "wrong: a%2Bb%2Fc%3D!", id="percent-encoded"),
        pytest.param(["a+b/c="], "wrong: a%2bb/c%3d!", id="partly, in lower case"),
        pytest.param(["a+b c:/ü"], "wrong: a%2bb+c:%2F%c3%BC!", id="some of it, as some do"),
        pytest.param(["s3", "s3cret", ""], "wrong: s3cret!", id="one in another"),
    ],
)
def test_known_secrets_are_hidden_wherever(secrets: list[str], text: str) -> None:
    assert redacted(text, secrets) == "wrong: ***!"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("postgresql://u:secret@h:1/db?password=secret", "postgresql://h:1/db"),
        ("http://u:secret@h:1", "http://h:1"),
        ("http://h:1/registry", "http://h:1/registry"),
        ("host=h password=secret", "(an address that is no URL)"),
        ("postgresql://u:pw@[h/db", "(an address that is no URL)"),
    ],
    ids=["dsn", "url", "a plain url", "no url", "broken url"],
)
def test_an_address_is_shown_without_user_and_password(address: str, text: str) -> None:
    assert shown(address) == text


def test_conceal_blots_out_the_password_that_a_driver_repeats() -> None:
    said = conceal('wrong password "p@w" (p%40w) for u', "postgresql://u:p%40w@db/q")
    assert said == 'wrong password "***" (***) for u'
