"""How an article is known when it comes again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.engines import repetition
from streams.engines.repetition import ENTRY_BYTES, repeats
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._records import T0, make_news, scored

GOOD = "Traders turn bullish"
URL = "https://a.example/1"
BAD = "Exchange hacked"


def entry(article: Any) -> bytes:
    return repetition.entry(scored(article))


def test_an_entry_ignores_capitals_and_spaces() -> None:
    one, other = make_news("Exchange  Hacked "), make_news("exchange hacked")
    assert entry(one) == entry(other)
    assert len(entry(one)) == len(entry(make_news(BAD, url=URL))) == ENTRY_BYTES


@pytest.mark.parametrize(
    ("later_ms", "expected"),
    [
        pytest.param(0, True, id="at-once"),
        pytest.param(47 * HOUR_MS, True, id="47-hours"),
        pytest.param(48 * HOUR_MS - 60_000, True, id="a-minute-less"),
        pytest.param(48 * HOUR_MS, False, id="48-hours"),
        pytest.param(9 * DAY_MS, False, id="9-days"),
        pytest.param(-9 * DAY_MS, True, id="published-before"),
    ],
)
@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"headline": BAD, "url": "https://b.example/2"}, id="same-headline"),
        pytest.param({"headline": "Another", "url": URL}, id="same-url"),
    ],
)
def test_a_repetition_is_known_for_two_days(
    later_ms: int, expected: bool, again: dict[str, str]
) -> None:
    remembered = entry(make_news(GOOD)) + entry(make_news(BAD, url=URL)) + entry(make_news("x"))
    published_at = T0 + later_ms
    copy = make_news(at=T0 + 10 * DAY_MS, published_at=published_at, **again)
    assert repeats(remembered, entry(copy), 48 * HOUR_MS) is expected


def test_the_newest_of_several_entries_counts() -> None:
    old, newer = (entry(make_news(BAD, T0 + days * DAY_MS)) for days in (0, 3))
    again = entry(make_news(BAD, T0 + 4 * DAY_MS))
    assert repeats(old + newer, again, 2 * DAY_MS)
    assert not repeats(old, again, 2 * DAY_MS)


@pytest.mark.parametrize(
    "when",
    [
        pytest.param({}, id="as-it-was"),
        pytest.param({"published_at": T0 - DAY_MS}, id="published-the-day-before"),
    ],
)
def test_an_article_fetched_again_is_known_however_late(when: dict[str, int]) -> None:
    article = make_news(BAD, **when)
    again = msgspec.structs.replace(article, observed_at=T0 + 90 * DAY_MS)
    assert repeats(entry(article), entry(again), 2 * DAY_MS)


def test_a_time_in_the_future_does_not_block_a_headline() -> None:
    liar = make_news(BAD, published_at=T0 + 9000 * DAY_MS)
    assert not repeats(entry(liar), entry(make_news(BAD, T0 + 3 * DAY_MS)), 2 * DAY_MS)


def test_articles_without_url_are_not_the_same() -> None:
    assert not repeats(entry(make_news(BAD)), entry(make_news(GOOD)), 2 * DAY_MS)


def test_memory_is_searched_entry_by_entry() -> None:
    """Bytes that are the same by chance, across or in another place of an entry, do not count."""
    new = entry(make_news(BAD, url=URL))
    shifted = b"1234" + new + b"0123456789ab"
    swapped = new[6:12] + new[:6] + new[12:]
    assert not repeats(shifted, new, 2 * DAY_MS)
    assert not repeats(swapped, new, 2 * DAY_MS)
    assert repeats(shifted + swapped + new, new, 2 * DAY_MS)
