"""Daily returns, the times of candles, and states of earlier versions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from struct import pack
from typing import Any

import msgspec
import pytest

from schemas.market import Candle
from schemas.scores import EngineScore
from schemas.validation import problem
from streams.engines.indicators import candles as window_of
from streams.engines.indicators import last_closes
from streams.engines.scoring_stage import ScoringStage
from streams.engines.technical import ENGINE, State
from streams.engines.technical_frame import PLACE, open_times
from streams.fusion.state import latest_score
from streams.stage import advance
from tests.unit.streams.engines._market import make_candle, random_walk

CONFIG = ENGINE.config


def days(count: int, skip: Iterable[int] = (), seed: int = 1) -> list[Candle]:
    holes = set(skip)
    return [
        make_candle(place, ohlc, "1d")
        for place, ohlc in enumerate(random_walk(seed, count))
        if place not in holes
    ]


def feed(events: Iterable[Any], state: State | None = None) -> State:
    state = ENGINE.initial(CONFIG) if state is None else state
    for offset, event in enumerate(events):
        state = ENGINE.update(CONFIG, state, event, offset)
    return state


def changes(candles: list[Candle]) -> tuple[float, ...]:
    return tuple(after.close / before.close - 1.0 for before, after in pairwise(candles))


@pytest.mark.parametrize(
    ("count", "skip", "known"),
    [
        pytest.param(1, [], 0, id="one day"),
        pytest.param(2, [], 1, id="two days"),
        pytest.param(61, [], 60, id="60 returns"),
        pytest.param(62, [], 60, id="at most 60"),
        pytest.param(250, [], 60, id="a warm series"),
        pytest.param(250, [10], 60, id="a day missing long ago"),
        pytest.param(250, [200], 48, id="a day missing: only what came after"),
        pytest.param(250, [200, 201, 230], 18, id="several missing"),
        pytest.param(250, [248], 0, id="the day before is missing"),
        pytest.param(250, [*range(120, 180)], 60, id="a series that began anew"),
        pytest.param(250, [*range(190, 245)], 4, id="a series that has just begun anew"),
    ],
)
def test_daily_returns_are_of_days_in_a_row(count: int, skip: list[int], known: int) -> None:
    candles = days(count, skip)
    reading = ENGINE.read(CONFIG, feed(candles), candles[-1].observed_at)
    assert reading.daily_returns == (changes(candles)[-known:] if known else ())
    assert reading.returns_until == (candles[-1].close_time if known else None)


def test_they_are_the_same_day_by_day_and_hours_leave_them_alone() -> None:
    candles = days(120, [50])
    state = ENGINE.initial(CONFIG)
    for count, candle in enumerate(candles, start=1):
        state = feed([candle], state)
        expected = changes(candles[:count])[-min(60, count - 1) :]
        if count > 50:
            expected = changes(candles[50:count])[-60:]
        assert state.reading.daily_returns == (expected if count > 1 else ())
    hours = [make_candle(place, ohlc) for place, ohlc in enumerate(random_walk(2, 30))]
    after = feed(hours, state).reading
    assert after.daily_returns == state.reading.daily_returns
    assert after.returns_until == candles[-1].close_time


def test_the_score_and_what_fusion_keeps_of_it_have_them() -> None:
    stage, entry, scores = ScoringStage(ENGINE), None, []
    for offset, candle in enumerate(days(70)):
        moved = advance(stage, entry, candle, ENGINE.topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        scores += [one.event for one in outputs]
    score: EngineScore = scores[-1]
    assert len(score.daily_returns) == 60
    assert problem(score) is None
    kept = latest_score(score, 3, None)
    assert kept.daily_returns == score.daily_returns
    assert kept.returns_until == score.returns_until == days(70)[-1].close_time


@pytest.mark.parametrize("skip", [[], [100], [100, 101, 299], [310]])
def test_the_times_of_candles_are_known_over_holes(skip: list[int]) -> None:
    candles = days(340, skip)
    frame = feed(candles).frames[PLACE["1d"]]
    expected = [candle.open_time for candle in candles[-300:]]
    assert open_times(frame, PLACE["1d"], 300) == expected


def as_before(state: State) -> State:
    """Return a state as a version that kept closes alone had stored it, read back."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    for name in ("wanted", "due"):
        del plain[name]
    for name in ("daily_returns", "returns_until"):
        del plain["reading"][name]
    frames = (*state.frames, *state.short)
    for frame, old in zip(frames, [*plain["frames"], *plain["short"]], strict=True):
        for name in ("numbers", "earlier", "earlier_trend", "holes"):
            del old[name]
        series = old["series"]
        del series["older"], series["newer"]
        recent = frame.series.count % 20
        closes = [0.0] * 220 + list(last_closes(frame.series, 200 + recent))
        series["window"] = pack("<200d", *closes[len(closes) - recent - 200 : len(closes) - recent])
        series["recent"] = pack(f"<{recent}d", *closes[len(closes) - recent :])
    return msgspec.msgpack.decode(msgspec.msgpack.encode(plain), type=State)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 150, 199, 200, 219, 220, 221, 333])
@pytest.mark.parametrize("skip", [[], [15]], ids=["whole", "a hole"])
def test_a_state_from_before_candles_were_kept_goes_on(count: int, skip: list[int]) -> None:
    candles = days(count + 130, skip)
    count -= sum(hole < count for hole in skip)
    state = feed(candles[:count])
    ours, theirs = state, as_before(state)
    assert theirs.frames[2].series.older == b""
    for number, candle in enumerate(candles[count:], start=1):
        ours, theirs = (feed([candle], one) for one in (ours, theirs))
        assert theirs.reading.features == ours.reading.features
        assert theirs.reading.score == ours.reading.score
        known = theirs.reading.daily_returns
        assert known == ours.reading.daily_returns[-len(known) :]
        assert len(known) >= min(len(ours.reading.daily_returns), number)
    assert theirs.reading.daily_returns == ours.reading.daily_returns
    own, other = (window_of(one.frames[2].series) for one in (ours, theirs))
    kept = len(candles[count:]) * 40
    assert other[-kept:] == own[-kept:]


def test_an_old_state_says_at_once_what_it_is_sure_of() -> None:
    candles = days(131)
    state = feed(candles[-1:], as_before(feed(candles[:-1])))
    assert state.reading.daily_returns == changes(candles)[-50:]
