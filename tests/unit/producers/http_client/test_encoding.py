"""Which text bytes are: what header and document claim, and what the bytes show."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.assets.clean_text import UNREADABLE
from producers.http_client.encoding import text_of
from producers.upstreams.rss import parse_feed

RUSSIAN = "Биткоин растёт: «быки» впереди"


def document(claim: str, title: str = RUSSIAN) -> str:
    return (
        f'<?xml version="1.0" encoding="{claim}"?><rss version="2.0"><channel><title>Wire</title>'
        f"<item><title>{title}</title><link>https://n.example/1</link></item></channel></rss>"
    )


@pytest.mark.parametrize(
    ("claim", "codec", "header"),
    [
        pytest.param("windows-1251", "utf-8", "text/xml", id="the document lies"),
        pytest.param("utf-8", "utf-8", "text/xml; charset=windows-1251", id="the header lies"),
        pytest.param("koi8-r", "utf-8", "text/xml; charset=iso-8859-1", id="both lie"),
        pytest.param("utf-16", "utf-8", "text/xml", id="UTF-16 is claimed"),
        pytest.param("utf-8", "utf-16", "text/xml; charset=utf-8", id="UTF-16, marked"),
        pytest.param("utf-16", "utf-16-le", None, id="UTF-16, little end, no mark"),
        pytest.param("utf-16", "utf-16-be", "text/xml", id="UTF-16, big end, no mark"),
        pytest.param("windows-1251", "utf-8-sig", None, id="UTF-8, marked"),
        pytest.param("windows-1251", "cp1251", "text/xml", id="the document is right"),
        pytest.param("utf-8", "cp1251", "text/xml; charset=windows-1251", id="the header is right"),
        pytest.param("windows-1251", "cp1251", "text/xml; charset=ISO-8859-1", id="a default"),
        pytest.param("nonsense", "utf-8", "text/xml; charset=nonsense", id="nonsense"),
    ],
)
def test_case_rss_encoding_lie_the_bytes_are_believed(
    claim: str, codec: str, header: str | None
) -> None:
    text = text_of(document(claim).encode(codec), header)
    assert text == document(claim)
    assert [row.headline for row in parse_feed(text, "https://n.example/rss").rows] == [RUSSIAN]


def test_plain_ascii_is_itself_whatever_is_claimed() -> None:
    for claim in ("utf-16", "cp037", "utf-7", "shift_jis", "iso-2022-jp"):
        text = document(claim, "Bitcoin rises +AGE-")
        assert text_of(text.encode("ascii"), f"text/xml; charset={claim}") == text


def test_an_encoding_in_seven_bits_is_believed() -> None:
    text = document("iso-2022-jp", "ビットコイン")
    assert text_of(text.encode("iso-2022-jp"), None) == text


def test_bytes_that_no_claim_fits_are_not_published() -> None:
    items = "</title><link>https://n.example/2</link></item><item><title>Bitcoin falls"
    text = text_of(document("utf-8", RUSSIAN + items).encode("cp1251"), "text/xml")
    assert UNREADABLE in text
    parsed = parse_feed(text, "https://n.example/rss")
    assert [row.headline for row in parsed.rows] == ["Bitcoin falls"]
    assert parsed.skipped == (
        "article of n.example 1 (https://n.example/2) has a title that cannot be decoded",
    )


def test_a_broken_letter_costs_its_headline_and_no_other() -> None:
    items = "</title><link>https://n.example/2</link></item><item><title>Bitcoin f\xe4llt"
    body = document("utf-8", RUSSIAN + "?" + items).encode().replace(b"?</title>", b"\xd0</title>")
    text = text_of(body, "text/xml; charset=iso-8859-1")
    assert [row.headline for row in parse_feed(text, "https://n.example/rss").rows] == [
        "Bitcoin f\xe4llt"
    ]


def test_a_publishers_own_wrong_decoding_is_repaired() -> None:
    text = document("utf-8", RUSSIAN.encode().decode("cp1251", "ignore"))
    assert [row.headline for row in parse_feed(text, "https://n.example/rss").rows] == [RUSSIAN]


@given(
    st.binary(max_size=300), st.sampled_from([None, "text/xml; charset=big5", "x", "a; charset="])
)
def test_any_bytes_are_some_text(body: bytes, header: str | None) -> None:
    assert isinstance(text_of(body, header), str)


@pytest.mark.shared_data
def test_case_rss_encoding_lie_as_given(shared_data: Path) -> None:
    folder = shared_data.parent / "cases" / "rss-encoding-lie"
    if not folder.is_dir():
        pytest.skip("no cases beside the recorded data")
    text = text_of((folder / "feed.xml").read_bytes(), "text/xml")
    wanted = (folder / "headline.txt").read_text("utf-8").strip()
    assert [row.headline for row in parse_feed(text, "https://n.example/rss").rows] == [wanted]
