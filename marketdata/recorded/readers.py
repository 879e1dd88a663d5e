"""Recorded parquet files as streams of events, batch by batch: candles and order books.

A candle is observed `CANDLE_DELAY_MS` after its close, an order book at the time in its row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from math import isfinite
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from marketdata.candles import joined
from marketdata.recorded.files import EXCHANGE, MarketFile, ReadReport, RecordedDataError
from marketdata.recorded.time_column import TimeColumn, time_column
from schemas.events import MarketEvent
from schemas.market import Candle, OrderBook
from schemas.validation import TIMEFRAME_MS, problem

CANDLE_DELAY_MS = 1000
_BATCH_ROWS = 2048
CANDLE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
NOT_NUMBERS = (TypeError, ValueError, OverflowError)
_Row = tuple[Any, ...]
_P = ParamSpec("_P")
_E = TypeVar("_E", bound=MarketEvent)


def candles(
    file: MarketFile, start_ms: int, end_ms: int, warmup: int, report: ReadReport
) -> Iterator[Candle]:
    """Open a candle file; yield its candles observed from `start_ms` to before `end_ms`, in order.

    The last `warmup` candles before `start_ms` come first. Rows may stand in any order; those of
    one time are joined (`marketdata.candles`). Raises RecordedDataError at the call when the file
    cannot be read, lacks a column or has times that cannot be used (`time_column`).
    """
    length_ms = TIMEFRAME_MS[file.timeframe]
    rows, times = _rows(file.path, CANDLE_COLUMNS, length_ms, report)
    lead_ms = length_ms + CANDLE_DELAY_MS
    wanted = _span(rows, start_ms - lead_ms, end_ms - lead_ms, warmup, in_order=True)
    made = _candles(wanted, file, report)
    is_single = times.is_ascending and not times.repeats
    return made if is_single else _joined(made, file.path.name, report)


def candle_span(file: MarketFile) -> tuple[int, int] | None:
    """Return the open times of a file's first and last candle, ms; None without rows.

    RecordedDataError as in `candles`.
    """
    return _rows(file.path, CANDLE_COLUMNS, TIMEFRAME_MS[file.timeframe], ReadReport())[1].span_ms


def _candles(rows: Iterator[_Row], file: MarketFile, report: ReadReport) -> Iterator[Candle]:
    make = _candle_of(file)
    for row in rows:
        try:
            candle = make(*row)
            wrong = problem(candle)
        except NOT_NUMBERS as error:
            wrong = no_numbers(error)
        if wrong is None:
            yield candle
        else:
            skip(report, file.path.name, wrong)


def _joined(candles: Iterator[Candle], file: str, report: ReadReport) -> Iterator[Candle]:
    for _, same in groupby(candles, key=attrgetter("open_time")):
        rows = list(same)
        if len(rows) > 1:
            report.skipped[f"{file}: twice, joined with the other of its time"] += len(rows) - 1
        yield joined(rows)


def _span(
    rows: Iterator[_Row], start_ms: int, end_ms: int, warmup: int, *, in_order: bool
) -> Iterator[_Row]:
    """Yield the rows whose first column is in the span, and `warmup` rows before the first."""
    before: deque[_Row] = deque(maxlen=warmup)
    for row in rows:
        time_ms = row[0]
        if time_ms < start_ms:
            before.append(row)
        elif time_ms < end_ms:
            yield from before
            before.clear()
            yield row
        elif in_order:
            break
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

    Raises RecordedDataError at the call as `candles` does.
    """
    names = set(open_parquet(file.path).schema_arrow.names)
    levels = 1
    while f"bid_px_{levels}" in names:
        levels += 1
    columns = [
        f"{side}_{kind}_{level}"
        for side in ("bid", "ask")
        for kind in ("px", "sz")
        for level in range(levels)
    ]
    rows, times = _rows(file.path, ("ts_ms", "last_update_id", *columns), None, report, whole=2)
    wanted = _span(rows, start_ms, end_ms, 0, in_order=times.is_ascending)
    return _books(wanted, levels, file, report)


def _books(
    rows: Iterator[_Row], levels: int, file: MarketFile, report: ReadReport
) -> Iterator[OrderBook]:
    for row in rows:
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


def open_parquet(path: Path) -> Any:
    """Open a parquet file; RecordedDataError when it cannot be read, or pyarrow is missing."""
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


def _rows(
    path: Path, columns: Sequence[str], length_ms: int | None, report: ReadReport, whole: int = 1
) -> tuple[Iterator[_Row], TimeColumn]:
    """Open a parquet file; return its rows, and what its first column, the time, is.

    Rows without a usable time are left out; candles (what has a length) are put in order. The
    first `whole` columns are whole numbers, the others become floats. RecordedDataError as in
    `candles`.
    """
    file = open_parquet(path)
    there = {field.name: str(field.type) for field in file.schema_arrow}
    missing = [name for name in columns if name not in there]
    if missing:
        msg = (
            f"{path} lacks the column(s) {', '.join(missing)}; looked for {', '.join(columns)}, "
            f"found {', '.join(there)}"
        )
        raise RecordedDataError(msg)
    texts = [
        name for name in columns[1:] if not there[name].startswith(("int", "uint", "double", "f"))
    ]
    if texts:
        kinds = ", ".join(f"{name} is {there[name]}" for name in texts)
        msg = f"{path} has columns of a wrong type: {kinds}; looked for numbers"
        raise RecordedDataError(msg)
    times = time_column(file, path, columns[0], length_ms, report)
    rows = _batches(file, list(columns), whole, times)
    if length_ms is None or times.is_ascending:
        return rows, times
    return iter(sorted(rows, key=itemgetter(0))), times


def _batches(file: Any, columns: list[str], whole: int, times: TimeColumn) -> Iterator[_Row]:
    with file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            read = [batch.column(name) for name in columns]
            at = times.in_ms(read[0])
            values = [*(one.to_pylist() for one in read[1:whole]), *map(_floats, read[whole:])]
            rows = zip(at, *values, strict=True)
            yield from rows if None not in at else (row for row in rows if row[0] is not None)


def _floats(column: Any) -> list[float | None]:
    values: list[float | None] = column.to_pylist()
    if str(column.type) == "double":
        return values
    return [None if value is None else float(value) for value in values]
