"""RSS feeds and their traps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from producers.upstreams.rows import NewsRow, Parsed
from producers.upstreams.rss import parse_feed
from schemas.names import MOST_SOURCE_ID
from tests.unit.producers.upstreams import feeds
from tests.unit.producers.upstreams.feeds import feed, item
from tests.unit.producers.upstreams.reading import only, refusal


def test_an_article():
    assert parse_feed(feed(item()), feeds.URL) == Parsed(
        (
            NewsRow(
                source="rss",
                source_id="coindesk.com:7f3a",
                headline="Bitcoin ETF inflows hit a record",
                summary="Inflows & outflows. More.",
                url="https://www.coindesk.com/a?id=4",
                publisher="CoinDesk",
                published_at=1781352000000,
                tags=("Markets", "BTC"),
            ),
        )
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            item(title="S&amp;P &lt;b&gt;up&lt;/b&gt;"), {"headline": "S&P up"}, id="escaped"
        ),
        pytest.param(
            item(guid="https://e.com/9?utm_campaign=x"),
            {"source_id": "https://e.com/9"},
            id="an address as guid, tracked",
        ),
        pytest.param(
            item(guid=None), {"source_id": "https://www.coindesk.com/a?id=4"}, id="no guid"
        ),
        pytest.param(item(link=None), {"url": "", "source_id": "coindesk.com:7f3a"}, id="no link"),
        pytest.param(
            item(published="Sat, 13 Jun 2026 08:00:00 -0400"),
            {"published_at": 1781352000000},
            id="offset",
        ),
        pytest.param(
            item(published="Sat, 13 Jun 2026 12:00:00 GMT"),
            {"published_at": 1781352000000},
            id="GMT",
        ),
        pytest.param(item(published=None), {"published_at": None}, id="no time"),
        pytest.param(item(published="yesterday"), {"published_at": None}, id="time in words"),
        pytest.param(
            item(published=None, rest="<dc:date>2026-06-13T12:00:00Z</dc:date>"),
            {"published_at": 1781352000000},
            id="Dublin Core's date",
        ),
        pytest.param(item(description=None), {"summary": None}, id="no description"),
        pytest.param(
            item(description="<![CDATA[<img src='x'><script>alert(1)</script>]]>"),
            {"summary": None},
            id="nothing but an image and a script",
        ),
        pytest.param(
            item(rest="<source url='https://e.com'>Reuters</source>"),
            {"publisher": "Reuters"},
            id="taken from another publisher",
        ),
        pytest.param(
            item(
                rest="<media:content url='https://e.com/x.jpg'/><content:encoded>x</content:encoded>"
            ),
            {"summary": "Inflows & outflows. More.", "tags": ()},
            id="whole article and image beside it",
        ),
    ],
)
def test_forms_of_an_article(document, expected):
    row = parse_feed(feed(document), feeds.URL).rows[0]
    assert only(row, expected) == expected


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        pytest.param(
            item(title=None),
            "article of coindesk.com 1 (coindesk.com:7f3a) has no title",
            id="title",
        ),
        pytest.param(
            item(link=None, guid=None),
            "article of coindesk.com 1 has neither a link nor a guid",
            id="no id",
        ),
    ],
)
def test_articles_without_the_least_are_skipped(document, sentence):
    assert parse_feed(feed(document), feeds.URL) == Parsed((), (sentence,))


@pytest.mark.parametrize(
    "long",
    [
        pytest.param("https://e.example/" + "汤" * 1_200, id="case long-source-id"),
        pytest.param("https://e.example/" + "x" * 5_000, id="longer than any address"),
        pytest.param("urn:" + "x" * 5_000, id="no address"),
    ],
)
def test_a_long_guid_is_no_other_articles(long):
    document = feed(item(guid=f"{long}1") + item(guid=f"{long}2"))
    ids = [row.source_id for row in parse_feed(document, feeds.URL).rows]
    assert ids == [row.source_id for row in parse_feed(document, feeds.URL).rows]
    assert len(set(ids)) == 2
    assert max(map(len, ids)) < MOST_SOURCE_ID


def test_atom():
    document = (
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">'
        "<title>Decrypt - News</title>"
        '<entry><id>tag:decrypt.co,2026:1</id><title type="html">A &amp;amp; B</title>'
        '<link href="https://decrypt.co/1"/>'
        "<updated>2026-06-13T14:00:00+02:00</updated></entry></feed>"
    )
    row = parse_feed(document, "https://decrypt.co/feed").rows[0]
    assert (row.source_id, row.headline) == ("decrypt.co:tag:decrypt.co,2026:1", "A & B")
    assert (row.url, row.publisher) == ("https://decrypt.co/1", "Decrypt")
    assert row.published_at == 1781352000000


def links(
    *parts: str, channel: str = "", root: str = "", url: str = "https://arc.example/en/news/rss"
) -> list[str]:
    items = "".join(f"<item{part}</item>" for part in parts)
    head = f"<rss version='2.0'{root}><channel><title>Wire</title>{channel}"
    return [row.url for row in parse_feed(f"{head}{items}</channel></rss>", url).rows]


ONE, TWO = "><title>A</title><link>/en/news/1</link>", "><title>B</title><link>2?utm_x=1</link>"
SITE = "<link>https://site.example/blog/</link>"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param(
            {},
            ["https://arc.example/en/news/1", "https://arc.example/en/news/2"],
            id="the feed's address",
        ),
        pytest.param(
            {"channel": "<link>/en/</link>"},
            ["https://arc.example/en/news/1", "https://arc.example/en/2"],
            id="the channel's link, relative itself",
        ),
        pytest.param(
            {"channel": SITE},
            ["https://site.example/en/news/1", "https://site.example/blog/2"],
            id="the channel's link, elsewhere",
        ),
        pytest.param(
            {"channel": "<link>mailto:x@arc.example</link>"},
            ["https://arc.example/en/news/1", "https://arc.example/en/news/2"],
            id="a channel's link that is no address",
        ),
        pytest.param(
            {"channel": SITE, "root": " xml:base='https://base.example/x/'"},
            ["https://base.example/en/news/1", "https://base.example/x/2"],
            id="xml:base first",
        ),
        pytest.param(
            {"root": " xml:base='/x/'"},
            ["https://arc.example/en/news/1", "https://arc.example/x/2"],
            id="xml:base, relative itself",
        ),
    ],
)
def test_case_rss_relative_links(options, found):
    assert links(ONE, TWO, **options) == found


def test_the_base_of_one_article_is_not_the_next_ones():
    based = " xml:base='https://other.example/'><title>A</title><link>/1</link>"
    assert links(based, TWO) == ["https://other.example/1", "https://arc.example/en/news/2"]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        pytest.param(
            "><title>A</title><link>//cdn.example/1</link>", "https://cdn.example/1", id="//"
        ),
        pytest.param("><title>A</title><link>../1</link>", "https://arc.example/en/1", id=".."),
        pytest.param("><title>A</title><guid>/en/1</guid>", "https://arc.example/en/1", id="guid"),
        pytest.param("><title>A</title><guid>7f3a</guid>", "", id="a guid that is a name"),
        pytest.param(
            "><title>A</title><guid>7</guid><link>javascript:alert(1)</link>", "", id="a script"
        ),
        pytest.param("><title>A</title><guid>7</guid><link>http://[x</link>", "", id="no address"),
    ],
)
def test_forms_of_relative_links(part, found):
    assert links(part) == [found]


def test_relative_links_in_atom():
    document = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/blog/"><title>W</title>'
        '<link href="https://a.example/"/>'
        '<entry><title>A</title><id>urn:7</id><link href="posts/7"/></entry>'
        '<entry xml:base="sub/"><title>B</title><id>urn:8</id><link href="posts/8"/></entry>'
        "</feed>"
    )
    assert [row.url for row in parse_feed(document, "https://a.example/feed.xml").rows] == [
        "https://a.example/blog/posts/7",
        "https://a.example/blog/sub/posts/8",
    ]


def test_times_that_cannot_be_read_are_counted_and_shown():
    known, unknown = "Mon, 30 Nov 2026 09:00:00 CET", "Mon, 30 Nov 2026 09:00:00 XYZ"
    document = feed(item(guid="1", published=known), item(guid="2", published=unknown))
    parsed = parse_feed(document, feeds.URL)
    assert [row.published_at for row in parsed.rows] == [1796025600000, None]
    assert parsed.notes == (f"1 of 2 times cannot be read, the first {unknown!r}",)
    assert parse_feed(feed(item(published=None)), feeds.URL).notes == ()


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["rss-relative-links", "rss-zone-names"])
def test_cases_as_given(shared_data, name):
    given = shared_data.parent / "cases" / name / "feed.xml"
    if not given.is_file():
        pytest.skip("no cases beside the recorded data")
    rows = parse_feed(given.read_text("utf-8"), "https://arc.example/en/news/rss").rows
    if name == "rss-relative-links":
        assert [row.url for row in rows] == [
            "https://arc.example/en/news/1",
            "https://arc.example/en/news/2",
        ]
    else:
        assert [row.published_at for row in rows] == [
            1777532220000,
            1777532220000,
            1795996800000,
            1796025600000,
            1796047200000,
        ]


def test_the_encoding_that_the_document_had_before_does_not_matter():
    head = feeds.HEAD.replace("UTF-8", "ISO-8859-1")
    row = parse_feed(feed(item(title="Börse “€”"), head=head), feeds.URL).rows[0]
    assert row.headline == "Börse “€”"


def test_a_feed_that_breaks_off_gives_its_whole_articles():
    whole = item(guid="1") + item(guid="2")
    document = feed(whole + item(guid="3"))
    cut = document[: document.index("<guid>3")]
    parsed = parse_feed(cut, feeds.URL)
    assert [row.source_id for row in parsed.rows] == ["coindesk.com:1", "coindesk.com:2"]
    assert parsed.skipped == ()
    assert parsed.faults == ("the feed of coindesk.com breaks off after 2 articles",)


def test_a_feed_without_articles_is_empty():
    assert parse_feed(feed(), feeds.URL) == Parsed()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("<!doctype html><html><body>Just a moment...</body></html>", id="a page"),
        pytest.param('{"error": "x"}', id="JSON"),
        pytest.param("", id="nothing"),
        pytest.param("https://example.invalid/feed", id="an address is not fetched"),
        pytest.param(__file__, id="a file's name is not opened"),
    ],
)
def test_what_is_no_feed_is_an_error(document):
    assert refusal(parse_feed, document, feeds.URL) == "rss: what coindesk.com sends is no feed"


def test_entities_do_not_multiply():
    """Nine entities, each ten of the one before, would make a billion letters."""
    entities = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghij")
    )
    head = feeds.HEAD.replace("<rss", f"<!DOCTYPE rss [{entities}]><rss")
    parsed = parse_feed(feed(item(title="&j;"), head=head), feeds.URL)
    assert [row.headline for row in parsed.rows] == ["&j;"]


def test_other_files_are_not_read_into_a_feed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("classified")
    entity = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]><rss'
    parsed = parse_feed(
        feed(item(title="a &x; b"), head=feeds.HEAD.replace("<rss", entity)), feeds.URL
    )
    assert "classified" not in str(parsed)
