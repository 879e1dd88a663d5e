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
        pytest.param("it&acirc;&euro;&trade;s", "it\u2019s", id="entities of wrong letters"),
        pytest.param(" two\n lines ", "two lines", id="white space"),
        pytest.param(
            "Âge d\u2019or à São Paulo: €500", "Âge d\u2019or à São Paulo: €500", id="right text"
        ),
        pytest.param("ã¶", "ã¶", id="no UTF-8 either"),
        pytest.param("Биткоин растёт — «быки»", "Биткоин растёт — «быки»", id="right Cyrillic"),
        pytest.param(
            "«NO TÚ», ビットコイン 涨", "«NO TÚ», ビットコイン 涨", id="right text of others"
        ),
        pytest.param("", "", id="nothing"),
    ],
)
def test_clean_text(raw, clean):
    assert clean_text(raw) == clean


@pytest.mark.parametrize("read_as", ["cp1252", "latin-1"])
@pytest.mark.parametrize("right", ["Bitcoin\u2019s rally \u2013 now", "Börse in São Paulo", "100º"])
def test_utf_8_read_as_another_encoding_is_read_again(right, read_as):
    assert clean_text(right.encode().decode(read_as)) == right


def test_utf_8_read_as_cyrillic_is_read_again():
    assert clean_text("Биткоин растёт: «быки»".encode().decode("cp1251", "ignore")) == (
        "Биткоин растёт: «быки»"
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&\\")))
def test_plain_ascii_is_left_alone_but_for_white_space(text):
    assert clean_text(text) == " ".join(text.split())


@given(st.text())
def test_any_text_is_cleaned_without_an_error(text):
    assert isinstance(clean_text(text), str)
