"""What the feeds know together."""

from __future__ import annotations

from producers.feeds.asset_universe import UNKNOWN, AssetUniverse, UniverseStatus
from producers.feeds.ticks import DayTraded
from producers.upstreams.rows import TopicRow
from schemas.control import Strategy
from schemas.validation import problem
from tests.unit.producers.feeds.coins import T0, coin
from tests.unit.producers.http_client.harness import StepClock

DAY_MS = 86_400_000


def test_assets_are_there_once_a_cycle_has_some() -> None:
    known = AssetUniverse()
    known.follow(())
    assert not known.has_assets.is_set()
    known.follow(iter(("ETH", "BTC")))
    assert known.has_assets.is_set()
    assert known.assets == ("ETH", "BTC")


def test_rows_are_kept_by_source_and_the_first_source_is_the_one_without_a_name() -> None:
    known = AssetUniverse()
    known.learn([coin("BTC", topic="bitcoin")], T0)
    known.learn([coin("BTC", source="coingecko", slug="bitcoin")], T0)
    assert known.coin("BTC", "coingecko").slug == "bitcoin"
    assert known.coin("BTC", "lunarcrush").topic == "bitcoin"
    assert known.coin("BTC").source == "lunarcrush"
    assert known.coin("ETH") is None
    assert known.coin("BTC", "stocknews") is None


def test_a_namesake_does_not_take_a_coin_s_place() -> None:
    known = AssetUniverse()
    known.learn(
        [coin("SOL", market_cap_rank=6), coin("SOL", name="Fake", market_cap_rank=3000)], T0
    )
    assert known.coin("SOL").name == "Solana"
    known.learn([coin("SOL", name="Fake", market_cap_rank=3000, price_usd=1e-6)], T0)
    assert known.coin("SOL").name == "Solana"


def test_the_row_of_a_list_that_names_and_ranks_a_coin_otherwise_is_kept() -> None:
    known = AssetUniverse()
    known.learn([coin("BNB", name="BNB", market_cap_rank=4)], T0)
    known.learn(
        [coin("BNB", name="Binance Coin", market_cap_rank=5, source="coingecko", slug="bnb")], T0
    )
    assert known.coin("BNB", "coingecko").slug == "bnb"


def test_a_topic_is_forgotten_after_a_day() -> None:
    known = AssetUniverse()
    known.learn_topic("BTC", TopicRow(source="lunarcrush", topic="bitcoin"), T0)
    assert set(known.topics(T0 + DAY_MS)) == {"BTC"}
    assert known.topics(T0 + DAY_MS + 1) == {}


def test_of_two_sources_topics_the_leading_list_s_counts() -> None:
    known = AssetUniverse()
    known.leading = "lunarcrush"
    known.learn_topic("BTC", TopicRow(source="lunarcrush", topic="bitcoin"), T0)
    known.learn_topic("BTC", TopicRow(source="coingecko", topic="bitcoin", votes_up_pct=80.0), T0)
    assert known.topics(T0)["BTC"].source == "lunarcrush"
    known.leading = "coingecko"
    assert known.topics(T0)["BTC"].votes_up_pct == 80.0


def test_rows_that_are_too_old_are_none() -> None:
    known = AssetUniverse()
    known.learn([coin("BTC")], T0)
    known.learn([coin("BTC", source="coingecko")], T0 + 1)
    assert known.coin("BTC", since_ms=T0).source == "lunarcrush"
    assert known.coin("BTC", since_ms=T0 + 1).source == "coingecko"
    assert known.coin("BTC", "lunarcrush", since_ms=T0 + 1) is None
    assert known.coin("BTC", since_ms=T0 + 2) is None


def test_a_list_that_means_another_coin_says_nothing_of_the_asset() -> None:
    known = AssetUniverse()
    known.learn([coin("SOL", price_usd=0.0004)], T0)
    known.learn([coin("SOL", price_usd=0.09, source="coingecko", slug="sol-on-eth")], T0 + 1)
    assert known.coin("SOL", "coingecko").slug == "sol-on-eth"
    known.leading = "lunarcrush"
    assert known.coin("SOL", "coingecko") is None
    assert known.coin("SOL").source == "lunarcrush"
    assert known.coin("SOL", since_ms=T0 + 1) is None
    assert known.listed("SOL").usd == 0.0004
    known.learn([coin("SOL", price_usd=0.0005, source="coingecko", slug="solana")], T0 + 2)
    assert known.coin("SOL", "coingecko").slug == "solana"


def test_the_leading_lists_price_counts_then_the_newest() -> None:
    known = AssetUniverse()
    assert known.listed("SOL") is None
    known.learn([coin("SOL", price_usd=None)], T0)
    assert known.listed("SOL") is None
    known.learn([coin("SOL", price_usd=150.0, source="coingecko", priced_at=T0 - 5)], T0 + 1)
    known.leading = "lunarcrush"
    assert known.listed("SOL") == (T0 + 1, T0 - 5, 150.0)
    known.learn([coin("SOL", price_usd=151.0)], T0 + 2)
    known.learn([coin("SOL", price_usd=152.0, source="coingecko")], T0 + 3)
    assert known.listed("SOL").usd == 151.0
    known.leading = ""
    assert known.listed("SOL").usd == 152.0


def named(strategy_id: str = "mine", *assets: str, **fields: object) -> Strategy:
    return Strategy(strategy_id=strategy_id, owner="user", name="Mine", assets=assets, **fields)  # type: ignore[arg-type]


def test_the_universe_is_what_trends_is_pinned_or_is_named() -> None:
    known = AssetUniverse(("BTC", "ETH"))
    known.learn([coin(name) for name in ("SOL", "BTC", "ETH", "KAS")], T0)
    known.watch([named("mine", "KAS"), named("off", "DOGE", active=False)])
    assert not known.has_assets.is_set(), "no list has been asked for yet"
    known.follow(("SOL", "BTC"))
    assert known.assets == ("SOL", "BTC", "ETH", "KAS")
    assert known.reasons() == {
        "BTC": "trending, pinned",
        "ETH": "pinned",
        "KAS": "strategy mine",
        "SOL": "trending",
    }
    known.watch([])
    assert known.assets == ("SOL", "BTC", "ETH")


def test_what_a_strategy_is_in_stays_until_the_last_one_has_left() -> None:
    known = AssetUniverse()
    known.learn([coin(name) for name in ("SOL", "KAS")], T0)
    known.watch([named("mine", "KAS"), named("other")])
    known.follow(("SOL",))
    known.hold({("KAS", "mine"): True, ("KAS", "other"): True, ("SOL", "other"): False})
    known.changed.clear()
    known.watch([])
    known.follow(())
    assert known.assets == ("KAS",), "neither trending nor named, and no strategy is left"
    assert known.reasons() == {"KAS": "held by mine, held by other"}
    known.hold({("KAS", "mine"): False})
    assert known.wanted == ("KAS",)
    known.hold({("KAS", "mine"): False, ("KAS", "other"): False, ("BTC", "mine"): False})
    assert known.wanted == ()
    assert known.changed.is_set()


def test_a_change_of_the_strategies_is_told_at_once() -> None:
    known = AssetUniverse()
    known.follow(("SOL",))
    known.changed.clear()
    known.follow(("SOL",))
    assert not known.changed.is_set()
    known.watch([named("mine", "KAS")])
    assert known.changed.is_set()


def test_a_stable_coin_is_never_in_it_whoever_asks() -> None:
    known = AssetUniverse(("USDC", "BTC"))
    known.learn([coin("BTC")], T0)
    known.watch([named("mine", "EURC", "PYUSD", "BTC")])
    known.follow(("USDT", "BTC"))
    assert known.wanted == ("BTC",)
    assert known.reasons()["EURC"] == "strategy mine: left out, it is worth a currency"


def test_a_name_that_nobody_knows_is_left_out_and_said_with_who_asked() -> None:
    known = AssetUniverse()
    known.learn([coin("BTC")], T0)
    known.watch([named("mine", "NOSUCH", "XBT"), named("other", "NOSUCH")])
    known.follow(("BTC",))
    assert known.assets == ("BTC",)
    assert known.wanted == ("BTC", "NOSUCH", "XBT")
    status = UniverseStatus(known, StepClock(T0)).status()
    assert problem(status) is None
    assert status.state == "degraded"
    assert status.assets["NOSUCH"] == f"strategy mine, strategy other: {UNKNOWN}"
    assert status.assets["XBT"] == f"strategy mine: {UNKNOWN}; BTC is its name here"
    assert "NOSUCH: strategy mine, strategy other" in status.detail
    known.traded["NOSUCH"] = DayTraded(T0, 1.0, 5.0)  # an exchange has a market of it
    assert known.assets == ("BTC", "NOSUCH")


def test_before_the_first_list_nothing_is_called_unknown() -> None:
    known = AssetUniverse(("BTC",))
    known.watch([named("mine", "KAS")])
    status = UniverseStatus(known, StepClock(T0)).status()
    assert (status.state, status.detail) == ("ok", "no coin list yet")


def test_what_a_signal_was_asked_of_is_in_it_for_a_day() -> None:
    known = AssetUniverse(("BTC",), has_exchanges=True)
    known.learn([coin("BTC"), coin("KAS")], T0)
    known.follow(())
    known.changed.clear()
    known.ask({"KAS": 1_000, "NOSUCH": 0, "BTC": 0}, T0)
    assert known.changed.is_set(), "it is back-filled at once"
    assert known.assets == ("BTC", "KAS")
    assert known.unknown == (), "no exchange has been asked yet"
    known.without_market = ("NOSUCH",)
    assert known.unknown == ("NOSUCH",)
    status = UniverseStatus(known, StepClock(T0)).status()
    assert problem(status) is None
    assert (status.state, status.unknown) == ("ok", ("NOSUCH",)), (
        "a slip of the pen degrades nothing"
    )
    assert status.assets["NOSUCH"] == f"asked for: {UNKNOWN}"
    assert status.assets["BTC"] == "pinned, asked for"
    known.ask({}, T0 + DAY_MS - 1_001)
    assert "KAS" in known.assets
    known.ask({"NOSUCH": 0}, T0 + DAY_MS - 1_000)
    assert known.wanted == ("BTC", "NOSUCH")


def test_of_what_was_asked_for_the_newest_stay() -> None:
    known = AssetUniverse()
    known.follow(())
    known.ask({f"A{number}": number for number in range(60)}, T0)
    assert len(known.wanted) == 50
    assert "A59" not in known.wanted


def test_short_timeframes_are_wanted_by_strategies_alone() -> None:
    known = AssetUniverse()
    known.watch(
        [
            named("five", "ETH", timeframe="5m"),
            named("hour", "ETH", timeframe="1h"),
            named("off", "BTC", timeframe="5m", active=False),
        ]
    )
    assert known.timeframes(("BTC", "ETH")) == {"ETH": ("5m",)}
    known.watch([named("five", "ETH", timeframe="5m"), named("all", timeframe="15m")])
    assert known.timeframes(("BTC", "ETH")) == {"BTC": ("15m",), "ETH": ("15m", "5m")}


def test_the_timeframes_of_rules_are_wanted_too() -> None:
    known = AssetUniverse()
    known.watch(
        [
            named("mine", "ETH", timeframe="1h", entry_rule="RSI@5m < 30 AND ADX(14)@1d > 20"),
            named("other", "BTC", timeframe="4h", exit_rule="CLOSE@15m CROSSES_BELOW MA20@15m"),
            named("wrong", "BTC", timeframe="4h", exit_rule="what the log had of old"),
        ]
    )
    assert known.timeframes(("BTC", "ETH", "SOL")) == {"BTC": ("15m",), "ETH": ("5m",)}
