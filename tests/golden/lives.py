"""Lives of positions over hourly candles: the technical engine, event risk and fusion, as they are.

The other engines are written off in each cycle. Strategies have no say of the scores here: rules,
stops, targets, age and event risk decide, each strategy with one way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from schemas.control import Strategy
from schemas.engines import ENGINES
from schemas.market import CalendarEvent, Candle
from schemas.signals import Decision
from streams.engines.scoring_stage import ScoringStage
from streams.fusion.fusion_stage import Config, FusionStage
from streams.fusion.watchdog import missing_score
from streams.runner import TopologyRunner
from streams.topology import scoring_engine
from tests.factories import HOUR_MS, START_MS, calendar_event, candle, strategy, tick

ASSET = "BTC"
_HEARD = ("technical", "event_risk")
_WAYPOINTS = (
    *((0, 102.0), (70, 100.0), (100, 124.0), (112, 112.0), (132, 122.0), (142, 121.0)),
    *((160, 96.0), (190, 118.0), (200, 110.0)),
)
"""(hour, price), straight lines between."""
_CALM_H = 70
"""Until then there is no saw, and nothing to enter: the indicators warm up."""
EVENT_SEEN_H, EVENT_H = 183, 186


def candles() -> list[Candle]:
    """Return synthetic hourly candles: waypoints with a small saw, so that indicators have work."""
    closes = [
        round(before + (after - before) * (hour - start) / (end - start) + _saw(hour), 4)
        for (start, before), (end, after) in pairwise(_WAYPOINTS)
        for hour in range(start, end)
    ]
    return [
        candle(
            ASSET,
            START_MS + hour * HOUR_MS,
            open=before,
            close=close,
            high=round(max(before, close) + 0.1, 4),
            low=round(min(before, close) - 0.1, 4),
        )
        for hour, (before, close) in enumerate(pairwise(closes), 1)
    ]


def _saw(hour: int) -> float:
    return 0.3 * (hour % 3 - 1) if hour > _CALM_H else 0.0


def calendar() -> list[CalendarEvent]:
    """Return an uncertain hard fork, seen three hours before it comes."""
    seen_ms = START_MS + EVENT_SEEN_H * HOUR_MS
    ahead_ms = (EVENT_H - EVENT_SEEN_H) * HOUR_MS
    return [calendar_event("hard_fork", ahead_ms, ASSET, seen_ms, certainty=0.2)]


def strategies() -> list[Strategy]:
    """Return one strategy per way out of a position; all enter by the same rule."""
    ways: dict[str, dict[str, object]] = {
        "age": {"max_age_hours": 12.0},
        "rule": {"exit_rule": "RSI < 45 OR PROFIT_PCT > 15"},
        "stop": {"stop_loss_pct": 4.0},
        "target": {"take_profit_atr": 8.0},
        "trailing": {"trailing_stop_pct": 6.0, "stop_loss_pct": 12.0},
        "all": {
            "stop_loss_atr": 6.0,
            "take_profit_pct": 20.0,
            "trailing_stop_atr": 8.0,
            "max_age_hours": 48.0,
            "exit_rule": "CLOSE < MA50",
        },
    }
    return [
        strategy(
            name,
            entry_rule="CLOSE > MA20 AND MA20 > MA50",
            buy_threshold=0.99,
            sell_threshold=-0.99,
            minimum_hold_minutes=600.0,
            **way,
        )
        for name, way in sorted(ways.items())
    ]


def decisions(
    market: Sequence[Candle], events: Iterable[CalendarEvent], watching: Sequence[Strategy]
) -> list[Decision]:
    """Return what fusion decides: a tick after each candle, and what it says between."""
    engines = [ScoringStage(scoring_engine(name)) for name in _HEARD]
    fusion = FusionStage(Config(stale_after_ms=2 * HOUR_MS))  # there is a tick an hour here
    runner = TopologyRunner([*engines, fusion], strategies=watching)
    due = sorted(events, key=lambda one: one.observed_at)
    found: list[Decision] = []
    for one in market:
        at_ms = one.close_time
        published: list[object] = [event for event in due if event.observed_at <= at_ms]
        due = [event for event in due if event.observed_at > at_ms]
        published += [one, tick(ASSET, at_ms, price_usd=one.close)]
        published += [
            missing_score(ASSET, engine, at_ms, 1, at_ms, "left out")
            for engine in ENGINES
            if engine not in _HEARD
        ]
        for event in published:
            made = runner.publish(event)
            found += [output.event for output in made if isinstance(output.event, Decision)]
    return found
