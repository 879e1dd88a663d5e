"""What a recorded directory holds: its known files, what was read of them and what was not."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter, lt
from pathlib import Path
from typing import TypeAlias

from schemas.events import MarketEvent, OrderKey, order_key
from schemas.text import moment

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
Keyed: TypeAlias = tuple[OrderKey, MarketEvent]
_KEY = itemgetter(0)
_REORDER_EVENTS = 200
_BLOCK_EVENTS = 128
_NAMED = 3


class RecordedDataError(ValueError):
    """A recorded directory or a file in it cannot be played; the text says why and where."""


@dataclass(slots=True)
class ReadReport:
    """What came of reading a directory; complete once the events have been read to the end.

    `missing`: sentences about parts that are not there. `notes`: others about what was read.
    `skipped`: rows not played, by reason. `spans`: from when to when files have rows, ms.
    `events`: events read, by logical topic (ticks included).
    """

    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """Return all that a person should know of it."""
        rows = [f"{rows:,} rows skipped: {why}" for why, rows in sorted(self.skipped.items())]
        return [*self.missing, *self.notes, *rows]

    def nothing(self, start_ms: int, end_ms: int) -> str:
        """Return the sentence that there is nothing from `start_ms` to before `end_ms`."""
        form = "%Y-%m-%d %H:%M"
        there = [
            f"{name} has {moment(first, form)} to {moment(last, form)}"
            for name, (first, last) in sorted(self.spans.items())
        ]
        said = "; ".join(there[:_NAMED]) or "no file has times"
        return f"nothing from {moment(start_ms, form)} to {moment(end_ms, form)} (UTC): {said}"


@dataclass(frozen=True, slots=True)
class MarketFile:
    """A file of one market, whose asset (and timeframe, for candles) is in its name."""

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
        tuple(_market_files(path / "ohlcv", CANDLE_NAME, report)),
        tuple(_market_files(path / "books", BOOK_NAME, report)),
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


def _market_files(folder: Path, name: re.Pattern[str], report: ReadReport) -> Iterator[MarketFile]:
    for path in sorted(folder.glob("*.*")):
        match = name.fullmatch(path.name)
        if match is not None:
            yield MarketFile(path, match[1].upper(), *match.groups()[1:])
        elif path.suffix in (".parquet", ".csv"):
            report.notes.append(
                f"{folder.name}/{path.name} is not read: its name is none that is looked for"
            )


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def in_order(events: Iterator[MarketEvent], file: str, report: ReadReport) -> Iterator[Keyed]:
    """Yield (key, event) in the order of `order_key`, with memory for some 400 events only.

    A row that comes more than 200 rows too late, or twice, is skipped and counted.
    """
    held: list[Keyed] = []
    last: OrderKey = (0, 0, "", "")
    while True:
        block = [(order_key(event), event) for event in islice(events, _REORDER_EVENTS)]
        if not block:
            ready, held = held, []
        elif _ascends([*held[-1:], *block]):  # nearly always: files are in order but for a few rows
            held += block
            ready, held = held[:-_REORDER_EVENTS], held[-_REORDER_EVENTS:]
        else:
            ready = [earliest for one in block for earliest in _inserted(held, one)]
        for one in ready:
            key = one[0]
            if key > last:
                last = key
                yield one
            else:
                report.skipped[f"{file}: {'twice' if key == last else 'out of order'}"] += 1
        if not block:
            return


def _ascends(keyed: list[Keyed]) -> bool:
    keys = [key for key, _ in keyed]
    return all(map(lt, keys, islice(keys, 1, None)))


def _inserted(held: list[Keyed], one: Keyed) -> list[Keyed]:
    """Put an event in its place among those held; return the earliest when they are too many."""
    insort(held, one, key=_KEY)
    return [held.pop(0)] if len(held) > _REORDER_EVENTS else []


def merged(sources: Sequence[Iterator[Keyed]]) -> Iterator[Keyed]:
    """Yield the events of sources, each of which ascends, in order: `heapq.merge`, in blocks.

    Up to the earliest end of the blocks at hand everything is known, and sorting what is in order
    in parts is what Python sorts fastest: a third of the time of a heap.
    """
    waiting = [(block, source) for source in sources if (block := _block(source))]
    while waiting:
        until = min(block[-1][0] for block, _ in waiting)
        ready: list[Keyed] = []
        after = []
        for block, source in waiting:
            cut = bisect_right(block, until, key=_KEY)
            ready += block[:cut]
            rest = block[cut:] or _block(source)
            if rest:
                after.append((rest, source))
        waiting = after
        ready.sort(key=_KEY)
        yield from ready


def _block(source: Iterator[Keyed]) -> list[Keyed]:
    return list(islice(source, _BLOCK_EVENTS))
