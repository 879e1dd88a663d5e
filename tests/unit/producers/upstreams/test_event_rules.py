"""Category, impact and certainty of calendar entries, and what the engine makes of them."""

from __future__ import annotations

import pytest

from producers.upstreams import event_rules
from producers.upstreams.event_rules import category_of, certainty_of, impact_of, is_cancelled
from producers.upstreams.times import Due
from schemas.market import CATEGORIES
from streams.engines.event_risk import Config

DAY, MONTH = Due(1, "day"), Due(1, "month")


@pytest.mark.parametrize(
    ("title", "names", "category"),
    [
        pytest.param("KuCoin Listing", ["Exchange"], "listing", id="listing"),
        pytest.param("Trading opens on Kraken", ["Exchange"], "listing", id="exchange"),
        pytest.param("Binance Delisting", ["Exchange"], "delisting", id="same source category"),
        pytest.param("OKX to cease trading", ["Exchange"], "delisting", id="delisting in words"),
        pytest.param("24.8MM Token Unlock", ["Tokenomics"], "unlock", id="unlock"),
        pytest.param("Cliff for investors ends", ["Lock/Unlock"], "unlock", id="cliff"),
        pytest.param("Quarterly BNB Burn", ["Tokenomics"], "burn", id="burn, same category"),
        pytest.param("Halving", [], "burn", id="halving: fewer coins"),
        pytest.param("Byron Hardfork", ["Soft/Hard Fork"], "hard_fork", id="hard fork"),
        pytest.param("Hard fork listed on a tracker", [], "hard_fork", id="worse before better"),
        pytest.param("Testnet v2", ["Fork/Swap"], "hard_fork", id="by the source"),
        pytest.param("Airdrop to holders", ["Community"], "airdrop", id="airdrop"),
        pytest.param("Mainnet Launch", ["Release"], "upgrade", id="release"),
        pytest.param("Wallet 2.0", ["Update"], "upgrade", id="update"),
        pytest.param("Partnership with Visa", [], "partnership", id="partnership by title"),
        pytest.param("News", ["Integration"], "partnership", id="integration"),
        pytest.param("Paris Blockchain Summit", ["Conference"], "conference", id="conference"),
        pytest.param("Live AMA", [], "conference", id="questions and answers"),
        pytest.param("Annual report", ["Report"], "other", id="other"),
        pytest.param("", [], "other", id="nothing said"),
    ],
)
def test_category(title, names, category):
    assert category_of(title, names) == category


def test_categories_are_those_of_the_schema_and_of_the_engine():
    assert set(event_rules.IMPACTS) == CATEGORIES == set(Config().categories)


def test_impact_is_the_categorys_and_more_where_many_watch_it():
    assert impact_of("unlock") == 0.65
    assert impact_of("unlock", is_hot=True) == pytest.approx(0.8125)
    assert impact_of("delisting", is_hot=True) == 1.0


@pytest.mark.parametrize(
    ("certainty", "expected"),
    [
        pytest.param(certainty_of(DAY), 0.6, id="no votes"),
        pytest.param(certainty_of(DAY, is_proven=False), 0.4, id="nothing proves it"),
        pytest.param(certainty_of(DAY, share_true_pct=90, votes=10), 0.8, id="ten votes"),
        pytest.param(certainty_of(DAY, share_true_pct=90), 0.75, id="share without votes"),
        pytest.param(certainty_of(DAY, share_true_pct=0, votes=0), 0.6, id="0 of 0"),
        pytest.param(certainty_of(DAY, share_true_pct=0, votes=1e9), 0.0, id="nobody believes it"),
        pytest.param(certainty_of(MONTH), 0.36, id="vaguer date"),
        pytest.param(certainty_of(DAY._replace(deadline=True)), 0.42, id="deadline"),
    ],
)
def test_certainty(certainty, expected):
    assert certainty == pytest.approx(expected)


def test_a_vaguer_date_is_never_surer():
    sureness = [certainty_of(Due(1, precision)) for precision in event_rules.PRECISIONS]
    assert sureness == sorted(sureness, reverse=True)


def test_cancelled():
    assert is_cancelled("[CANCELLED] Mainnet launch")
    assert is_cancelled("Summit canceled")
    assert not is_cancelled("Mainnet launch")
