"""The fundamental engine: nine parts by hand, baselines, sources, ticks."""

from __future__ import annotations

from math import exp, log, log1p
from typing import Any

import msgspec
import pytest

from streams.engines.base import EngineReading
from streams.engines.fundamental import ENGINE, PARTS
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._records import T0, fed, make_fundamentals, make_tick, said

EVERYTHING: dict[str, Any] = {
    "market_cap_rank": 1,
    "market_cap_usd": 1e12,
    "volume_24h_usd": 5e10,
    "volume_30d_avg_usd": 5e10,
    "github_commits_4w": 150.0,
    "github_contributors": 900.0,
    "github_stars": 7e4,
    "github_forks": 3e4,
    "github_merged_pull_requests": 1e4,
    "github_issues_closed_pct": 95.0,
    "twitter_followers": 5e6,
    "reddit_subscribers": 4e6,
    "telegram_members": 1e5,
    "transactions_24h": 4e5,
    "active_addresses_24h": 8e5,
    "hash_rate": 6e20,
}


def grown(name: str, first: float, second: float, after_ms: int = HOUR_MS) -> EngineReading:
    """Return what is said after a field's second value."""
    return said(
        ENGINE,
        make_fundamentals(T0, **{name: first}),
        make_fundamentals(T0 + after_ms, **{name: second}),
    )


def logistic(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_nothing_seen() -> None:
    reading = said(ENGINE)
    assert (reading.score, reading.confidence, reading.freshness) == (0.0, 0.0, 0.0)
    assert (reading.data_time, reading.evidence, reading.features) == (None, (), {})
    assert reading.detail["fundamentals"] == "no record yet"
    assert reading.detail["missing"] == ", ".join(PARTS)


@pytest.mark.parametrize(
    ("part", "fields", "expected"),
    [
        pytest.param("market_cap_rank", {"market_cap_rank": 1}, 1.0, id="rank-1"),
        pytest.param("market_cap_rank", {"market_cap_rank": 10}, 2 / 3, id="rank-10"),
        pytest.param("market_cap_rank", {"market_cap_rank": 100}, 1 / 3, id="rank-100"),
        pytest.param("market_cap_rank", {"market_cap_rank": 5000}, 0.0, id="rank-5000"),
        pytest.param("market_cap_rank", {"market_cap_rank": 0}, 1.0, id="rank-0"),
        pytest.param(
            "volume_trend", {"volume_24h_usd": 3e6, "volume_30d_avg_usd": 1e6}, 0.75, id="trend"
        ),
        pytest.param(
            "volume_trend", {"volume_24h_usd": 0.0, "volume_30d_avg_usd": 1e6}, 0.0, id="no-volume"
        ),
        pytest.param(
            "turnover", {"volume_24h_usd": 5e7, "market_cap_usd": 1e9}, 0.5, id="turnover-5-pct"
        ),
        pytest.param(
            "turnover", {"volume_24h_usd": 2e8, "market_cap_usd": 1e9}, 0.8, id="turnover-20-pct"
        ),
        pytest.param("github_activity", {"github_commits_4w": 400.0}, 1.0, id="commits-full"),
        pytest.param(
            "github_activity",
            {"github_commits_4w": 9.0, "github_merged_pull_requests": 99.0},
            (log(10) / log(401) + log(100) / log(20_001)) / 2,
            id="commits-and-merges",
        ),
        pytest.param(
            "developer_engagement",
            {
                "github_contributors": 99.0,
                "github_stars": 999.0,
                "github_forks": 0.0,
                "github_issues_closed_pct": 80.0,
            },
            (log(100) / log(1001) + log(1000) / log(80_001) + 0.0 + 0.8) / 4,
            id="developers",
        ),
        pytest.param("transactions", {"transactions_24h": 2e7}, 1.0, id="transactions-full"),
        pytest.param(
            "active_addresses",
            {"active_addresses_24h": 999.0},
            log(1000) / log(2_000_001),
            id="addresses",
        ),
    ],
)
def test_part_by_hand(part: str, fields: dict[str, Any], expected: float) -> None:
    reading = said(ENGINE, make_fundamentals(**fields))
    assert reading.features[part] == pytest.approx(expected)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"volume_24h_usd": 1.0, "volume_30d_avg_usd": 0.0}, id="no-usual-volume"),
        pytest.param({"volume_24h_usd": 1.0, "market_cap_usd": 0.0}, id="no-market-cap"),
        pytest.param({"market_cap_usd": 1e9}, id="no-volume"),
        pytest.param({"twitter_followers": 9.0}, id="followers-without-a-past"),
        pytest.param({"hash_rate": 1e18}, id="hash-rate-without-a-past"),
        pytest.param({"circulating_supply": 1e6, "max_supply": 2e6}, id="supply-says-nothing"),
    ],
)
def test_part_is_absent(fields: dict[str, Any]) -> None:
    reading = said(ENGINE, make_fundamentals(**fields))
    assert (reading.features, reading.score, reading.confidence) == ({}, 0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "part", "scale"),
    [
        ("twitter_followers", "community_growth", 0.02),
        ("reddit_subscribers", "community_growth", 0.02),
        ("telegram_members", "community_growth", 0.02),
        ("hash_rate", "hash_rate", 0.20),
    ],
)
def test_growth_against_its_own_past(name: str, part: str, scale: float) -> None:
    assert grown(name, 1e6, 1e6).features[part] == pytest.approx(0.5)
    up = grown(name, 1e6, 1.01e6).features[part]
    assert up == pytest.approx(logistic((log1p(1.01e6) - log1p(1e6)) / scale))
    assert grown(name, 1e6, 0.99e6).features[part] < 0.5 < up


def test_chain_activity_is_level_and_growth() -> None:
    reading = grown("transactions_24h", 1e6, 1.2e6)
    level = log1p(1.2e6) / log1p(1e7)
    growth = logistic((log1p(1.2e6) - log1p(1e6)) / 0.2)
    assert reading.features["transactions"] == pytest.approx((level + growth) / 2)


def test_baseline_follows_in_a_week() -> None:
    """Third value one half-life after the second: the baseline has come half way."""
    values = [1e6, 2e6, 2e6]
    records = [make_fundamentals(T0 + n * 7 * DAY_MS, hash_rate=v) for n, v in enumerate(values)]
    expected = logistic((log1p(2e6) - log1p(1e6)) / 2 / 0.2)
    assert said(ENGINE, *records).features["hash_rate"] == pytest.approx(expected)


def test_everything_present() -> None:
    first = make_fundamentals(T0, **EVERYTHING)
    second = make_fundamentals(T0 + HOUR_MS, **EVERYTHING)
    assert said(ENGINE, first).confidence == pytest.approx(7 / 9)
    reading = said(ENGINE, first, second)
    assert tuple(reading.features) == PARTS
    assert reading.confidence == 1.0
    assert reading.score == pytest.approx(sum(reading.features.values()) / 9)
    assert (reading.evidence, reading.detail) == ((1,), {})
    assert 0.6 < reading.score < 0.8


def test_average_over_what_is_present() -> None:
    reading = said(ENGINE, make_fundamentals(market_cap_rank=10, github_commits_4w=400.0))
    assert reading.score == pytest.approx((2 / 3 + 1) / 2)
    assert reading.confidence == pytest.approx(2 / 9)
    assert "turnover" in reading.detail["missing"]
    assert "github_activity" not in reading.detail["missing"]


def test_tick_alone() -> None:
    reading = said(ENGINE, make_tick(volume_24h_usd=5e7, market_cap_usd=1e9, price_usd=2.0))
    assert reading.features == {"turnover": pytest.approx(0.5)}
    assert reading.confidence == pytest.approx(1 / 9)
    assert (reading.data_time, reading.price_usd, reading.evidence) == (T0, 2.0, ())
    assert reading.detail["fundamentals"] == "no record yet"


def test_tick_fills_what_the_record_lacks() -> None:
    record = make_fundamentals(market_cap_usd=1e9, volume_30d_avg_usd=1e8)
    reading = said(ENGINE, record, make_tick(volume_24h_usd=5e7, market_cap_usd=7e9))
    assert reading.features["turnover"] == pytest.approx(0.5)
    assert reading.features["volume_trend"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("age_hours", "expected"), [(0, 1.0), (2, 1.0), (13, 0.5), (24, 0.0), (99, 0.0)]
)
def test_freshness(age_hours: int, expected: float) -> None:
    state = fed(ENGINE, make_fundamentals(market_cap_rank=1))
    reading = ENGINE.read(ENGINE.config, state, T0 + age_hours * HOUR_MS)
    assert reading.freshness == pytest.approx(expected)
    assert reading.confidence == (pytest.approx(1 / 9) if age_hours < 24 else 0.0)


def test_stale_record_leaves_the_ticks() -> None:
    record = make_fundamentals(market_cap_rank=1)
    tick = make_tick(T0 + DAY_MS, volume_24h_usd=5e7, market_cap_usd=1e9)
    reading = said(ENGINE, record, tick)
    assert tuple(reading.features) == ("turnover",)
    assert reading.freshness == 1.0
    assert reading.detail["fundamentals"] == "none in 24 h"


def test_null_field_keeps_its_last_value_for_a_day() -> None:
    first = make_fundamentals(T0, market_cap_rank=10)
    second = make_fundamentals(T0 + HOUR_MS, github_commits_4w=400.0)
    assert len(said(ENGINE, first, second).features) == 2
    assert tuple(said(ENGINE, first, second, now=T0 + DAY_MS).features) == ("github_activity",)


def test_field_sticks_with_its_source() -> None:
    """Two sources that count followers differently make no growth; after a day the other may."""
    ours = make_fundamentals(T0, twitter_followers=1e6)
    other = make_fundamentals(T0 + HOUR_MS, twitter_followers=9e6, source="lunarcrush")
    state = fed(ENGINE, ours)
    assert ENGINE.update(ENGINE.config, state, other, 1) is state
    later = make_fundamentals(T0 + DAY_MS, twitter_followers=9e6, source="lunarcrush")
    state = fed(ENGINE, ours, later)
    assert state.points["twitter_followers"].value == 9e6
    assert state.points["twitter_followers"].baseline is None


def test_sources_complete_each_other() -> None:
    ours = make_fundamentals(T0, market_cap_rank=10)
    other = make_fundamentals(T0, github_commits_4w=400.0, source="lunarcrush")
    reading = said(ENGINE, ours, other)
    assert len(reading.features) == 2
    assert reading.evidence == (1,)


@pytest.mark.parametrize("back_ms", [0, 1, DAY_MS], ids=["repeated", "late", "very-late"])
def test_late_record_changes_nothing(back_ms: int) -> None:
    state = fed(ENGINE, make_fundamentals(**EVERYTHING), make_tick())
    late = make_fundamentals(T0 - back_ms, **EVERYTHING)
    assert ENGINE.update(ENGINE.config, state, late, 5) is state
    assert ENGINE.update(ENGINE.config, state, make_tick(T0 - back_ms, price_usd=1.0), 5) is state


def test_empty_record_changes_nothing() -> None:
    state = fed(ENGINE, make_fundamentals(market_cap_rank=1))
    assert ENGINE.update(ENGINE.config, state, make_fundamentals(T0 + HOUR_MS), 1) is state


@pytest.mark.parametrize(
    ("asset", "possible"),
    [("BTC", 9), ("LTC", 9), ("XMR", 9), ("ETH", 8), ("UNI", 8), ("PEPE", 8)],
)
def test_confidence_is_the_share_of_what_such_an_asset_can_have(asset: str, possible: int) -> None:
    """A token has no hash rate, and misses none."""
    everything = {name: value for name, value in EVERYTHING.items() if name != "hash_rate"}
    records = [make_fundamentals(T0 + n * HOUR_MS, asset=asset, **everything) for n in range(2)]
    reading = said(ENGINE, *records)
    assert len(reading.features) == 8
    assert reading.confidence == pytest.approx(8 / possible)
    assert reading.detail.get("missing") == ("hash_rate" if possible == 9 else None)


def test_a_hash_rate_that_a_source_gives_counts_whatever_is_known_of_the_asset() -> None:
    records = [make_fundamentals(T0 + n * HOUR_MS, asset="NEWPOW", hash_rate=1e9) for n in range(2)]
    reading = said(ENGINE, *records)
    assert (tuple(reading.features), reading.confidence) == (("hash_rate",), pytest.approx(1 / 9))


DETAIL: dict[str, Any] = {"github_commits_4w": 150.0, "twitter_followers": 5e6}


def told_again(days: float, **fields: Any) -> list[Any]:
    """Return a detail of T0, told each hour until so many days later beside a fresh rank."""
    measured = dict.fromkeys(fields or DETAIL, T0)
    return [
        make_fundamentals(
            T0 + hour * HOUR_MS, market_cap_rank=10, measured_at=measured, **(fields or DETAIL)
        )
        for hour in range(int(days * 24) + 1)
    ]


@pytest.mark.parametrize(
    ("days", "said_of_it"),
    [(0, None), (1.5, None), (2, "github_activity 2.0 d, community_growth 2.0 d"),
     (7, "github_activity 7.0 d, community_growth 7.0 d"), (8, None)],
)  # fmt: skip
def test_what_is_old_says_so(days: float, said_of_it: str | None) -> None:
    earlier = make_fundamentals(T0 - DAY_MS, twitter_followers=4.9e6)
    reading = said(ENGINE, earlier, *told_again(days))
    assert reading.detail.get("old") == said_of_it
    assert ("github_activity" in reading.features) == (days < 8)
    assert reading.freshness == 1.0


def test_the_same_measure_told_again_is_no_growth() -> None:
    """Only a new measure moves the baseline, and it moves by the time between the two."""
    second = make_fundamentals(T0 + 7 * DAY_MS, hash_rate=2e20)
    once = said(ENGINE, make_fundamentals(T0, hash_rate=1e20), second)
    state = fed(ENGINE, *told_again(6.9, hash_rate=1e20), second)
    again = ENGINE.read(ENGINE.config, state, second.observed_at)
    assert again.features["hash_rate"] == pytest.approx(once.features["hash_rate"])


@pytest.mark.parametrize("reverse", [False, True], ids=["one way", "the other"])
def test_records_of_one_moment_have_no_order(reverse: bool) -> None:
    records = [
        make_fundamentals(T0, source_id="1", hash_rate=1e20, market_cap_rank=3),
        make_fundamentals(T0, source_id="2", hash_rate=2e20),
        make_fundamentals(T0, source_id="3", source="another", hash_rate=3e20),
    ]
    later = make_fundamentals(T0 + HOUR_MS, hash_rate=2e20)
    reading = said(ENGINE, *(reversed(records) if reverse else records), later)
    assert reading.score == pytest.approx((1 - log(3) / log(1000) + 0.5) / 2, abs=0.3)
    ordered = said(ENGINE, *records, later)
    assert (reading.score, reading.confidence) == (ordered.score, ordered.confidence)


def test_a_worker_goes_on_with_points_that_know_of_no_time_of_measuring() -> None:
    state = fed(ENGINE, make_fundamentals(T0, **EVERYTHING))
    stored = msgspec.to_builtins(state)
    del stored["asset"]
    for point in stored["points"].values():
        del point["measured_at"]
    restored = msgspec.convert(stored, type(state))
    second = make_fundamentals(T0 + HOUR_MS, **EVERYTHING)
    moved = [ENGINE.update(ENGINE.config, one, second, 1) for one in (state, restored)]
    told = [ENGINE.read(ENGINE.config, one, T0 + HOUR_MS) for one in moved]
    assert told[0] == told[1]
