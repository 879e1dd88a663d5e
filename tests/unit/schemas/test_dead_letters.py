"""A dead letter fits into a record of Kafka, whatever the record is that it is about."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import local_codec
from schemas.dead_letters import MOST_KEY_BYTES, MOST_VALUE_BYTES, DeadLetter, Kind, make

MOST_BYTES = 1_000_000
"""Brokers take 1,048,576 bytes and producers send as many, with some for the record's head."""
PLACE = "market.candles, partition 2, offset 7"


def letter(**changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {
        "topic": "market.candles",
        "partition": 2,
        "offset": 7,
        "stage": "technical",
        "error": "BadEvent",
        "reason": "It is no Avro.",
        "failed_at": 2,
        "timestamp": 1,
        "key": b"BTC",
        "value": b"garbage",
    }
    return make(Kind.INVALID, **{**fields, **changes})


def test_an_ordinary_record_is_kept_whole() -> None:
    assert letter() == DeadLetter(
        letter_id="market.candles:2:7:technical",
        topic="market.candles",
        partition=2,
        offset=7,
        stage="technical",
        error="BadEvent",
        reason="It is no Avro.",
        failed_at=2,
        record_timestamp=1,
        record_key=b"BTC",
        record_value=b"garbage",
        kind="invalid",
    )


@pytest.mark.parametrize(
    ("changes", "key", "value", "told"),
    [
        pytest.param(
            {"value": b"{" + b"x" * 1_048_398 + b"}"},
            b"BTC",
            None,
            f"It is no Avro. The value of 1048400 bytes is left out here: read it in {PLACE}.",
            id="a value as large as the broker allows",
        ),
        pytest.param(
            {"key": b"B" * 1_000_000},
            None,
            None,
            "It is no Avro. The key of 1000000 bytes and the value are left out: "
            f"read them in {PLACE}.",
            id="a key as large",
        ),
        pytest.param(
            {"reason": "no engine is called " + "\U0001f680" * 1_000_000, "value": b"x" * 900_000},
            b"BTC",
            b"x" * 900_000,
            "no engine is called " + "\U0001f680" * 1_979 + "…",
            id="a reason as large",
        ),
        pytest.param(
            {"error": "E" * 10**6, "key": b"k" * MOST_KEY_BYTES, "value": b"v" * MOST_VALUE_BYTES},
            b"k" * MOST_KEY_BYTES,
            b"v" * MOST_VALUE_BYTES,
            "It is no Avro.",
            id="all at their limits",
        ),
    ],
)
def test_what_is_too_large(
    changes: dict[str, Any], key: bytes | None, value: bytes | None, told: str
) -> None:
    made = letter(**changes)
    assert (made.record_key, made.record_value, made.reason) == (key, value, told)
    assert len(local_codec().encode(made)) < MOST_BYTES


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(Kind),
    st.text(st.characters()),
    st.sampled_from([0, 1, MOST_KEY_BYTES, MOST_KEY_BYTES + 1, 1_040_000]),
    st.sampled_from([0, 1, MOST_VALUE_BYTES, MOST_VALUE_BYTES + 1, 1_040_000]),
    st.sampled_from([0, 1, 2_001, 50_000]),
)
def test_any_letter_fits_and_can_be_read(
    kind: Kind, reason: str, key: int, value: int, times: int
) -> None:
    made = letter(key=b"k" * key, value=b"v" * value, reason=reason * times)
    payload = local_codec().encode(made)
    assert len(payload) < MOST_BYTES
    assert local_codec().decode(payload) == made
