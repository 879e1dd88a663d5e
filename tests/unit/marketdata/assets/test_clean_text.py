"""Headlines cleaned of what wrong decoding left in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.assets.clean_text import clean_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("Bitcoin ETF \\x93 Analyst", "Bitcoin ETF \u2013 Analyst", id="dash"),
        pytest.param("a \\x9cmetaverse\\x9d company", "a “metaverse” company", id="quotes"),
        pytest.param("Deutsche BÃ¶rse", "Deutsche Börse", id="UTF-8 read as Latin-1"),
        pytest.param("Ã\\x89ric and PaweÅ\\x82", "Éric and Paweł", id="half of it escaped"),
        pytest.param("aÂ\\xa0companyÂ\\xa0", "a company", id="no-break spaces"),
        pytest.param("their move.Â", "their move.", id="a lead byte alone"),
        pytest.param("S&amp;P &gt; 4,000", "S&P > 4,000", id="HTML entities"),
        pytest.param(" two\n lines ", "two lines", id="white space"),
        pytest.param(
            "Âge d\u2019or à São Paulo: €500", "Âge d\u2019or à São Paulo: €500", id="right text"
        ),
        pytest.param("ã¶", "ã¶", id="no UTF-8 either"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_clean_text(raw, clean):
    assert clean_text(raw) == clean


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&\\")))
def test_plain_ascii_is_left_alone_but_for_white_space(text):
    assert clean_text(text) == " ".join(text.split())


@given(st.text())
def test_any_text_is_cleaned_without_an_error(text):
    assert isinstance(clean_text(text), str)
