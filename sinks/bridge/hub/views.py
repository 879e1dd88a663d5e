"""The latest of everything, in memory: what snapshots and the REST interface are made of."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from schemas.control import Strategy
from schemas.explanations import Explanation
from schemas.market import Candle
from schemas.scores import EngineScore
from schemas.signals import PortfolioEquity, PortfolioTrade, Signal, TopSignals
from schemas.sources import SourceStatus
from schemas.topics import (
    BY_NAME,
    CANDLES,
    EQUITY,
    EXPLANATIONS,
    SCORES,
    SIGNALS,
    SOURCES,
    STRATEGIES,
    TOP,
    TRADES,
)
from sinks.base import SinkRecord
from sinks.bridge.frames import Frame, event_frame
from sinks.bridge.hub.answers import Answers
from sinks.bridge.hub.channels import BY_TOPIC, PRICES, frame_of
from sinks.bridge.hub.prices import Price, price_of

MOST_ROWS = 20_000
MOST_EXPLANATIONS = 2_000
MOST_CANDLES = 300
MOST_CANDLE_SERIES = 1_000
MOST_TRADES = 200
"""Trades kept of each strategy."""
MOST_POINTS = 1_000
"""Moments kept of the equity of each strategy, of MOST_CURVES strategies."""
MOST_CURVES = 200

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TopicState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How far the bridge is in one topic: `last_at` is the last record's timestamp in ms.

    `behind` are the records in the log that it has not read yet; None: not known.
    """

    topic: str
    records: int
    last_at: int | None = None
    behind: int | None = None


class Recent(Generic[K, V]):
    """A mapping of the keys that were set last, and no more than so many of them."""

    def __init__(self, most: int) -> None:
        self.values: OrderedDict[K, V] = OrderedDict()
        self._most = most

    def set(self, key: K, value: V) -> None:
        """Set a key; it is now the newest."""
        self.values[key] = value
        self.values.move_to_end(key)
        if len(self.values) > self._most:
            self.values.popitem(last=False)


class View:
    """The latest events of one channel by key, and the frames that they were sent in."""

    def __init__(self, most: int) -> None:
        self.events: Recent[Any, Any] = Recent(most)
        self.frames: Recent[Any, Frame] = Recent(most)

    def set(self, key: Hashable, event: Any, frame: Frame) -> None:
        """Set a key to an event."""
        self.events.set(key, event)
        self.frames.set(key, frame)

    def drop(self, key: Hashable) -> None:
        """Forget a key."""
        self.events.values.pop(key, None)
        self.frames.values.pop(key, None)


class Latest:
    """What the hub knows now; the REST interface reads it too. Changed by `apply` alone.

    `version` counts the changes, so that what is made of a state can be kept until the next one.
    `is_whole` is set by who reads the log, once it was read to its end. `answers` are the signals
    that somebody asked for.
    """

    def __init__(self) -> None:
        self.version = 0
        self.is_whole = False
        self.answers = Answers()
        self.topics: dict[str, TopicState] = {
            topic: TopicState(topic=topic, records=0) for topic in BY_TOPIC
        }
        self.strategies: dict[str, Strategy] = {}
        self._candles: Recent[tuple[str, str], Sequence[Candle]] = Recent(MOST_CANDLE_SERIES)
        self._curves: Recent[str, deque[PortfolioEquity]] = Recent(MOST_CURVES)
        self._trades_of: Recent[str, deque[str]] = Recent(MOST_ROWS)
        self._views = {
            **{s.channel: View(MOST_ROWS) for s in BY_TOPIC.values() if s.channel is not None},
            "explanations": View(MOST_EXPLANATIONS),
            PRICES: View(MOST_ROWS),
        }

    def frames(self, channel: str) -> Iterable[Frame]:
        """Return the frames of a channel's latest events, the one that changed last at the end."""
        return self._views[channel].frames.values.values()

    @property
    def signals(self) -> Mapping[tuple[str, str], Signal]:
        """Latest signal by (asset, strategy_id)."""
        return self._views["signals"].events.values

    @property
    def scores(self) -> Mapping[tuple[str, str], EngineScore]:
        """Latest score by (asset, engine)."""
        return self._views["scores"].events.values

    @property
    def prices(self) -> Mapping[str, Price]:
        """Last price by asset."""
        return self._views[PRICES].events.values

    @property
    def top(self) -> Mapping[str, TopSignals]:
        """Latest ranking by strategy_id."""
        return self._views["top"].events.values

    @property
    def explanations(self) -> Mapping[str, Explanation]:
        """Latest explanations by signal_id."""
        return self._views["explanations"].events.values

    @property
    def trades(self) -> Mapping[str, PortfolioTrade]:
        """The last trades of each strategy by trade_id, in the order in which they came."""
        return self._views["trades"].events.values

    @property
    def equity(self) -> Mapping[str, PortfolioEquity]:
        """Latest equity by strategy_id, with the open positions."""
        return self._views["equity"].events.values

    def curve(self, strategy_id: str) -> Sequence[PortfolioEquity]:
        """Return the last moments of a strategy's equity, the oldest first, without positions."""
        return tuple(self._curves.values.get(strategy_id, ()))

    @property
    def sources(self) -> Mapping[str, SourceStatus]:
        """State of each upstream by source."""
        return self._views["status"].events.values

    @property
    def candles(self) -> Mapping[tuple[str, str], Sequence[Candle]]:
        """The last candles by (asset, timeframe), by open time."""
        return self._candles.values

    def reset(self, topic: str) -> None:
        """Forget the events of a topic that was recreated, where it is compacted (a table)."""
        if BY_NAME[topic].cleanup != "compact":
            return
        self.version += 1
        channel = BY_TOPIC[topic].channel
        if channel is not None:
            self._views[channel] = View(MOST_ROWS)
        if topic == STRATEGIES.name:
            self.strategies.clear()

    def note_behind(self, behind: Mapping[str, int]) -> None:
        """Set how many records of each topic are still to be read."""
        for topic, state in self.topics.items():
            self.topics[topic] = msgspec.structs.replace(state, behind=behind.get(topic))

    def apply(self, record: SinkRecord) -> Frame | None:
        """Take a record in; return the frame to send for it, if there is one."""
        self.version += 1
        topic = record.topic
        known = self.topics[topic]
        self.topics[topic] = TopicState(
            topic=topic,
            records=known.records + 1,
            last_at=max(record.timestamp_ms, known.last_at or 0),
            behind=known.behind,
        )
        if topic == STRATEGIES.name:
            self._strategy(record)
            return None
        channel = BY_TOPIC[topic].channel
        if channel is None:
            return self._market(record)
        if topic == SIGNALS.name and record.event is not None:
            self.answers.take(record.event)
        frame, key = frame_of(record), _key(record)
        if record.event is None:
            self._views[channel].drop(key)
        elif frame is not None:
            self._note_portfolio(record.event)
            self._views[channel].set(key, record.event, frame)
        return frame

    def _note_portfolio(self, event: Any) -> None:
        """Keep the bounds of trades and of the equity's past."""
        match event:
            case PortfolioTrade() if event.trade_id not in self.trades:
                ids = self._trades_of.values.get(event.strategy_id, deque())
                self._trades_of.set(event.strategy_id, ids)
                ids.append(event.trade_id)
                if len(ids) > MOST_TRADES:
                    self._views["trades"].drop(ids.popleft())
            case PortfolioEquity():
                points = self._curves.values.get(event.strategy_id, deque(maxlen=MOST_POINTS))
                self._curves.set(event.strategy_id, points)
                if not points or (event.as_of, event.kind) > (points[-1].as_of, points[-1].kind):
                    points.append(msgspec.structs.replace(event, positions=(), inputs=()))

    def _strategy(self, record: SinkRecord) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        if record.event is None:
            self.strategies.pop(key, None)
        else:
            self.strategies[record.event.strategy_id] = record.event

    def _market(self, record: SinkRecord) -> Frame | None:
        if record.topic == CANDLES.name:
            self._candle(record.event)
        price = price_of(record, self.prices.get(record.event.asset))
        if price is None:
            return None
        place = (record.topic, record.partition, record.offset)
        frame = event_frame(
            "price",
            place,
            record.timestamp_ms,
            price,
            channel=PRICES,
            asset=price.asset,
            key=price.asset,
        )
        self._views[PRICES].set(price.asset, price, frame)
        return frame

    def _candle(self, candle: Candle) -> None:
        """Put a candle at its open time; one that is older than all that are kept is dropped.

        The first of another exchange begins anew: candles of two are never in one row.
        """
        key = (candle.asset, candle.timeframe)
        known = self.candles.get(key, ())
        if known and known[-1].exchange != candle.exchange:
            known = ()
        if not known or candle.open_time > known[-1].open_time:
            self._candles.set(key, (*known[-MOST_CANDLES + 1 :], candle))
            return
        if candle.open_time == known[-1].open_time:
            self._candles.set(key, (*known[:-1], candle))
            return
        by_time = {one.open_time: one for one in known} | {candle.open_time: candle}
        self._candles.set(key, tuple(by_time[at] for at in sorted(by_time)[-MOST_CANDLES:]))


def _key(record: SinkRecord) -> Hashable:
    event = record.event
    if event is None:
        return (record.key or b"").decode("utf-8", "replace")
    match record.topic:
        case SIGNALS.name:
            return (event.asset, event.strategy_id)
        case SCORES.name:
            return (event.asset, event.engine)
        case EXPLANATIONS.name:
            return str(event.signal_id)
        case TOP.name | EQUITY.name:
            return str(event.strategy_id)
        case TRADES.name:
            return str(event.trade_id)
        case SOURCES.name:
            return str(event.source)
    return (record.topic, record.partition, record.offset)
