"""Coin Metrics' days and their traps."""

from __future__ import annotations

import pytest

from producers.upstreams.coinmetrics import parse_metrics
from producers.upstreams.rows import ChainRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import refusal

DAY_MS = 86_400_000
MIDNIGHT = 1789948800000  # 2026-09-21
ALL = {"transactions_24h": MIDNIGHT, "active_addresses_24h": MIDNIGHT, "hash_rate": MIDNIGHT}


def test_a_day():
    assert parse_metrics(answers.chains()) == Parsed(
        (
            ChainRow(
                source="coinmetrics",
                symbol="BTC",
                values={
                    "transactions_24h": 412345.0,
                    "active_addresses_24h": 712345.0,
                    "hash_rate": 1100000000.5e12,
                },
                measured_at=ALL,
            ),
        )
    )


def test_each_measure_is_of_its_own_newest_day():
    answer = answers.chains()
    newer = {**answers.CHAIN_DAY, "time": "2026-09-21T00:00:00Z", "TxCnt": "5"}
    newer |= {"AdrActCnt": None, "HashRate": None}
    for days in ([answers.CHAIN_DAY, newer], [newer, answers.CHAIN_DAY]):
        (row,) = parse_metrics({**answer, "data": days}).rows
        assert row.measured_at == {**ALL, "transactions_24h": MIDNIGHT + DAY_MS}
        assert row.values["transactions_24h"] == 5.0
        assert row.values["active_addresses_24h"] == 712345.0


@pytest.mark.parametrize(
    ("asset", "hashes"),
    [
        pytest.param("ltc", 2e12, id="terahashes"),
        pytest.param("zec", 2e9, id="gigahashes"),
        pytest.param("doge", None, id="a unit that nobody documents"),
        pytest.param("xmr", None, id="a unit that contradicts its formula"),
    ],
)
def test_hash_rates_have_units(asset, hashes):
    (row,) = parse_metrics(answers.chains(asset=asset, HashRate="2")).rows
    assert row.values.get("hash_rate") == hashes
    assert row.values["transactions_24h"] == 412345.0


@pytest.mark.parametrize("value", [None, "0", 0])
def test_what_is_not_counted_is_not_known(value):
    (row,) = parse_metrics(answers.chains(TxCnt=value)).rows
    assert set(row.values) == {"active_addresses_24h", "hash_rate"}


def test_a_day_of_which_nothing_is_known_yet_is_no_row_and_no_fault():
    empty = dict.fromkeys(("TxCnt", "AdrActCnt", "HashRate"))
    assert parse_metrics(answers.chains(**empty)) == Parsed()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"asset": None}, "has no asset", id="no asset"),
        pytest.param({"time": None}, "has no time", id="no time"),
        pytest.param({"time": "2026-09-20"}, "has no time", id="a time without a zone"),
        pytest.param({"time": "2026-09-20T05:00:00Z"}, "(BTC) begins within a day", id="an hour"),
        pytest.param({"TxCnt": "many"}, "(BTC) has a TxCnt that is no amount", id="a word"),
        pytest.param({"AdrActCnt": "-5"}, "(BTC) has a AdrActCnt that is no amount", id="below 0"),
    ],
)
def test_days_that_cannot_be_used(changes, said):
    parsed = parse_metrics(answers.chains(**changes))
    assert (parsed.rows, parsed.skipped) == ((), (f"coinmetrics day 1 {said}",))


def test_fields_that_are_gone_and_pages_that_are_not_read_are_said():
    day = answers.without(answers.CHAIN_DAY, "TxCnt", "HashRate")
    parsed = parse_metrics({"data": [day], "next_page_token": "x"})
    assert parsed.faults == ('no coinmetrics day has "TxCnt" any more',)
    assert parsed.notes == ("the answer has another page, which is not read",)


def test_an_error_in_place_of_days():
    answer = {"error": {"type": "bad_parameter", "message": "Bad parameter 'assets'."}}
    assert refusal(parse_metrics, answer) == (
        "coinmetrics: the answer has no \"data\"; it says: Bad parameter 'assets'"
    )
