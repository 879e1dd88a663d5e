"""Lists of names in the environment, and which exchanges they mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from producers.settings import SourceSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE", "EXCHANGES", "EXCHANGE_URL", "PINNED", "QUOTE", "TOP"):
        monkeypatch.delenv(f"QUANTIVA_{name}", raising=False)


def test_by_default_four_exchanges_and_two_pinned_coins() -> None:
    settings = SourceSettings()
    assert settings.all_exchanges == ("binance", "bybit", "kraken", "okx")
    assert (settings.pinned, settings.quote) == (("BTC", "ETH"), ("USDT", "USD"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("kraken,OKX , binance", ("kraken", "okx", "binance"), id="commas"),
        pytest.param('["kraken", "okx"]', ("kraken", "okx"), id="JSON"),
        pytest.param("kraken", ("kraken",), id="one"),
        pytest.param("okx,okx,", ("okx",), id="twice"),
    ],
)
def test_exchanges(monkeypatch: pytest.MonkeyPatch, text: str, names: tuple[str, ...]) -> None:
    monkeypatch.setenv("QUANTIVA_EXCHANGES", text)
    assert SourceSettings().all_exchanges == names


def test_the_setting_of_one_exchange_works_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTIVA_EXCHANGE", "bybit")
    monkeypatch.setenv("QUANTIVA_EXCHANGE_URL", "http://127.0.0.1:1")
    settings = SourceSettings()
    assert settings.all_exchanges == ("bybit",)
    assert settings.stand_in("bybit") == "http://127.0.0.1:1"
    monkeypatch.setenv("QUANTIVA_EXCHANGE", "")
    assert len(SourceSettings().all_exchanges) == 4


def test_stand_ins_by_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTIVA_EXCHANGE_URLS", '{"kraken": "http://127.0.0.1:2"}')
    settings = SourceSettings()
    assert settings.stand_in("kraken") == "http://127.0.0.1:2"
    assert settings.stand_in("binance") is None


def test_pinned_assets_are_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTIVA_PINNED", "btc, $sol")
    assert SourceSettings().pinned == ("BTC", "SOL")
    monkeypatch.setenv("QUANTIVA_PINNED", "")
    assert SourceSettings().pinned == ()
    monkeypatch.setenv("QUANTIVA_PINNED", "BTC,a coin")
    with pytest.raises(ValidationError, match="'A COIN' is not a symbol"):
        SourceSettings()


@pytest.mark.parametrize("name", ["QUANTIVA_TOP", "QUANTIVA_TRENDING_SIZE"])
def test_the_size_has_two_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "7")
    assert SourceSettings().most_watched == 7
