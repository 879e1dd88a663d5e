"""Recorded news files as streams of articles, line by line.

An article is observed `NEWS_DELAY_MS` after it was published. The headlines' zone is not stated:
taken as UTC. The posts' votes are left out: readers cast them later than the post was seen.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from marketdata.assets.asset_tagger import assets_of
from marketdata.assets.clean_text import UNREADABLE, clean_text
from marketdata.assets.symbols import Catalogue
from marketdata.recorded.files import ReadReport, RecordedDataError
from marketdata.recorded.readers import checked
from schemas.coins import COINS, KnownCoin
from schemas.market import NewsArticle
from schemas.names import short_id
from schemas.times import MINUTE_MS, epoch_ms

NEWS_DELAY_MS = MINUTE_MS
_HEADLINE_COLUMNS = ("published_at", "title", "summary", "source", "subject", "url")
_TAGGED_COLUMNS = ("id", "published_at", "title", "source", "currencies")
_BROKEN_FILE = (OSError, EOFError, zlib.error, UnicodeDecodeError)
_MOST_LATE = 0.2
"""Of a file's rows: a few late ones are put in order as they come (`files.in_order`)."""
_Row: TypeAlias = dict[str, str]
_MakeArticle: TypeAlias = Callable[[_Row, int], tuple[NewsArticle, tuple[str, ...]]]


class _TaggedText(NamedTuple):
    """A `marketdata.assets.asset_tagger.NewsLike`."""

    source: str
    headline: str
    summary: str | None
    tags: tuple[str, ...]
    tickers: tuple[str, ...] = ()


def headlines(
    path: Path, start_ms: int, end_ms: int, played: Collection[str], report: ReadReport
) -> Iterator[NewsArticle]:
    """Open the headlines; yield an article for every played asset that each is about.

    They are tagged as live ones are, their subject being a tag. A headline about no played asset is
    skipped and counted. RecordedDataError at the call when the file cannot be read, lacks a column
    or has no usable time in most of its rows. A file that is not in the order of time is sorted in
    memory.
    """
    rows = _timed_rows(path, _HEADLINE_COLUMNS, report)
    return _articles(rows, path.name, (start_ms, end_ms), played, _headline, report)


def tagged_posts(
    path: Path, start_ms: int, end_ms: int, played: Collection[str], report: ReadReport
) -> Iterator[NewsArticle]:
    """Open the tagged posts; yield an article for every played asset that each is about.

    They are tagged as live ones are: a tag that is mostly a word ("A", "US") counts only where the
    title names the coin. Skips and raises RecordedDataError as `headlines` does.
    """
    rows = _timed_rows(path, _TAGGED_COLUMNS, report)
    return _articles(rows, path.name, (start_ms, end_ms), played, _post, report)


def catalogue_with(assets: Iterable[str]) -> Catalogue:
    """Return the known coins and those of the assets that are not among them, ranked behind."""
    others = sorted(set(assets) - COINS.keys())
    ranked = enumerate(others, start=len(COINS) + 1)
    unknown = (KnownCoin(asset, asset, market_cap_rank=rank) for rank, asset in ranked)
    return Catalogue.of((*COINS.values(), *unknown))


def _articles(
    rows: Iterator[tuple[int, _Row]],
    file: str,
    span_ms: tuple[int, int],
    played: Collection[str],
    make: _MakeArticle,
    report: ReadReport,
) -> Iterator[NewsArticle]:
    catalogue = catalogue_with(played)
    for at_ms, row in rows:
        if not span_ms[0] <= at_ms + NEWS_DELAY_MS < span_ms[1]:
            continue
        article, tags = make(row, at_ms)
        if UNREADABLE in article.headline:
            report.skipped[f"{file}: the headline cannot be decoded"] += 1
            continue
        text = _TaggedText(article.source, article.headline, article.summary, tags)
        about = sorted(asset for asset in assets_of(text, catalogue) if asset in played)
        if not about:
            report.skipped[f"{file}: about no played asset"] += 1
        for asset in about:
            of_asset = checked(report, file, _of_asset, article, asset)
            if of_asset is not None:
                yield of_asset


def _of_asset(article: NewsArticle, asset: str) -> NewsArticle:
    return replace(article, asset=asset, source_id=f"{short_id(article.source_id)}:{asset}")


def _headline(row: _Row, at_ms: int) -> tuple[NewsArticle, tuple[str, ...]]:
    """Return an article without its asset, and its tags."""
    text = "\n".join((row["url"], row["published_at"], row["title"]))
    article = NewsArticle(
        asset="",
        event_time=at_ms,
        observed_at=at_ms + NEWS_DELAY_MS,
        published_at=at_ms,
        source="crypto_headlines",
        source_id=hashlib.sha256(text.encode()).hexdigest()[:16],
        headline=clean_text(row["title"]),
        summary=_summary(row["summary"]),
        url=row["url"],
        publisher=row["source"],
    )
    return article, (row["subject"],)


def _summary(text: str) -> str | None:
    summary = clean_text(text)
    return None if not summary or UNREADABLE in summary else summary


def _post(row: _Row, at_ms: int) -> tuple[NewsArticle, tuple[str, ...]]:
    """Return an article without its asset, and its tags."""
    article = NewsArticle(
        asset="",
        event_time=at_ms,
        observed_at=at_ms + NEWS_DELAY_MS,
        published_at=at_ms,
        source="cryptopanic",
        source_id=row["id"],
        headline=clean_text(row["title"]),
        url="",
        publisher=row["source"],
    )
    return article, tuple(filter(None, row["currencies"].split("|")))


def _timed_rows(
    path: Path, columns: Sequence[str], report: ReadReport
) -> Iterator[tuple[int, _Row]]:
    """Open a file and yield when each row was published, and the row, nearly in order of time."""
    last_ms, rows, late, unknown = 0, 0, 0, 0
    odd = ""
    for row in _csv_rows(path, columns, ReadReport()):
        at_ms = _time_ms(row["published_at"])
        rows += 1
        if at_ms is None:
            odd = odd or row["published_at"]
            unknown += 1
        else:
            late += at_ms < last_ms
            last_ms = at_ms
    if 2 * unknown > rows:
        msg = (
            f"{path}: published_at is no time in {unknown:,} of {rows:,} rows, the first {odd!r}; "
            "write 2022-03-01T01:00:00Z, or unix time"
        )
        raise RecordedDataError(msg)
    timed = _with_times(_csv_rows(path, columns, report), path.name, report)
    return iter(sorted(timed, key=itemgetter(0))) if late > _MOST_LATE * rows else timed


def _with_times(rows: Iterator[_Row], file: str, report: ReadReport) -> Iterator[tuple[int, _Row]]:
    for row in rows:
        at_ms = _time_ms(row["published_at"])
        if at_ms is None:
            report.skipped[f"{file}: published_at is no time"] += 1
        else:
            yield at_ms, row


def _time_ms(text: str) -> int | None:
    if re.fullmatch(r"\d{9,}", text):
        return epoch_ms(int(text))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1000)


def _csv_rows(path: Path, columns: Sequence[str], report: ReadReport) -> Iterator[_Row]:
    """Open a gzipped CSV file and yield its rows; RecordedDataError at the call."""
    lines = _lines(path, report)
    first = next(lines, "")
    delimiter = ";" if first.count(";") > first.count(",") else ","  # a spreadsheet's choice
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        header = []
    missing = [name for name in columns if name not in header]
    if missing:
        msg = (
            f"{path} lacks the column(s) {', '.join(missing)}; looked for {', '.join(columns)}, "
            f"found {', '.join(header) or 'no readable gzipped CSV'}"
        )
        raise RecordedDataError(msg)
    return _dicts(csv.reader(lines, delimiter=delimiter), header, path.name, report)


def _lines(path: Path, report: ReadReport) -> Iterator[str]:
    """Yield lines; a file that breaks off in the middle ends there, and the report says so.

    Spreadsheets put a byte order mark before the first column's name.
    """
    try:
        with (
            gzip.open(path) as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
        ):
            yield from text
    except _BROKEN_FILE as error:
        report.skipped[f"{path.name}: the rest of the file, which cannot be read ({error})"] += 1


def _dicts(
    rows: Iterator[list[str]], header: list[str], file: str, report: ReadReport
) -> Iterator[_Row]:
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            report.skipped[f"{file}: {error}"] += 1
            continue
        if row is None:
            return
        if len(row) != len(header):
            report.skipped[f"{file}: not as many fields as the header has"] += 1
            continue
        yield dict(zip(header, row, strict=True))
