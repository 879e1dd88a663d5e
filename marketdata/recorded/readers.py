"""Recorded parquet files as streams of events, batch by batch: candles and order books.

A candle is observed `CANDLE_DELAY_MS` after its close, an order book at the time in its row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from marketdata.recorded.files import EXCHANGE, MarketFile, ReadReport, RecordedDataError
from schemas.events import MarketEvent
from schemas.market import Candle, OrderBook
from schemas.validation import TIMEFRAME_MS, problem

CANDLE_DELAY_MS = 1000
_BATCH_ROWS = 2048
_CANDLE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
NOT_NUMBERS = (TypeError, ValueError, OverflowError)
_Row = tuple[Any, ...]
_P = ParamSpec("_P")
_E = TypeVar("_E", bound=MarketEvent)


def candles(
    file: MarketFile, start_ms: int, end_ms: int, warmup: int, report: ReadReport
) -> Iterator[Candle]:
    """Open a candle file; yield its candles observed from `start_ms` to before `end_ms`.

    The last `warmup` candles before `start_ms` come first. Rows are expected in the order of
    time. Raises RecordedDataError at the call when the file cannot be read or lacks a column.
    """
    rows = _rows(file.path, _CANDLE_COLUMNS)
    return _candles(rows, file, start_ms, end_ms, warmup, report)


def _candles(
    rows: Iterator[_Row],
    file: MarketFile,
    start_ms: int,
    end_ms: int,
    warmup: int,
    report: ReadReport,
) -> Iterator[Candle]:
    make = _candle_of(file)
    lead_ms = TIMEFRAME_MS[file.timeframe] + CANDLE_DELAY_MS
    for row in _span(rows, start_ms - lead_ms, end_ms - lead_ms, warmup):
        try:
            candle = make(*row)
            wrong = problem(candle)
        except NOT_NUMBERS as error:
            wrong = no_numbers(error)
        if wrong is None:
            yield candle
        else:
            skip(report, file.path.name, wrong)


def _span(rows: Iterator[_Row], start_ms: int, end_ms: int, warmup: int) -> Iterator[_Row]:
    """Yield the rows whose first column is in the span, and `warmup` rows before the first."""
    before: deque[_Row] = deque(maxlen=warmup)
    for row in rows:
        time_ms = row[0]
        if time_ms is not None and time_ms < start_ms:
            before.append(row)
            continue
        yield from before
        before.clear()
        if time_ms is not None and time_ms >= end_ms:
            return
        yield row
    yield from before


def _candle_of(file: MarketFile) -> Callable[..., Candle]:
    """Return what makes a candle of a row, with what is the same in every row worked out once."""
    asset, symbol, timeframe = file.asset, file.symbol, file.timeframe
    length_ms, name = TIMEFRAME_MS[timeframe], f"{symbol}:{timeframe}"

    def candle(
        open_time: int, open_: float, high: float, low: float, close: float, volume: float
    ) -> Candle:
        close_time = open_time + length_ms
        return Candle(
            asset=asset,
            event_time=close_time,
            observed_at=close_time + CANDLE_DELAY_MS,
            source=EXCHANGE,
            source_id=f"{name}:{open_time}",
            exchange=EXCHANGE,
            symbol=symbol,
            timeframe=timeframe,
            open_time=open_time,
            close_time=close_time,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            closed=True,
        )

    return candle


def books(file: MarketFile, start_ms: int, end_ms: int, report: ReadReport) -> Iterator[OrderBook]:
    """Open an order book file; yield its books from `start_ms` to before `end_ms`.

    Raises RecordedDataError at the call when the file cannot be read or lacks a column.
    """
    names = set(_open(file.path).schema_arrow.names)
    levels = 1
    while f"bid_px_{levels}" in names:
        levels += 1
    columns = [
        f"{side}_{kind}_{level}"
        for side in ("bid", "ask")
        for kind in ("px", "sz")
        for level in range(levels)
    ]
    rows = _rows(file.path, ("ts_ms", "last_update_id", *columns), whole=2)
    return _books(rows, levels, file, start_ms, end_ms, report)


def _books(
    rows: Iterator[_Row],
    levels: int,
    file: MarketFile,
    start_ms: int,
    end_ms: int,
    report: ReadReport,
) -> Iterator[OrderBook]:
    for row in _span(rows, start_ms, end_ms, 0):
        book = checked(report, file.path.name, _book, file, levels, row)
        if book is not None:
            yield book


def _book(file: MarketFile, levels: int, row: _Row) -> OrderBook:
    columns = [row[2 + side * levels : 2 + (side + 1) * levels] for side in range(4)]
    bid_prices, bid_sizes = _levels(columns[0], columns[1])
    ask_prices, ask_sizes = _levels(columns[2], columns[3])
    return OrderBook(
        asset=file.asset,
        event_time=int(row[0]),
        observed_at=int(row[0]),
        source=EXCHANGE,
        source_id=f"{file.symbol}:{int(row[1])}:{row[0]}",  # a quiet second repeats its update id
        exchange=EXCHANGE,
        symbol=file.symbol,
        bid_prices=bid_prices,
        bid_sizes=bid_sizes,
        ask_prices=ask_prices,
        ask_sizes=ask_sizes,
    )


def _levels(
    prices: Sequence[float | None], sizes: Sequence[float | None]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the levels that are there; a thin book has fewer than the file has columns."""
    there = [
        (float(price), float(size))
        for price, size in zip(prices, sizes, strict=True)
        if price is not None and size is not None and isfinite(price)
    ]
    return tuple(price for price, _ in there), tuple(size for _, size in there)


def checked(
    report: ReadReport, file: str, build: Callable[_P, _E], *args: _P.args, **kwargs: _P.kwargs
) -> _E | None:
    """Return the event that a row makes; None, and counted in the report, for a bad row."""
    try:
        event = build(*args, **kwargs)
        wrong = problem(event)
    except NOT_NUMBERS as error:
        wrong = no_numbers(error)
    if wrong is None:
        return event
    skip(report, file, wrong)
    return None


def no_numbers(error: Exception) -> str:
    """Return what is wrong with a row of which no event could be made."""
    return f"not a row of numbers: {type(error).__name__}"


def skip(report: ReadReport, file: str, wrong: str) -> None:
    """Count a bad row by what is wrong with it."""
    # The numbers in the sentence would make every bad row a kind of its own.
    reason = " ".join(word for word in wrong.split() if not any(c.isdigit() for c in word))
    report.skipped[f"{file}: {reason}"] += 1


def _open(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        msg = f"reading {path} needs pyarrow: pip install 'quantiva-streams[data]'"
        raise RecordedDataError(msg) from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as parquet: {error}"
        raise RecordedDataError(msg) from error


def _rows(path: Path, columns: Sequence[str], whole: int = 1) -> Iterator[_Row]:
    """Open a parquet file and yield its rows; RecordedDataError at the call, as in `candles`.

    The first `whole` columns stay as they are, the others become floats.
    """
    file = _open(path)
    there = {field.name: str(field.type) for field in file.schema_arrow}
    missing = [name for name in columns if name not in there]
    if missing:
        msg = (
            f"{path} lacks the column(s) {', '.join(missing)}; looked for {', '.join(columns)}, "
            f"found {', '.join(there)}"
        )
        raise RecordedDataError(msg)
    texts = [name for name in columns if not there[name].startswith(("int", "uint", "double", "f"))]
    if texts or "int" not in there[columns[0]]:
        wrong = texts or [columns[0]]
        kinds = ", ".join(f"{name} is {there[name]}" for name in wrong)
        msg = f"{path} has columns of a wrong type: {kinds}; looked for numbers (times in ms)"
        raise RecordedDataError(msg)
    return _batches(file, list(columns), whole)


def _batches(file: Any, columns: list[str], whole: int) -> Iterator[_Row]:
    with file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            read = [batch.column(name) for name in columns]
            values = [*(one.to_pylist() for one in read[:whole]), *map(_floats, read[whole:])]
            yield from zip(*values, strict=True)


def _floats(column: Any) -> list[float | None]:
    values: list[float | None] = column.to_pylist()
    if str(column.type) == "double":
        return values
    return [None if value is None else float(value) for value in values]
