"""From a replay to what its report is made of."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas.codec import BadEventError
from schemas.control import Strategy
from schemas.market import Candle
from schemas.signals import Contribution, PortfolioEquity, PortfolioTrade, Signal
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import CANDLES
from streams.archive.reader import Archive
from streams.backtest.contents import Report
from streams.backtest.equity import EquityRecorder
from streams.backtest.run_data import Bar, Prices, RunData, RunInfo, StrategyRun
from streams.replay.logs import Logs
from streams.replay.sources import ArchiveSource, DirectorySource, Source
from streams.runner import Produced

REGIME_DAYS = 30


class Backtest(NamedTuple):
    """A report, and the prices that its trades are shown on, by asset."""

    report: Report
    prices: Mapping[str, Prices]


_WAITING = 512
"""Signals that bought and may not be filled yet, by strategy and asset: two days of cycles."""


class RunCollector:
    """Keeps of a replay's outputs what a report needs: fills, equity, why it bought.

    Memory: 48 bytes a record of equity, the fills, and the last signals that bought.
    """

    def __init__(self) -> None:
        self._equity: dict[str, EquityRecorder] = {}
        self._trades: defaultdict[str, list[PortfolioTrade]] = defaultdict(list)
        self._kept: defaultdict[str, dict[str, tuple[Contribution, ...]]] = defaultdict(dict)
        self._buys: defaultdict[tuple[str, str], OrderedDict[str, tuple[Contribution, ...]]] = (
            defaultdict(OrderedDict)
        )
        self.assets: dict[str, None] = {}

    def take(self, produced: Produced) -> None:
        """Take an output; signals, fills and equity count."""
        event = produced.event
        if isinstance(event, PortfolioEquity):
            recorder = self._equity.get(event.strategy_id)
            if recorder is None:
                recorder = self._equity[event.strategy_id] = EquityRecorder()
            recorder.take(event)
        elif isinstance(event, PortfolioTrade):
            self._trades[event.strategy_id].append(event)
            said = self._buys[event.strategy_id, event.asset].get(event.signal_id)
            if said is not None:
                self._kept[event.strategy_id][event.signal_id] = said
        elif isinstance(event, Signal):
            self._signal(event)

    def _signal(self, signal: Signal) -> None:
        self.assets[signal.asset] = None
        if signal.action != "BUY":
            return
        waiting = self._buys[signal.strategy_id, signal.asset]
        waiting[signal.signal_id] = signal.contributions
        if len(waiting) > _WAITING:
            waiting.popitem(last=False)
        # A fill may have come first: both are of one step.
        for trade in self._trades[signal.strategy_id][-1:]:
            if trade.signal_id == signal.signal_id:
                self._kept[signal.strategy_id][signal.signal_id] = signal.contributions

    def strategies(self, known: Mapping[str, Strategy]) -> tuple[StrategyRun, ...]:
        """Return the run of each strategy, by id; one that had no signal has no equity."""
        return tuple(
            StrategyRun(
                known[name],
                tuple(self._trades[name]),
                self._equity.get(name, EquityRecorder()).curve(),
                self._kept[name],
            )
            for name in sorted(known)
        )


def prices_of(
    source: Source, assets: Iterable[str], from_ms: int, until_ms: int
) -> dict[str, Prices]:
    """Return the daily and hourly candles of some assets, as a report wants them.

    Raises RecordedDataError or ArchiveError.
    """
    wanted = frozenset(assets)
    daily: defaultdict[str, list[Bar]] = defaultdict(list)
    hourly: defaultdict[str, list[Bar]] = defaultdict(list)
    for candle in _candles(source, from_ms - REGIME_DAYS * DAY_MS, until_ms):
        if candle.asset not in wanted or not candle.closed or candle.close_time > until_ms:
            continue
        bars = daily if candle.timeframe == "1d" else hourly
        if candle.timeframe == "1h" and candle.close_time < from_ms:
            continue
        bar = Bar(candle.close_time, candle.open, candle.high, candle.low, candle.close)
        bars[candle.asset].append(bar)
    return {
        asset: Prices(_ascending(daily[asset]), _ascending(hourly[asset]))
        for asset in sorted(wanted)
    }


def _ascending(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Return the candles by time; of several of one time the last, which corrects the others."""
    by_time = {bar.at_ms: bar for bar in bars}
    return tuple(by_time[at_ms] for at_ms in sorted(by_time))


def _candles(source: Source, from_ms: int, until_ms: int) -> Iterator[Candle]:
    """Yield the hourly and daily candles of a source, of each asset in order of time."""
    if isinstance(source, DirectorySource):
        from marketdata.recorded.source import recorded_candles

        timeframes = ("1h", "1d")
        yield from recorded_candles(Path(source.path), from_ms, until_ms, timeframes)
        return
    yield from _archived(source)


def _archived(source: ArchiveSource) -> Iterator[Candle]:
    logs = Logs(Archive(source.address), source.until_ms)
    for partition in range(logs.archive.partitions.get(CANDLES.name, 0)):
        for one in logs.read(CANDLES.name, partition):
            if not isinstance(one.event, BadEventError) and one.event.timeframe in {"1h", "1d"}:
                yield one.event


def gaps_of(prices: Mapping[str, Prices]) -> tuple[str, ...]:
    """Return a sentence for each asset whose hourly candles have holes."""
    sentences = []
    for asset, one in prices.items():
        steps = [later.at_ms - bar.at_ms for bar, later in pairwise(one.hourly)]
        holes = [step // HOUR_MS - 1 for step in steps if step >= 2 * HOUR_MS]
        if holes:
            longest = f", {max(holes):,} at once at most" if len(holes) > 1 else ""
            sentences.append(
                f"{asset}: {sum(holes):,} hourly candles are missing in {len(holes):,} "
                f"{'place' if len(holes) == 1 else 'places'}{longest}"
            )
    return tuple(sentences)


def run_data(
    collector: RunCollector, strategies: Iterable[Strategy], info: RunInfo, source: Source
) -> RunData:
    """Return what the report is made of; assets and gaps are filled in.

    `strategies` may hold several versions of one: the newest is shown. Where `from_ms` or
    `until_ms` is 0, the first or last record of equity is it.
    """
    newest: dict[str, Strategy] = {}
    for one in strategies:
        known = newest.get(one.strategy_id)
        if known is None or one.version >= known.version:
            newest[one.strategy_id] = one
    runs = collector.strategies(newest)
    curves = [one.equity for one in runs if len(one.equity)]
    from_ms = info.from_ms or min((one.at_ms[0] for one in curves), default=0)
    until_ms = info.until_ms or max((one.at_ms[-1] for one in curves), default=0) + 1
    assets = tuple(sorted(collector.assets))
    prices = prices_of(source, assets, from_ms, until_ms)
    span: dict[str, Any] = {"from_ms": from_ms, "until_ms": until_ms, "assets": assets}
    return RunData(replace(info, **span, gaps=gaps_of(prices)), runs, prices)
