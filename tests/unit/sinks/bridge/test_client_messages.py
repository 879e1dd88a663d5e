"""What clients may say, and what they hear when it is wrong."""

from __future__ import annotations

import json

import pytest

from sinks.bridge.hub.channels import CHANNELS
from sinks.bridge.hub.client_messages import (
    BadRequestError,
    Channel,
    Ping,
    Subscribe,
    Unsubscribe,
    parse,
)
from sinks.bridge.hub.filters import Filter

SUBSCRIBE = {"type": "subscribe", "id": "1", "channels": ["signals"]}


def test_the_channels_of_requests_are_those_there_are() -> None:
    assert set(Channel.__args__) == set(CHANNELS)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        pytest.param(json.dumps(SUBSCRIBE), Subscribe(id="1", channels=("signals",)), id="least"),
        pytest.param('{"type":"ping","id":"x"}', Ping(id="x"), id="ping"),
        pytest.param(b'{"id":"2","type":"unsubscribe","subscription":"1"}',
                     Unsubscribe(id="2", subscription="1"), id="bytes"),
        pytest.param(json.dumps(SUBSCRIBE | {"since": {"signals": [[2, 145]]}}),
                     Subscribe(id="1", channels=("signals",), since={"signals": ((2, 145),)}),
                     id="since by topic"),
        pytest.param(json.dumps(SUBSCRIBE | {"since": ["signals:2:145"]}),
                     Subscribe(id="1", channels=("signals",), since=("signals:2:145",)),
                     id="since in a list"),
    ],
)  # fmt: skip
def test_what_is_right(text: str | bytes, request_: object) -> None:
    assert parse(text) == request_


def test_a_filter_of_a_request_has_symbols_in_capitals() -> None:
    request = parse(json.dumps(SUBSCRIBE | {"assets": ["btc"], "actions": ["BUY"]}))
    assert isinstance(request, Subscribe)
    assert request.filter() == Filter(frozenset({"BTC"}), actions=frozenset({"BUY"}))


@pytest.mark.parametrize("asset", ["币安人生", "汤", "ÆTH"])
def test_case_asset_in_chinese_is_filtered_by_as_any(asset: str) -> None:
    request = parse(json.dumps(SUBSCRIBE | {"assets": [asset]}))
    assert isinstance(request, Subscribe)
    assert request.filter() == Filter(frozenset({asset}))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param("{", "bad_json", ["no JSON", 'for example {"type": "subscribe"'], id="json"),
        pytest.param("[1]", "bad_json", ["no JSON object"], id="no object"),
        pytest.param(b"\xff\xfe", "bad_json", ["no JSON"], id="no text"),
        pytest.param("[" * 60_000, "bad_json", ["no JSON"], id="deep"),
        pytest.param('{"id":' * 9_000, "bad_json", ["no JSON"], id="deep objects"),
        pytest.param('{"id": "1"}', "unknown_type", ["subscribe, unsubscribe, ping", "none"],
                     id="no type"),
        pytest.param('{"type": 7}', "unknown_type", ["'7'"], id="type of a wrong type"),
        pytest.param('{"type": "buy", "id": "1"}', "unknown_type", ["'buy'"], id="unknown type"),
        pytest.param(json.dumps(SUBSCRIBE | {"asset": "BTC"}), "unknown_field",
                     ["'asset'", "channels, assets, strategies"], id="unknown field"),
        pytest.param('{"type": "subscribe", "id": "1"}', "missing_field",
                     ["channels is missing", "a list of signals"], id="no channels"),
        pytest.param('{"type": "ping"}', "missing_field", ["id is missing"], id="no id"),
        pytest.param(json.dumps(SUBSCRIBE | {"channels": []}), "wrong_field",
                     ["$.channels", "a list of signals"], id="no channel"),
        pytest.param(json.dumps(SUBSCRIBE | {"channels": ["news"]}), "wrong_field",
                     ["'news'", "$.channels[0]", "a list of signals"], id="unknown channel"),
        pytest.param(json.dumps(SUBSCRIBE | {"assets": "BTC"}), "wrong_field",
                     ["$.assets", '["BTC", "ETH"]'], id="one asset"),
        pytest.param(json.dumps(SUBSCRIBE | {"assets": ["BTC", "A B"]}), "wrong_field",
                     ["'A B' is not a symbol", '["BTC", "ETH"]'], id="no symbol"),
        pytest.param(json.dumps(SUBSCRIBE | {"actions": ["SHORT"]}), "wrong_field",
                     ["'SHORT'", "BUY, SELL, HOLD"], id="unknown action"),
        pytest.param(json.dumps(SUBSCRIBE | {"min_confidence": 2}), "wrong_field",
                     ["$.min_confidence", "from 0 to 1"], id="confidence"),
        pytest.param(json.dumps(SUBSCRIBE | {"since": 7}), "wrong_field",
                     ["$.since", "signals:2:145"], id="since"),
        pytest.param(json.dumps(SUBSCRIBE | {"since": {"signals": [[-1, 2]]}}), "wrong_field",
                     ["$.since", "[[2, 145]]"], id="since, partition"),
        pytest.param(json.dumps(SUBSCRIBE | {"id": ""}), "wrong_field", ["$.id"], id="empty id"),
        pytest.param(json.dumps(SUBSCRIBE | {"id": 1}), "wrong_field", ["$.id"], id="id, number"),
        pytest.param(json.dumps(SUBSCRIBE | {"assets": ["A"] * 501}), "wrong_field", ["500"],
                     id="many assets"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str | bytes, code: str, said: list[str]) -> None:
    with pytest.raises(BadRequestError) as raised:
        parse(text)
    assert raised.value.code == code
    for part in said:
        assert part in str(raised.value)


def test_an_error_names_the_request_where_it_had_an_id() -> None:
    with pytest.raises(BadRequestError) as raised:
        parse('{"type": "subscribe", "id": "mine", "channels": 3}')
    assert raised.value.request_id == "mine"
