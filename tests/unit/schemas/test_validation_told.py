"""What makes valid what the system says of itself: requests, sources, explanations."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import msgspec
import pytest

from schemas.control import DRY_RUN, SignalRequest
from schemas.explanations import EXPLANATION_STATUSES, Explanation
from schemas.sources import CIRCUITS, SOURCE_STATES, SourceStatus
from schemas.validation import problem
from tests import factories

AT = 1_700_000_000_000
REQUEST = SignalRequest("r", "BTC", "s", AT)
OWN = factories.strategy(strategy_id="mine", entry_rule="RSI < 30")
DRY = factories.dry_run(OWN)
NO_STRATEGY = " is no strategy's document"
SOURCE = SourceStatus(
    source="lunarcrush",
    observed_at=AT,
    state="ok",
    feeds=("news",),
    events=3,
    circuit="closed",
    requests_minute=1,
    requests_day=7,
    refresh_s=600.0,
    detail="",
)
EXPLANATION = Explanation(
    signal_id="f00",
    asset="BTC",
    strategy_id="momentum",
    cycle=AT,
    explained_at=AT,
    status="done",
    text="BTC rises.",
    model="template",
    input_hash="",
    reason="",
    prompt_tokens=0,
    completion_tokens=0,
    cost_usd=0.0,
)


def document(**changes: Any) -> str:
    return msgspec.json.encode(msgspec.structs.replace(OWN, **changes)).decode()


@pytest.mark.parametrize(
    ("event", "change", "reason"),
    [
        pytest.param(REQUEST, {"request_id": ""}, "request_id or str", id="request: no id"),
        pytest.param(REQUEST, {"strategy_id": ""}, "or strategy_id is", id="request: no strategy"),
        pytest.param(REQUEST, {"requested_at": 0}, "requested_at 0 is no time", id="request: at 0"),
        pytest.param(REQUEST, {"asset": "btc"}, "not a symbol in capitals", id="request: asset"),
        pytest.param(REQUEST, {"exchange": ""}, "exchange is empty", id="request: exchange"),
        pytest.param(
            REQUEST, {"strategy_id": DRY_RUN}, "strategy is not given", id="dry run: of nothing"
        ),
        pytest.param(DRY, {"strategy_id": "s"}, "is for dry-run alone", id="dry run: id"),
        *(
            pytest.param(DRY, {"strategy": text}, f"strategy{said}", id=f"dry run: {name}")
            for name, text, said in (
                ("empty", "", NO_STRATEGY),
                ("no JSON", "{", NO_STRATEGY),
                ("no strategy", '{"name": "x"}', NO_STRATEGY),
                ("deep", "[" * 100_000, NO_STRATEGY),
                ("rule", document(entry_rule="RSI <"), ": entry_rule"),
                ("weights", document(weights={"sentiment": 2.0}), ": weights sum to 2"),
            )
        ),
        pytest.param(SOURCE, {"source": ""}, "has no name", id="source: no name"),
        pytest.param(
            SOURCE,
            {"state": "fine"},
            "state 'fine' is not one of degraded, failing, off, ok",
            id="source: state",
        ),
        pytest.param(SOURCE, {"state": "OK"}, "state 'OK'", id="source: state in capitals"),
        pytest.param(
            SOURCE,
            {"circuit": "half-open"},
            "circuit 'half-open' is not one of closed, half_open, open",
            id="source: circuit",
        ),
        pytest.param(SOURCE, {"events": -1}, "events -1", id="source: events below 0"),
        pytest.param(SOURCE, {"requests_minute": -1}, "requests_minute -1", id="source: minute"),
        pytest.param(SOURCE, {"requests_day": -1}, "requests_day -1", id="source: day"),
        pytest.param(SOURCE, {"refresh_s": nan}, "refresh_s nan", id="source: NaN refresh"),
        pytest.param(SOURCE, {"refresh_s": inf}, "refresh_s inf", id="source: never refreshed"),
        pytest.param(SOURCE, {"observed_at": 0}, "observed_at 0 is no time", id="source: at 0"),
        pytest.param(EXPLANATION, {"signal_id": ""}, "signal_id or", id="explanation: no signal"),
        pytest.param(
            EXPLANATION, {"strategy_id": ""}, "or strategy_id is", id="explanation: no strategy"
        ),
        pytest.param(
            EXPLANATION,
            {"status": "pending"},
            "status 'pending' is not one of done, failed, skipped",
            id="explanation: not yet made",
        ),
        pytest.param(EXPLANATION, {"text": " \n"}, "text is empty", id="explanation: no text"),
        pytest.param(EXPLANATION, {"prompt_tokens": -1}, "prompt_tokens", id="explanation: asked"),
        pytest.param(
            EXPLANATION, {"completion_tokens": -1}, "completion_tokens", id="explanation: answered"
        ),
        pytest.param(EXPLANATION, {"cost_usd": nan}, "cost_usd nan", id="explanation: NaN cost"),
        pytest.param(EXPLANATION, {"cost_usd": -0.1}, "cost_usd -0.1", id="explanation: cost"),
        pytest.param(
            EXPLANATION, {"explained_at": -1}, "explained_at -1 is no time", id="explanation: time"
        ),
        pytest.param(
            EXPLANATION, {"asset": ""}, "not a symbol in capitals", id="explanation: no asset"
        ),
    ],
)
def test_what_is_wrong_is_said(event: Any, change: dict[str, Any], reason: str) -> None:
    assert reason in str(problem(msgspec.structs.replace(event, **change)))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(REQUEST, id="a request"),
        pytest.param(DRY, id="a dry run"),
        *(
            pytest.param(
                msgspec.structs.replace(SOURCE, state=state, circuit=circuit),
                id=f"a source {state}, {circuit}",
            )
            for state in SOURCE_STATES
            for circuit in CIRCUITS
        ),
        pytest.param(msgspec.structs.replace(SOURCE, refresh_s=None), id="a source of no assets"),
        *(
            pytest.param(
                msgspec.structs.replace(EXPLANATION, status=status), id=f"an explanation {status}"
            )
            for status in EXPLANATION_STATUSES
        ),
        pytest.param(factories.cycle_end(), id="the end of a cycle"),
    ],
)
def test_what_is_right_has_no_problem(event: Any) -> None:
    assert problem(event) is None
