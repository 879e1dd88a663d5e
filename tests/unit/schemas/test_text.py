"""Numbers, times and addresses for people."""

from __future__ import annotations

import pytest

from schemas.text import age, big, cut, moment, price, rate, since_ms
from tests.unit.quantiva.status.samples import T0


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "-"),
        (-5_000, "now"),
        (999, "now"),
        (90_000, "90 s"),
        (125_000, "2 min"),
        (7_200_000, "2 h"),
        (172_800_000, "2 d"),
    ],
)
def test_an_age_has_its_largest_sensible_unit(ms: int | None, text: str) -> None:
    assert age(ms) == text


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (big(1_250_000_000), "1.25B"),
        (big(None), "-"),
        (big(12.0), "12"),
        (price(50_000.0), "50,000.00"),
        (price(0.00001234), "1.234e-05"),
        (rate(0.4), "0.4/s"),
        (rate(1234.0), "1,234/s"),
        (moment(T0), "01-01 00:00:00"),
        (moment(10**18), str(10**18)),
    ],
)
def test_numbers_keep_the_digits_that_matter(found: str, wanted: str) -> None:
    assert found == wanted


def test_a_long_text_is_cut_with_an_ellipsis_and_nothing_reaches_the_terminal_unseen() -> None:
    assert cut("one\ntwo\x1b[2J", 20) == "one two [2J"
    assert cut("abcdefghij", 5) == "abcd…"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("30s", T0 - 30_000),
        ("30m", T0 - 1_800_000),
        ("2 h", T0 - 7_200_000),
        ("7d", T0 - 7 * 86_400_000),
        ("2026-01-01", T0),
        ("2026-01-01T01:00+01:00", T0),
    ],
)
def test_since_takes_an_age_or_a_time(text: str, ms: int) -> None:
    assert since_ms(text, T0) == ms


def test_since_says_what_it_takes() -> None:
    with pytest.raises(ValueError, match="'yesterday' is no time: write 30m"):
        since_ms("yesterday", T0)
