"""Addresses as people may read them."""

from __future__ import annotations

import pytest

from schemas.address import conceal, shown


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("postgresql://u:secret@h:1/db?password=secret", "postgresql://h:1/db"),
        ("http://u:secret@h:1", "http://h:1"),
        ("http://h:1/registry", "http://h:1/registry"),
        ("host=h password=secret", "(an address that is no URL)"),
    ],
    ids=["dsn", "url", "a plain url", "no url"],
)
def test_an_address_is_shown_without_user_and_password(address: str, text: str) -> None:
    assert shown(address) == text


def test_conceal_blots_out_the_password_that_a_driver_repeats() -> None:
    said = conceal('wrong password "p@w" (p%40w) for u', "postgresql://u:p%40w@db/q")
    assert said == 'wrong password "***" (***) for u'
