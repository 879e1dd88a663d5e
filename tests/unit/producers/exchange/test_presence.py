"""When an exchange counts as away, and when as back: written rules, so that nothing flaps."""

from __future__ import annotations

import pytest

from producers.exchange.presence import (
    AWAY_AFTER_MS,
    BACK_AFTER_MS,
    LONGEST_MS,
    LOOK_REFUSED_MS,
    Presence,
    answered,
    back_after_ms,
    failed,
)
from producers.http_client.errors import Kind, UpstreamError
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

T0 = 1_767_268_800_000


def error(kind: Kind = "server") -> UpstreamError:
    return UpstreamError("binance", kind, "it fails")


THERE = answered(Presence(), T0)


def gone(at_ms: int, presence: Presence = THERE) -> Presence:
    """Return what one is that failed for five minutes until then."""
    return failed(failed(presence, error(), at_ms - AWAY_AFTER_MS), error(), at_ms)


def test_a_refusal_of_our_place_is_away_at_once_and_looked_at_every_hour() -> None:
    refused = failed(THERE, error("auth"), T0 + 1)
    assert refused.is_away
    assert refused.look_ms == LOOK_REFUSED_MS
    assert "it fails" in refused.why
    still = failed(refused, error("open_circuit"), T0 + HOUR_MS)
    assert still.look_ms == LOOK_REFUSED_MS


@pytest.mark.parametrize("kind", ["server", "timeout", "connection", "limit", "open_circuit"])
def test_five_minutes_of_errors_are_away_and_less_is_not(kind: Kind) -> None:
    first = failed(THERE, error(kind), T0)
    assert not failed(first, error(kind), T0 + AWAY_AFTER_MS - 1).is_away
    assert failed(first, error(kind), T0 + AWAY_AFTER_MS).is_away


def test_one_good_answer_in_between_is_enough() -> None:
    presence = THERE
    for minute in range(0, 60, 2):
        presence = failed(presence, error(), T0 + minute * MINUTE_MS)
        presence = answered(presence, T0 + (minute + 1) * MINUTE_MS)
    assert not presence.is_away


def test_one_that_never_answered_has_a_minute() -> None:
    first = failed(Presence(), error(), T0)
    assert not failed(first, error(), T0 + MINUTE_MS - 1).is_away
    assert failed(first, error(), T0 + MINUTE_MS).is_away


@pytest.mark.parametrize("kind", ["not_found", "bad_request"])
def test_an_error_of_one_market_says_nothing_of_the_exchange(kind: Kind) -> None:
    presence = failed(THERE, error(kind), T0)
    assert failed(presence, error(kind), T0 + DAY_MS) == THERE


def test_it_is_back_after_half_an_hour_without_an_error() -> None:
    presence = answered(gone(T0), T0 + MINUTE_MS)
    assert answered(presence, T0 + MINUTE_MS + BACK_AFTER_MS - 1).is_away
    assert not answered(presence, T0 + MINUTE_MS + BACK_AFTER_MS).is_away
    presence = failed(presence, error(), T0 + 20 * MINUTE_MS)
    presence = answered(presence, T0 + 21 * MINUTE_MS)
    assert answered(presence, T0 + 21 * MINUTE_MS + BACK_AFTER_MS - 1).is_away


def test_one_that_goes_again_and_again_must_answer_for_longer_and_longer() -> None:
    presence, now_ms, holds = THERE, T0, []
    for _ in range(6):
        presence = gone(now_ms, presence)
        assert presence.is_away
        began_ms = now_ms
        while presence.is_away:
            now_ms += MINUTE_MS
            presence = answered(presence, now_ms)
        holds.append(now_ms - began_ms - MINUTE_MS)
        now_ms += 10 * MINUTE_MS
    assert holds[:5] == [BACK_AFTER_MS << time for time in range(5)]
    assert max(holds) <= LONGEST_MS
    assert back_after_ms(presence, now_ms + DAY_MS) == BACK_AFTER_MS
