"""What an exchange announces, out of titles and sentences."""

from __future__ import annotations

from typing import Any

import pytest

from producers.upstreams.announcements import SpotMarket, parse_announcements, parse_markets
from producers.upstreams.rows import EventRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only, refusal

DAY_MS = 86_400_000
OCTOBER_5 = 1791158400000
HALF_PAST_EIGHT = OCTOBER_5 + 30_600_000
PUBLISHED = 1790000060000


def delisting(**changes: Any) -> Parsed[EventRow]:
    return parse_announcements(answers.announcements(**changes), "delistings")


def listing(**changes: Any) -> Parsed[EventRow]:
    kind = {"title": "New Listings", "key": "new_crypto"}
    return parse_announcements(answers.announcements(type=kind, **changes), "new_crypto")


def titled(title: str) -> tuple[str, ...]:
    """Return the coins of a delisting's title."""
    return tuple(coin for row in delisting(title=title).rows for _, coin in row.coins)


def test_a_delisting():
    assert delisting() == Parsed(
        (
            EventRow(
                source="announcements",
                source_id="blt0123456789abcdef",
                title="Delisting of ALPACA",
                coins=(("", "ALPACA"),),
                category="delisting",
                starts_at=HALF_PAST_EIGHT,
                precision="minute",
                impact=0.8,
                certainty=0.95,
                url=answers.ANNOUNCEMENT["url"],
                published_at=PUBLISHED,
            ),
        )
    )


@pytest.mark.parametrize(
    ("title", "coins"),
    [
        (
            "New Listing: Arbitrum (ARB) \u2014 Deposit, Trade and Stake ARB to Share USDT!",
            ("ARB",),
        ),
        ("Bybit will list PENGU (PENGU) for spot trading", ("PENGU",)),
        ("Bybit to list A1 (A1) and B2 (B2)", ("A1", "B2")),
        ("New listing: XDPUSDT Perpetual Contract in Innovation Zone, up to 25x", ("XDPUSDT",)),
        ("New Listing: BAZ/USDT Perpetual", ("BAZ",)),
    ],
)
def test_the_coins_of_a_listing(title, coins):
    row = listing(title=title).rows[0]
    assert (tuple(coin for _, coin in row.coins), row.category) == (coins, "listing")


@pytest.mark.parametrize(
    ("title", "coins"),
    [
        ("Delisting of L3,VIC", ("L3", "VIC")),
        ("Delisting of 1000XUSDT and ABCUSDT Perpetual Contracts", ("1000XUSDT", "ABCUSDT")),
        ("Delisting of ORBSUSDT Perpetual  Contract", ("ORBSUSDT",)),
        ("Bybit Will Delist CRV Spot Pair", ("CRV",)),
        ("Bybit Will Delist Alpaca Finance (ALPACA), USDT pairs on 2026-10-15", ("ALPACA",)),
        ("Notice of delisting for FOO & BAR at 9AM UTC", ("FOO", "BAR")),
        ("Delisting of FOO/EUR", ("FOO",)),
        ("Bybit to Delist 4 Token(s) on Sep 24, 2026", ()),
        ("BYBIT WILL DELIST SOME COINS", ()),
        ("Delisting of USDC pairs", ()),
    ],
)
def test_the_coins_of_a_delisting(title, coins):
    assert titled(title) == coins


def test_one_that_names_no_coin_is_skipped_and_said():
    parsed = delisting(title="Bybit to Delist 4 Token(s) on Sep 24, 2026")
    assert parsed.skipped == ("announcement 1 (blt0123456789abcdef) names no coin",)
    assert "none of 1 rows could be used" in parsed.problem()


@pytest.mark.parametrize(
    ("said", "starts_at", "precision"),
    [
        ("on Oct 5, 2026, 8AM UTC", OCTOBER_5 + 8 * 3_600_000, "minute"),
        ("on Oct 5, 2026, 12PM UTC", OCTOBER_5 + 12 * 3_600_000, "minute"),
        ("on Oct 5, 2026, 12:05AM UTC", OCTOBER_5 + 5 * 60_000, "minute"),
        ("at 2026-10-05 08:30 (UTC)", HALF_PAST_EIGHT, "minute"),
        ("on 5 October 2026 at 08:30 UTC", HALF_PAST_EIGHT, "minute"),
        ("on October 5th, 2026", OCTOBER_5 + DAY_MS - 1, "day"),
        ("on Oct 5, 2026, 8AM", OCTOBER_5 + DAY_MS - 1, "day"),
        ("on Oct 5, 2026, 8AM UTC+8", OCTOBER_5 + DAY_MS - 1, "day"),
        ("on Oct 5, 2026, 25:00 UTC", OCTOBER_5 + DAY_MS - 1, "day"),
        ("on Oct 9, 2026; deposits until Oct 5, 2026", OCTOBER_5 + DAY_MS - 1, "day"),
        ("as on Sep 1, 2026, then on Oct 5, 2026", OCTOBER_5 + DAY_MS - 1, "day"),
        ("on Feb 31, 2027, or on Oct 5, 2026", OCTOBER_5 + DAY_MS - 1, "day"),
    ],
)
def test_the_date(said, starts_at, precision):
    row = delisting(description=f"It ends {said}.").rows[0]
    assert (row.starts_at, row.precision, row.deadline) == (starts_at, precision, False)


def test_a_delisting_without_a_date_is_due_within_a_week():
    (row,) = delisting(description="Soon.").rows
    assert only(row, ("starts_at", "precision", "deadline")) == {
        "starts_at": PUBLISHED + 7 * DAY_MS,
        "precision": "month",
        "deadline": True,
    }
    assert row.certainty == pytest.approx(0.95 * 0.6 * 0.7)


@pytest.mark.parametrize("said", ["Soon.", "Since Sep 1, 2026, 8AM UTC."])
def test_a_listing_without_a_date_ahead_is_counted(said):
    parsed = listing(title="New Listing: Foo (FOO)", description=said)
    assert (parsed.rows, parsed.skipped) == ((), ())
    assert parsed.notes == ("1 of 1 new_crypto name no date ahead",)
    assert parsed.problem() == ""


@pytest.mark.parametrize(
    ("changes", "impact"),
    [
        pytest.param({}, 0.8, id="spot"),
        pytest.param({"title": "Delisting of FOOUSDT Perpetual Contract"}, 0.2, id="a contract"),
        pytest.param({"tags": ["Derivatives", "Delistings"]}, 0.2, id="by its tags"),
        pytest.param({"tags": ["Derivatives", "Spot"]}, 0.8, id="spot, too"),
        pytest.param({"title": "Delisting of FOO from Bybit Earn"}, 0.2, id="a product"),
        pytest.param({"title": "Delisting of FOO/EUR, BAR/BTC"}, 0.2, id="other pairs"),
        pytest.param({"title": "Delisting of FOO/EUR, FOO/USDT"}, 0.8, id="that of the dollar"),
        pytest.param({"tags": None}, 0.8, id="no tags"),
    ],
)
def test_what_leaves_the_spot_market_alone_counts_a_quarter(changes, impact):
    assert delisting(**changes).rows[0].impact == pytest.approx(impact)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"publishTime": None}, {"published_at": 1790000000000}, id="the author's"),
        pytest.param(
            {"url": "https://announcements.bybit.com/en-US/article/delisting-of-foo/"},
            {"source_id": "delisting-of-foo"},
            id="no id in the address",
        ),
        pytest.param({"title": "Cancelled: Delisting of FOO"}, {"cancelled": True}, id="off"),
    ],
)
def test_nulls_and_odd_values(changes, expected):
    assert only(delisting(**changes).rows[0], expected) == expected


def test_what_is_of_another_kind_is_left_out():
    other = {"title": "Latest Activities", "key": "latest_activities"}
    assert delisting(type=other) == Parsed()
    splash = "KII Alpha Token Splash\u2014 Grab a share of the 2,000,000 KII prize pool"
    assert listing(title=splash) == Parsed()


def test_new_coins_of_which_none_is_worded_as_a_listing_are_an_error():
    answer = answers.announcements(
        title="Fresh coins: Foo (FOO)", type={"key": "new_crypto", "title": "New"}
    )
    answer["result"]["list"] *= 12
    said = refusal(parse_announcements, answer, "new_crypto")
    assert said.startswith("announcements: none of 12 announcements is worded as a listing")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"retCode": 10018, "retMsg": "slow down", "result": {}},
            "error 10018; it says: slow down",
        ),
        ({"retCode": 0, "result": []}, '"result" in the answer is a list, not an object'),
        ({"retCode": 0, "result": {"rows": []}}, 'has no "list"'),
        ([], 'the answer is a list, not an object with "result"'),
    ],
)
def test_an_answer_of_another_shape(answer, said):
    assert said in refusal(parse_announcements, answer, "delistings")
    assert said in refusal(parse_markets, answer)


def test_markets():
    parsed = parse_markets(answers.markets_of_bybit(status="PreLaunch"))
    assert parsed.rows == (SpotMarket("BTC", False),)
    assert parse_markets(answers.markets_of_bybit()).rows == (SpotMarket("BTC", True),)
