"""What rules name is computed once a candle, from the last 300 candles, as the library does."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pandas_ta_classic as ta
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.market import Candle
from schemas.rule_language import Indicator, wanted
from schemas.rule_language.indicators import INDICATORS
from schemas.scores import EngineScore
from schemas.topics import CANDLES, TRENDING
from schemas.validation import CANDLE_MS
from streams.engines import wanted as wanted_module
from streams.engines.indicators import KEPT, NAMES, candles, library
from streams.engines.indicators.library import Computed, compute
from streams.engines.scoring_stage import ScoringStage
from streams.engines.technical import ENGINE, State
from streams.stage import EMPTY_TABLES, StrategyAt, Tables, advance
from tests.factories import HOUR_MS
from tests.unit.streams.engines._market import (
    START_MS,
    make_candle,
    make_tick,
    random_walk,
    recorded_candles,
)

ODD = (
    *("SMA(33)", "EMA(27)", "WMA(21)", "HMA(19)", "KAMA(11, 3, 31)", "DEMA(23)", "TEMA(17)"),
    *("RSI(9)", "CCI(23)", "ROC(13)", "MOM(7)", "WILLR(21)", "STOCH(11, 4, 2).D", "UO(5, 11, 23)"),
    *("MACD(7, 19, 5).HIST", "PPO(9, 21, 6).PPO", "TSI(9, 21, 7).TSI", "TRIX(13, 5).SIGNAL"),
    *(
        "ATR(11)",
        "NATR(17)",
        "BBANDS(21, 1.7).UPPER",
        "KC(23, 1.3).LOWER",
        "DONCHIAN(11, 29).UPPER",
    ),
    *("ADX(13)", "ADX(13).MINUS", "AROON(19).UP", "CHOP(21)", "VORTEX(17).PLUS"),
    *("SUPERTREND(9, 2.3).DIRECTION", "MFI(11)", "CMF(17)", "OBV()", "VWAP()", "LINREG(29)"),
)


def strategy(*parts: str, timeframe: str = "1h", **changes: Any) -> Strategy:
    """Return a strategy whose entry rule names `parts`."""
    rule = " AND ".join(f"{part} > 0" for part in parts)
    fields: dict[str, Any] = {"entry_rule": rule, "timeframe": timeframe, **changes}
    return Strategy(
        strategy_id=fields.pop("strategy_id", "one"), owner="admin", name="One", **fields
    )


def crossing(*parts: str, timeframe: str = "1h") -> Strategy:
    rule = " AND ".join(f"{part} CROSSES_ABOVE 1" for part in parts)
    return Strategy(
        strategy_id="one", owner="admin", name="One", entry_rule=rule, timeframe=timeframe
    )


def table(*strategies: Strategy) -> Tables:
    found = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(strategies, 7)}
    return Tables(found)


class Run:
    """The stage over events, and the last score that came of them."""

    def __init__(self) -> None:
        self.stage, self.entry, self.offset = ScoringStage(ENGINE), None, -1
        self.scores: list[EngineScore] = []

    def __call__(self, events: Iterable[Any], tables: Tables = EMPTY_TABLES) -> Mapping[str, float]:
        for event in events:
            self.offset += 1
            topic = CANDLES.name if type(event) is Candle else TRENDING.name
            moved = advance(self.stage, self.entry, event, topic, 0, self.offset, tables)
            assert moved is not None
            self.entry, outputs = moved
            self.scores += [one.event for one in outputs]
        return self.scores[-1].features if self.scores else {}

    @property
    def state(self) -> State:
        return self.entry.state.engine


def market(count: int, seed: int = 1, timeframe: str = "1h", first: int = 0) -> list[Candle]:
    """Return a walk with volumes."""
    draws = Random(seed)
    return [
        msgspec.structs.replace(
            make_candle(first + place, ohlc, timeframe), volume=draws.lognormvariate(5.0, 1.0)
        )
        for place, ohlc in enumerate(random_walk(seed, count, 0.02))
    ]


def reference(window: Sequence[Candle], one: Indicator) -> float:
    """Return what the library says of one indicator on a frame of candles with their times."""
    frame = pd.DataFrame(
        {
            "open_": [candle.open for candle in window],
            "high": [candle.high for candle in window],
            "low": [candle.low for candle in window],
            "close": [candle.close for candle in window],
            "volume": [candle.volume for candle in window],
        },
        index=pd.to_datetime([candle.open_time for candle in window], unit="ms"),
    )
    row = INDICATORS[one.name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = getattr(ta, row.function)(**{k: frame[k] for k in row.inputs}, **one.keywords)
    if result is None or len(result) <= one.lag:
        return float("nan")
    column = (
        result if isinstance(result, pd.Series) else result.iloc[:, row.outputs.index(one.output)]
    )
    return float(column.iloc[-1 - one.lag])


def assert_equals_the_library(
    features: Mapping[str, float], window: Sequence[Candle], indicators: Iterable[Indicator]
) -> None:
    for one in indicators:
        if one.is_parameterised:
            expected = reference(window[-KEPT:], one)
            np.testing.assert_equal(features.get(one.feature, float("nan")), expected, one.feature)


@pytest.mark.parametrize("seed", [1, 2])
def test_odd_parameters_equal_the_library_candle_by_candle(seed: int) -> None:
    asked = [strategy(*ODD[place::8], strategy_id=str(place)) for place in range(8)]
    names = [one for each in asked for one in wanted(each)]
    assert len(names) >= 30
    run, walk = Run(), market(420, seed)
    for count in (1, 2, 20, 37, 80, 301, 319, 320, 321, 420):
        run(walk[run.offset + 1 : count - 1])
        features = run(walk[count - 1 : count], table(*asked))
        assert_equals_the_library(features, walk[:count], names)
    assert features.keys() >= {one.feature for one in names}


@pytest.mark.shared_data
@pytest.mark.parametrize(("asset", "timeframe"), [("BTC", "1h"), ("SOL", "4h"), ("XRP", "1d")])
def test_they_do_on_recorded_candles(shared_data: Path, asset: str, timeframe: str) -> None:
    walk = recorded_candles(shared_data, asset, timeframe)[:1_400]
    asked = [
        crossing(*ODD[place::8], timeframe=timeframe) for place in range(8)
    ]  # each candle, and the one before it
    tables = table(*[msgspec.structs.replace(s, strategy_id=str(n)) for n, s in enumerate(asked)])
    run = Run()
    run(walk[:1_000])
    for count in (1_001, 1_002, 1_400):
        run(walk[run.offset + 1 : count - 1])
        features = run(walk[count - 1 : count], tables)
        assert_equals_the_library(features, walk[:count], [o for s in asked for o in wanted(s)])


@pytest.mark.parametrize("count", [7, 330])
def test_every_row_of_the_table_equals_the_library_now_and_one_candle_earlier(count: int) -> None:
    run, walk = Run(), market(count, 5)
    run(walk)
    asked = {
        one.feature: one
        for row in INDICATORS.values()
        for output in row.outputs
        for lag in (0, 1)
        for one in [Indicator(row.name, _defaults(row), output, "1h", lag)]
    }
    window = candles(run.state.frames[0].series)
    found = compute(window, asked, lambda n: [one.open_time for one in walk[-n:]])
    assert not found.failed
    assert len(found.values) > (50 if count == 7 else 450)
    assert_equals_the_library(found.values, walk, asked.values())


def _defaults(row: Any) -> tuple[float, ...]:
    params: list[float] = []
    for one in row.parameters:
        params.append(params[0] if one.default is None else one.default)
    return tuple(params)


def test_a_crossing_has_the_values_of_the_candle_before() -> None:
    names = (*(name for name in NAMES), "TREND", "OPEN", "HIGH", "LOW", "VOLUME")
    tables, run, walk = table(crossing(*names)), Run(), market(260)
    before = run(walk[:-1], tables)
    after = run(walk[-1:], tables)
    for name in names:
        assert after[f"{name}@1h[1]"] == before[f"{name}@1h"]
    last = walk[-1]
    values = {"OPEN": last.open, "HIGH": last.high, "LOW": last.low, "VOLUME": last.volume}
    assert {name: after[f"{name}@1h"] for name in values} == values


@pytest.mark.parametrize(("count", "known"), [(50, False), (51, True), (201, True)])
def test_a_value_that_there_was_not_yet_is_not_there_a_candle_later(
    count: int, known: bool
) -> None:
    features = Run()(market(count), table(crossing("MA50", "TREND", "RSI30")))
    assert ("MA50@1h[1]" in features, "TREND@1h[1]" in features) == (known, known)
    assert "RSI30@1h[1]" in features


def test_a_strategy_that_is_saved_is_served_with_the_next_event() -> None:
    run, walk = Run(), market(310)
    assert not [name for name in run(walk) if "(" in name]
    tick = make_tick(walk[-1].observed_at + 1)
    features = run([tick], table(strategy("ADX(13)")))
    assert_equals_the_library(features, walk, wanted(strategy("ADX(13)")))
    opened = msgspec.structs.replace(market(311)[-1], closed=False)
    told = len(run.scores)
    features = run([opened], table(strategy("SMA(33)")))
    assert set(features) & {"ADX(13).ADX@1h", "SMA(33).SMA@1h"} == {"SMA(33).SMA@1h"}
    run([opened], table(strategy("SMA(33)")))
    assert len(run.scores) == told + 1  # the second one changed nothing
    assert not [name for name in run([make_tick(tick.observed_at + 1)]) if "(" in name]


@pytest.mark.parametrize(
    ("changes", "is_served"),
    [
        pytest.param({}, True, id="all assets"),
        pytest.param({"assets": ("ETH", "BTC")}, True, id="this one among others"),
        pytest.param({"assets": ("ETH",)}, False, id="another asset"),
        pytest.param({"active": False}, False, id="inactive"),
    ],
)
def test_whose_indicators_are_computed(changes: dict[str, Any], is_served: bool) -> None:
    run = Run()
    features = run(market(40), table(strategy("SMA(33)", **changes)))
    assert ("SMA(33).SMA@1h" in features) == is_served
    named = [(place.topic, place.offset) for place in run.scores[-1].inputs]
    assert named == [("market.candles", 39), *([("control.strategies", 7)] if is_served else [])]


def test_the_score_names_how_far_the_strategies_were_read() -> None:
    """Also what was deleted: the table as of that offset has it no more."""
    tables = table(strategy("SMA(33)"))._replace(read_to=30)
    run = Run()
    run(market(40), tables)
    assert run.scores[-1].inputs[-1].offset == 30


def test_a_table_is_read_once_and_a_strategy_that_stays_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def noted(one: Strategy) -> tuple[Indicator, ...]:
        asked.append(one.strategy_id)
        return wanted(one)

    monkeypatch.setattr(wanted_module, "wanted", noted)
    first, second = strategy("SMA(33)"), strategy("EMA(9)", strategy_id="two")
    run, walk = Run(), market(60)
    tables = table(first)
    run(walk[:40], tables)
    run(walk[40:50], table(first, second))
    run(walk[50:], table(first, second))
    assert asked == ["one", "two"]


def test_a_series_that_begins_anew_has_nothing_of_the_one_before() -> None:
    tables = table(strategy("SMA(33)", strategy_id="two"), crossing("RSI"))
    names = ("SMA(33).SMA@1h", "RSI14@1h[1]")
    run, walk = Run(), market(330)
    assert names[0] in run(walk, tables)
    after = market(60, 9, first=330 + 51)
    for count, candle in enumerate(after, start=1):
        features = run([candle], tables)
        assert (names[0] in features) == (count >= 33)
        assert "RSI14@1h[1]" not in features or count >= 16
    assert features[names[0]] == pytest.approx(np.mean([one.close for one in after[-33:]]))
    elsewhere = [msgspec.structs.replace(one, exchange="kraken") for one in walk]
    assert names[0] not in run(elsewhere[:32], tables)
    assert names[0] in run(elsewhere[32:33], tables)


def test_a_few_missing_candles_leave_the_window_as_it_is() -> None:
    walk = market(330)
    del walk[300:303]
    rule = strategy("SMA(33)", "VWAP()")
    assert_equals_the_library(Run()(walk, table(rule)), walk, wanted(rule))
    day = [one for one in walk if one.open_time % (24 * HOUR_MS) == 0][-1]
    after = walk[walk.index(day) + 2 : walk.index(day) + 5]
    holed = [one for one in walk[: walk.index(day) + 8] if one not in after]
    assert_equals_the_library(Run()(holed, table(rule)), holed, wanted(rule))


def test_candles_of_the_past_are_not_computed_until_the_next_event() -> None:
    tables, run, walk = table(strategy("ADX(13)")), Run(), market(300)
    now = walk[-1].close_time + 60_000
    late = [msgspec.structs.replace(one, observed_at=now) for one in walk]
    seen = [run([candle], tables) for candle in late]
    assert ["ADX(13).ADX@1h" in features for features in seen] == [False] * 298 + [True] * 2
    run, late = Run(), late[:-2]
    assert "ADX(13).ADX@1h" not in run(late, tables)
    assert_equals_the_library(
        run([make_tick(now + 1)], tables), walk[:-2], wanted(strategy("ADX(13)"))
    )
    again = run([msgspec.structs.replace(walk[-2], observed_at=now + 9 * HOUR_MS)], tables)
    assert "ADX(13).ADX@1h" not in again  # its candle is not the last one any more


def test_what_the_library_cannot_compute_is_absent_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(**_: Any) -> Any:
        msg = "odd data"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(library.load(), "cci", broken)
    run = Run()
    tables = table(strategy("CCI(11)", "SMA(33)"), strategy("ADX(5)", strategy_id="two"))
    features = run(market(60), tables)
    assert "CCI(11).CCI@1h" not in features
    assert {"SMA(33).SMA@1h", "ADX(5).ADX@1h"} <= features.keys()
    said = "not computed: CCI(11).CCI@1h ZeroDivisionError"
    assert run.scores[-1].detail["indicators_1h"] == said
    run(market(2, timeframe="4h"), tables)
    assert run.scores[-1].detail["indicators_1h"] == said
    run([make_tick(START_MS + 1_000 * HOUR_MS)])
    assert "indicators_1h" not in run.scores[-1].detail


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    flat = [make_candle(place, 5.0) for place in range(320)]
    silent = [msgspec.structs.replace(one, volume=0.0) for one in flat]
    asked = [strategy(*ODD[place::8], strategy_id=str(place)) for place in range(8)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = Run()
        run(silent[:-2])
        run(silent[-2:], table(*asked))
    assert capfd.readouterr() == ("", "")


def test_old_short_candles_take_what_was_wanted_of_them_along() -> None:
    tables, run = table(strategy("SMA(33)@5m", "SMA(33)@15m")), Run()
    run(market(40, timeframe="15m"), tables)
    short = market(121, timeframe="5m")
    assert {"SMA(33).SMA@5m", "SMA(33).SMA@15m"} <= run(short, tables).keys()
    late = run([make_tick(short[-1].close_time + 3 * CANDLE_MS["5m"])], tables)
    assert "SMA(33).SMA@5m" not in late
    assert "SMA(33).SMA@15m" in late


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400), st.integers(1, 400))
def test_values_depend_on_the_last_300_candles_alone(seed: int, one: int, other: int) -> None:
    """Whatever was before them, and wherever in a block of candles they began."""
    tables = table(strategy(*ODD[::5]), crossing(*ODD[1::5]))
    shared = market(KEPT, seed, first=500)
    scale = shared[0].open
    values = []
    for count in (one, other):
        past = market(count, seed + count, first=500 - count)
        factor = scale / past[-1].close
        joined = [
            msgspec.structs.replace(
                candle,
                **{k: getattr(candle, k) * factor for k in ("open", "high", "low", "close")},
            )
            for candle in past
        ]
        run = Run()
        run(joined)
        run(shared[:-1])
        features = run(shared[-1:], tables)
        values.append({name: value for name, value in features.items() if "(" in name})
    assert values[0] == values[1]
    assert len(values[0]) >= 10


def test_a_state_has_300_candles_of_each_timeframe_and_survives_msgpack() -> None:
    run, tables = Run(), table(strategy("ADX(13)", "SMA(33)@4h"))
    for timeframe in ("5m", "15m", "1h", "4h", "1d"):
        run(market(330, timeframe=timeframe), tables)
    state = run.state
    assert [len(candles(frame.series)) // 40 for frame in (*state.frames, *state.short)] == [
        300
    ] * 5
    encoded = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(encoded, type=State) == state
    assert 60_000 < len(encoded) < 75_000
    assert len(msgspec.msgpack.encode(ENGINE.initial(ENGINE.config))) < 4_000


def test_computing_nothing_needs_no_library() -> None:
    assert compute(b"", {}, list) == Computed({}, {})
