"""Times of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import EPOCH, ms


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(0, 999))
def test_every_ms_is_exact(time_ms: int, microseconds: int) -> None:
    moment = EPOCH + timedelta(milliseconds=time_ms, microseconds=microseconds)
    assert ms(moment) == time_ms


@pytest.mark.parametrize(
    ("moment", "time_ms"),
    [
        pytest.param(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1_000, id="UTC"),
        pytest.param(
            datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0, id="another zone"
        ),
        pytest.param(datetime(1969, 12, 31, 23, 59, 59, 999_500, UTC), -1, id="before 1970"),
    ],
)
def test_ms_of_a_time(moment: datetime, time_ms: int) -> None:
    assert ms(moment) == time_ms
