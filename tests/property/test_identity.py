"""Laws of who is who: catalogues, titles, headlines seen, markets."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marketdata.assets.asset_tagger import assets_of
from marketdata.assets.markets import choose
from marketdata.assets.mentions import mentioned
from marketdata.assets.symbols import Catalogue
from producers.dedup.headlines import WITHIN_MS, SeenNews, canonical_url
from producers.dedup.titles import is_same_story, title_of
from producers.upstreams.rows import CoinRow
from schemas.coins import is_money
from tests.unit.marketdata.assets._catalogue import (
    CATALOGUE,
    HOUR_MS,
    T0,
    article,
    coin,
    coins,
    row,
)

SYMBOLS = "BTC ETH XRP NEAR ONE US A S USDT EURC WBTC CRV CRVUSD 1000SATS SATS 1INCH XBT"
NAMES = ("Bitcoin", "Bitcoin Cash", "Near", "Sonic", "Flow", "One", "Tether")
rows = st.builds(
    coin,
    st.sampled_from(SYMBOLS.split()) | st.text(max_size=6),
    st.sampled_from(NAMES) | st.text(max_size=12),
    st.none() | st.integers(1, 50),
    st.sampled_from(["", "bitcoin", "near", "sonic-3"]),
)
lists = st.lists(rows, max_size=25)
texts = st.text(max_size=80) | st.sampled_from(
    ["BTC/USDT", "bitcoin", "1000SATSUSDT", "S/USDT", "BTC-PERP", "near", "USDT"]
)

WORDS = """
    Bitcoin Ethereum Cardano BTC Binance SEC rises falls after the of in new court fund approves
    rejects not 5% $94,000 1/17 million billion token hack listing bridge Paris?
"""
titles = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=12).map(" ".join)
any_titles = titles | st.text(max_size=60)


@given(lists.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_a_list_makes_no_difference(
    both: tuple[list[CoinRow], list[CoinRow]],
) -> None:
    assert Catalogue.of(both[0]) == Catalogue.of(both[1])


@given(lists, texts)
def test_a_meaning_is_an_asset_that_means_itself(some: list[CoinRow], text: str) -> None:
    catalogue = Catalogue.of(some)
    asset = catalogue.resolve(text)
    if asset is not None:
        assert asset == asset.upper()
        assert not is_money(asset)
        assert asset in catalogue.by_symbol
        assert catalogue.of_symbol(catalogue.of_symbol(asset) or "") is not None


@given(lists, lists)
def test_a_list_again_changes_nothing(first: list[CoinRow], second: list[CoinRow]) -> None:
    catalogue = Catalogue.of(first).updated(second)
    assert catalogue.updated(second) == catalogue


@given(lists)
def test_every_symbol_is_its_best_ranked_coins(some: list[CoinRow]) -> None:
    catalogue = Catalogue.of(some)
    for (symbol, _), listed in catalogue.coins.items():
        if symbol in catalogue.by_symbol:
            assert catalogue.by_symbol[symbol].rank <= listed.rank


@given(st.text(max_size=200), st.lists(st.text(max_size=8), max_size=4))
def test_any_text_has_known_assets_each_once(text: str, tags: list[str]) -> None:
    found = assets_of(row(text, tags=tuple(tags)), CATALOGUE)
    assert len(set(found)) == len(found)
    assert set(found) <= set(CATALOGUE.by_symbol)


@given(titles, st.lists(st.sampled_from(WORDS.split()), max_size=10))
def test_small_coins_called_by_words_change_no_headline(headline: str, jokes: list[str]) -> None:
    rows_ = [*coins(), *(coin(word.upper(), word, 1001 + n) for n, word in enumerate(jokes))]
    assert mentioned(headline, Catalogue.of(rows_)) == mentioned(headline, CATALOGUE)


@given(any_titles, any_titles)
def test_saying_the_same_goes_both_ways(one: str, other: str) -> None:
    a, b = title_of(one), title_of(other)
    assert is_same_story(a, b) == is_same_story(b, a)


@given(titles, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 12))
def test_another_number_is_another_title(title: str, one: int, other: int, place: int) -> None:
    def with_number(number: int) -> str:
        words = title.split()
        return " ".join([*words[:place], f"price {number:,}", *words[place:]])

    same = is_same_story(title_of(with_number(one)), title_of(with_number(other)))
    assert not same or one == other


@given(titles, st.sampled_from(["Solana", "XRP", "BNB"]), st.sampled_from(["Tron", "ADA", "LTC"]))
def test_another_asset_is_another_title(title: str, one: str, other: str) -> None:
    assert not is_same_story(title_of(f"{one} {title}"), title_of(f"{other} {title}"))


@given(st.text(max_size=60) | st.from_regex(r"https?://(www\.)?[a-z]{1,8}\.org/[a-z?&=/]{0,20}"))
def test_an_address_as_compared_stays(url: str) -> None:
    assert canonical_url(canonical_url(url)) == canonical_url(url)


articles = st.builds(
    article,
    titles,
    st.integers(T0, T0 + 100 * HOUR_MS),
    published_at=st.none() | st.integers(T0 - 60 * HOUR_MS, T0 + 120 * HOUR_MS),
    url=st.sampled_from(["", "https://a.org/1", "https://a.org/2", "http://www.a.org/1?utm_id=x"]),
    asset=st.sampled_from(["BTC", "ETH"]),
)
news = st.lists(articles, max_size=20).map(lambda some: sorted(some, key=lambda a: a.observed_at))


@given(news)
def test_what_was_applied_is_not_new(some: list[Any]) -> None:
    seen = SeenNews()
    for each in some:
        seen.apply(each)
        says_little = len("".join(title_of(each.headline).words)) < 12
        assert not seen.is_new(each) or (says_little and not each.url)


@given(news, st.integers(0, 20))
def test_a_restored_snapshot_goes_on_the_same(some: list[Any], cut: int) -> None:
    through, before, after = SeenNews(), SeenNews(), SeenNews()
    for each in some[:cut]:
        before.apply(each)
    after.restore(before.snapshot())
    for place, each in enumerate(some):
        reason = through.why_not(each)
        if place >= cut:
            assert after.why_not(each) == reason
            after.apply(each)
        through.apply(each)
    assert after.snapshot() == through.snapshot()


@given(news)
def test_applied_twice_is_applied_once(some: list[Any]) -> None:
    once, twice = SeenNews(), SeenNews()
    for each in some:
        once.apply(each)
    for each in [*some, *some]:
        twice.apply(each)
    assert once.snapshot() == twice.snapshot()


@given(news)
def test_all_that_is_remembered_is_young(some: list[Any]) -> None:
    seen = SeenNews()
    for each in some:
        seen.apply(each)
    data = seen.snapshot()
    for entries in data["assets"].values():
        assert all(entry[-1] > data["clock"] - 2 * WITHIN_MS for entry in entries)


bases = st.sampled_from(["BTC", "ETH", "1000SATS", "SATS", "MATIC", "POL"])
markets = st.lists(
    st.builds(
        lambda base, quote, spot, active: {
            "symbol": f"{base}/{quote}" + ("" if spot else f":{quote}"),
            "base": base,
            "quote": quote,
            "spot": spot,
            "contract": not spot,
            "active": active,
        },
        bases,
        st.sampled_from(["USDT", "USDC"]),
        st.booleans(),
        st.sampled_from([True, False, None]),
    ),
    max_size=12,
    unique_by=lambda market: market["symbol"],
)


@given(markets.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_every_asset_has_one_market_or_a_reason(
    both: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    assets = ["BTC", "ETH", "SATS", "POL"]
    by_symbol = {market["symbol"]: market for market in both[0]}
    choice = choose(by_symbol, assets, "USDT")
    assert choice == choose({market["symbol"]: market for market in both[1]}, assets, "USDT")
    assert sorted([*choice.markets, *choice.refused]) == sorted(assets)
    for symbol in choice.markets.values():
        market = by_symbol[symbol]
        assert market["spot"]
        assert market["quote"] == "USDT"
        assert market["active"] is not False
        assert market["base"] != "1000SATS"
