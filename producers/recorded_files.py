"""What a recorded directory holds: its known files, what was read of them and what was not."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from producers.events import MarketEvent, OrderKey, order_key

CANDLE_NAME = re.compile(r"([A-Z0-9]+)USDT-(1h|4h|1d)\.parquet")
BOOK_NAME = re.compile(r"([a-z0-9]+)usdt_depth\d+_1s\.parquet")
HEADLINES = "news/crypto_headlines_2021_2022.csv.gz"
TAGGED_POSTS = "news/cryptopanic_tagged.csv.gz"
EXCHANGE = "binance"
_LOOKED_FOR = (
    "ohlcv/{SYMBOL}USDT-{1h,4h,1d}.parquet",
    "books/{symbol}usdt_depth20_1s.parquet",
    HEADLINES,
    TAGGED_POSTS,
)
_REORDER_EVENTS = 200


class RecordedDataError(ValueError):
    """A recorded directory or a file in it cannot be played; says what was looked for and where."""


@dataclass(slots=True)
class ReadReport:
    """What came of reading a directory; complete once the events have been read to the end.

    `missing`: sentences about parts that are not there. `skipped`: rows not played, by reason.
    `events`: events read, by logical topic (ticks included).
    """

    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class MarketFile:
    """A file of one market, whose asset (and timeframe, for candles) its name tells."""

    path: Path
    asset: str
    timeframe: str = ""

    @property
    def symbol(self) -> str:
        """The market's symbol, for example BTC/USDT."""
        return f"{self.asset}/USDT"


@dataclass(frozen=True, slots=True)
class Directory:
    """The known files of a recorded directory; a part that is not there is empty or None."""

    path: Path
    candles: tuple[MarketFile, ...]
    books: tuple[MarketFile, ...]
    headlines: Path | None
    tagged_posts: Path | None

    @property
    def assets(self) -> tuple[str, ...]:
        """The played assets: those with candles; without any candles, those with books."""
        return tuple(sorted({file.asset for file in self.candles or self.books}))


def find_files(path: Path, report: ReadReport) -> Directory:
    """Find the known files; RecordedDataError when there is none, or no such directory."""
    if not path.is_dir():
        msg = f"{path} is not a directory; looked there for {', '.join(_LOOKED_FOR)}"
        raise RecordedDataError(msg)
    found = Directory(
        path,
        tuple(_market_files(path / "ohlcv", CANDLE_NAME)),
        tuple(_market_files(path / "books", BOOK_NAME)),
        _existing(path / HEADLINES),
        _existing(path / TAGGED_POSTS),
    )
    parts: Sequence[object] = (found.candles, found.books, found.headlines, found.tagged_posts)
    if not any(parts):
        msg = f"nothing to play in {path}; looked there for {', '.join(_LOOKED_FOR)}"
        raise RecordedDataError(msg)
    for part, wanted in zip(parts, _LOOKED_FOR, strict=True):
        if not part:
            report.missing.append(f"no {wanted} in {path}")
    return found


def _market_files(folder: Path, name: re.Pattern[str]) -> Iterator[MarketFile]:
    for path in sorted(folder.glob("*.parquet")):
        match = name.fullmatch(path.name)
        if match is not None:
            yield MarketFile(path, match[1].upper(), *match.groups()[1:])


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def in_order(
    events: Iterator[MarketEvent], file: str, report: ReadReport
) -> Iterator[tuple[OrderKey, MarketEvent]]:
    """Yield (key, event) in the order of `order_key`, with memory for 200 events only.

    A row that comes more than 200 rows too late, or twice, is skipped and counted.
    """
    held: deque[tuple[OrderKey, int, MarketEvent]] = deque()
    last: OrderKey = (0, 0, "", "")
    number = 0
    while True:
        event = next(events, None)
        if event is not None:
            number += 1
            one = (order_key(event), number, event)
            if not held or one > held[-1]:  # nearly always: files are in order but for a few rows
                held.append(one)
            else:
                held.insert(bisect(held, one), one)
            if len(held) <= _REORDER_EVENTS:
                continue
        elif not held:
            return
        key, _, first = held.popleft()
        if key > last:
            last = key
            yield key, first
        else:
            report.skipped[f"{file}: {'twice' if key == last else 'out of order'}"] += 1
