"""Single values out of JSON of any type."""

from __future__ import annotations

import pytest

from producers.upstreams import fields
from schemas.names import short_id


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(3, 3.0, id="int"),
        pytest.param(-0.5, -0.5, id="float"),
        pytest.param("0.0000000000782", 7.82e-11, id="text"),
        pytest.param("$521,967,819", 521_967_819.0, id="dollars with commas"),
        pytest.param("-$3.20", -3.2, id="minus before the dollar"),
        pytest.param("$-3.20", -3.2, id="minus after it"),
        pytest.param("7.8e-11", 7.8e-11, id="exponent"),
        pytest.param("-3.2 %", -3.2, id="percent"),
        pytest.param(True, None, id="a boolean is no number"),
        pytest.param(float("nan"), None, id="NaN"),
        pytest.param(float("inf"), None, id="infinite"),
        pytest.param("nan", None, id="NaN in words"),
        pytest.param("1e999", None, id="text beyond floats"),
        pytest.param(10**400, None, id="int beyond floats"),
        pytest.param("--3", None, id="two signs"),
        pytest.param("6.98 ETH", None, id="with a unit"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param([1], None, id="list"),
        pytest.param({"usd": 1}, None, id="object"),
    ],
)
def test_number(value, found):
    assert fields.number(value) == found


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        pytest.param(fields.amount, 0, 0.0, id="an amount may be 0"),
        pytest.param(fields.amount, -1, None, id="not below"),
        pytest.param(fields.amount, 1e33, None, id="nor beyond what engines bear"),
        pytest.param(fields.known_amount, 0, None, id="0 where 0 means unknown"),
        pytest.param(fields.price, 0, None, id="nothing costs nothing"),
        pytest.param(fields.price, 5e-19, None, id="price too small"),
        pytest.param(fields.price, "0.5", 0.5, id="price in text"),
        pytest.param(fields.share_pct, 100, 100.0, id="share of all"),
        pytest.param(fields.share_pct, 100.1, None, id="share of more than all"),
        pytest.param(fields.change_pct, -99.9, -99.9, id="change down"),
        pytest.param(fields.rank, "3", 3, id="rank in text"),
        pytest.param(fields.rank, 3.0, 3, id="rank as a float"),
        pytest.param(fields.rank, 3.5, None, id="rank between two"),
        pytest.param(fields.rank, 0, None, id="rank 0"),
        pytest.param(fields.rank, 2**31, None, id="rank beyond the schema's int"),
        pytest.param(fields.pages, None, 1, id="pages unsaid"),
        pytest.param(fields.identity, 200001, "200001", id="id as a number"),
        pytest.param(fields.identity, False, None, id="id as a boolean"),
        pytest.param(fields.identity, 10**5000, None, id="id as a huge number"),
        pytest.param(fields.identity, " a-1 ", "a-1", id="id as text"),
        pytest.param(fields.identity, "x" * 5000, short_id("x" * 5000), id="a long id"),
        pytest.param(fields.identity, "", None, id="no id"),
        pytest.param(fields.identity, ["1"], None, id="id as a list"),
        pytest.param(fields.label, "Positive", "positive", id="label in capitals"),
        pytest.param(fields.label, "mixed", None, id="label that no engine knows"),
        pytest.param(fields.label, 1, None, id="label as a number"),
    ],
)
def test_values_in_range(read, value, found):
    assert read(value) == found


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param("<p>One &amp; two.</p><p>Three</p>", "One & two. Three", id="HTML"),
        pytest.param("<b>Bit</b>coin<br/>rallies", "Bitcoin rallies", id="tags in a word"),
        pytest.param("a<script>alert(1)</script><!-- x -->b", "ab", id="scripts, comments"),
        pytest.param("BTC <50k, ETH > 3k", "BTC <50k, ETH > 3k", id="less than is no tag"),
        pytest.param("1 < 2 & 3 > 2", "1 < 2 & 3 > 2", id="nor between numbers"),
        pytest.param("a\x00b\x1b[31m c\u202e", "ab[31m c", id="control characters"),
        pytest.param("half \ud83d a pair", "half a pair", id="half a surrogate pair"),
        pytest.param("\ufeff  two\n\tlines ", "two lines", id="white space"),
        pytest.param(" <p> </p> ", None, id="nothing left"),
        pytest.param(7, None, id="number"),
        pytest.param(None, None, id="null"),
    ],
)
def test_text(value, plain):
    assert fields.text(value) == plain


def test_long_texts_are_cut_at_a_word():
    assert fields.text("one two three four", 12) == "one two\u2026"
    assert fields.text("x" * 20, 12) == "x" * 11 + "\u2026"
    assert fields.text("exactly twelve"[:12], 12) == "exactly twel"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param("btc", "BTC", id="small letters"),
        pytest.param("$WIF", "WIF", id="cash tag"),
        pytest.param(" 1INCH ", "1INCH", id="digits"),
        pytest.param("USD COIN", None, id="blank"),
        pytest.param("", None, id="empty"),
        pytest.param("$", None, id="only the sign"),
        pytest.param("X" * 31, None, id="too long"),
        pytest.param("BTC " + "X" * 600, None, id="too long for any text"),
        pytest.param(404, None, id="number"),
        pytest.param(None, None, id="null"),
    ],
)
def test_symbol(value, found):
    assert fields.symbol(value) == found


def test_symbols_come_once_and_odd_ones_are_left_out():
    assert fields.symbols(["btc", "BTC", None, 3, "", "ETH"]) == ("BTC", "ETH")
    assert fields.symbols("BTC") == ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(
            "https://e.com/a?utm_source=rss&id=4&UTM_Medium=x&fbclid=y#top",
            "https://e.com/a?id=4",
            id="tracking and fragment",
        ),
        pytest.param("https://e.com/?utm_source=rss", "https://e.com/", id="tracking alone"),
        pytest.param("https://e.com/a?b=1&b=2", "https://e.com/a?b=1&b=2", id="repeated names"),
        pytest.param(" HTTP://e.com/a ", "HTTP://e.com/a", id="blanks around"),
        pytest.param("javascript:alert(1)", "", id="no web address"),
        pytest.param("//e.com/a", "", id="no scheme"),
        pytest.param("https://e.com/a b", "", id="blank within"),
        pytest.param("https://e.com/" + "a" * 2000, "", id="too long"),
        pytest.param(None, "", id="null"),
        pytest.param(["https://e.com"], "", id="list"),
    ],
)
def test_url(value, found):
    assert fields.url(value) == found


def test_host():
    assert fields.host("https://www.coindesk.com/arc/rss?x=1") == "coindesk.com"
    assert fields.host("") == ""
