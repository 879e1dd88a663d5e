"""Time columns of recorded files: unit, grid and order are recognised or refused, never guessed."""

from __future__ import annotations

import gzip
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from marketdata.candles import joined
from marketdata.recorded.files import ReadReport, RecordedDataError
from marketdata.recorded.source import read_directory
from schemas.events import MarketEvent
from schemas.market import Candle, NewsArticle, OrderBook
from schemas.times import epoch_ms
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import (
    T0,
    candle,
    hours,
    write_books,
    write_candles,
    write_headlines,
)

HEADLINES = "news/crypto_headlines_2021_2022.csv.gz"


def read(
    root: Path, kind: type[MarketEvent] = Candle, days: int = 1
) -> tuple[list[Any], ReadReport]:
    report = ReadReport()
    events = list(read_directory(root, T0, T0 + days * DAY_MS, report=report))
    return [event for event in events if type(event) is kind], report


def times(rows: list[tuple[Any, ...]], change: Any) -> list[tuple[Any, ...]]:
    return [(change(number, row[0]), *row[1:]) for number, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        pytest.param(lambda _, ms: ms, pa.int64(), "", id="ms"),
        pytest.param(lambda _, ms: ms * 1000, pa.int64(), "in us", id="us"),
        pytest.param(lambda _, ms: ms // 1000, pa.int32(), "in s", id="s"),
        pytest.param(lambda _, ms: ms * 10**6, pa.uint64(), "in ns", id="ns"),
        pytest.param(
            lambda n, ms: ms * 1000 if n > 4 else ms,
            pa.int64(),
            "in ms and us",
            id="goes over from ms to us",
        ),
        pytest.param(lambda _, ms: ms, pa.timestamp("ms", "UTC"), "", id="timestamps, UTC"),
        pytest.param(
            lambda _, ms: ms * 1000, pa.timestamp("us", "Asia/Tokyo"), "", id="timestamps, Tokyo"
        ),
    ],
)
def test_case_candles_in_microseconds_and_other_units(
    tmp_path: Path, change: Any, kind: Any, said: str
) -> None:
    write_candles(tmp_path, "BTC", "1h", times(hours(10), change), open_time=kind)
    seen, report = read(tmp_path)
    assert [one.open_time for one in seen] == [row[0] for row in hours(10)]
    assert [note.partition("what it is, ")[2] for note in report.notes] == ([said] if said else [])
    assert report.skipped.total() == 0


@pytest.mark.parametrize(
    ("timeframe", "rows", "kind", "says"),
    [
        pytest.param(
            "1h",
            times(hours(20), lambda n, _: 20241231 + n),
            pa.int64(),
            "20 of 20 rows have a open_time in no known unit, the first 20241231; write it in ms",
            id="dates as numbers",
        ),
        pytest.param(
            "1h",
            times(hours(20), lambda _, ms: ms + HOUR_MS - 1),
            pa.int64(),
            r"no candle of 1h starts in UTC, the first 1646096399999 \(2022-03-01 00:59:59\)",
            id="ends for starts",
        ),
        pytest.param(
            "1h",
            times(hours(20), lambda _, ms: ms + HOUR_MS // 2),
            pa.int64(),
            "not local time",
            id="a zone of half an hour",
        ),
        pytest.param(
            "1d",
            times(hours(20), lambda n, _: T0 - HOUR_MS + n * DAY_MS),
            pa.int64(),
            "no candle of 1d starts in UTC",
            id="days of Berlin",
        ),
        pytest.param(
            "1h",
            times(hours(20), lambda n, _: T0 + n * HOUR_MS // 60),
            pa.int64(),
            "19 of 20 rows",
            id="minutes for hours",
        ),
        pytest.param(
            "1h",
            times(hours(20), lambda n, _: T0 + n * 4 * HOUR_MS),
            pa.int64(),
            "its candles are 4 h apart and longer than 1h; write the right timeframe",
            id="4 hours for hours",
        ),
        pytest.param(
            "1h",
            hours(20),
            pa.timestamp("ms"),
            r"open_time is timestamp\[ms\], which names no zone; looked for numbers",
            id="timestamps without a zone",
        ),
        pytest.param(
            "1h", hours(20), pa.float64(), "open_time is double; looked for", id="floating point"
        ),
        pytest.param(
            "1h", times(hours(20), lambda *_: None), pa.int64(), "20 of 20 rows", id="no times"
        ),
    ],
)
def test_times_that_cannot_be_used_are_refused_with_file_reason_and_advice(
    tmp_path: Path, timeframe: str, rows: list[tuple[Any, ...]], kind: Any, says: str
) -> None:
    path = write_candles(tmp_path, "BTC", timeframe, rows, open_time=kind)
    with pytest.raises(RecordedDataError, match=says) as caught:
        read_directory(tmp_path, T0, T0 + DAY_MS)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("order", [-1, 7], ids=["newest first", "in no order"])
def test_candles_may_stand_in_any_order(tmp_path: Path, order: int) -> None:
    rows = hours(1000)
    mixed = rows[::-1] if order < 0 else sorted(rows, key=lambda row: row[0] // HOUR_MS * 7 % 1009)
    write_candles(tmp_path, "BTC", "1h", mixed)
    seen, report = read(tmp_path, days=60)
    assert [one.open_time for one in seen] == [row[0] for row in rows]
    assert report.skipped.total() == 0


def test_a_time_far_ahead_does_not_end_the_file(tmp_path: Path) -> None:
    rows = hours(20)
    stray = (T0 + 400 * DAY_MS, *rows[0][1:])
    write_candles(tmp_path, "BTC", "1h", [*rows[:5], stray, *rows[5:]])
    assert len(read(tmp_path)[0]) == 20


def test_a_few_bad_times_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = hours(20)
    odd = {3: rows[3][0] + 5, 7: None, 11: 0}
    write_candles(tmp_path, "BTC", "1h", times(rows, odd.get))
    seen, report = read(tmp_path)
    assert len(seen) == 17
    assert report.skipped == {
        "BTCUSDT-1h.parquet: open_time is no time": 2,
        "BTCUSDT-1h.parquet: open_time is not where a candle starts": 1,
    }
    assert "2 rows skipped: BTCUSDT-1h.parquet: open_time is no time" in report.sentences()


def test_case_candle_twice_in_any_order_is_one_candle(tmp_path: Path) -> None:
    before, after = (T0, 9, 10, 8.5, 10, 480.0), (T0 + 2 * HOUR_MS, 11, 11.2, 10.9, 11.1, 20.0)
    whole = (T0 + HOUR_MS, 10, 12, 9, 11, 500.0)
    fragment = (T0 + HOUR_MS, 11, 11.05, 8.95, 11.0, 0.3)
    found = []
    for number, rows in enumerate(permutations([before, whole, fragment, after])):
        root = tmp_path / str(number)
        write_candles(root, "BTC", "1h", rows)
        seen, report = read(root)
        found.append(seen)
        assert report.skipped.total() == 1
    assert [one == found[0] for one in found] == [True] * 24
    one = found[0][1]
    assert (one.open, one.high, one.low, one.close, one.volume) == (10, 12, 8.95, 11, 500)


def test_a_broken_row_beside_a_whole_one_is_no_candle_of_its_own(tmp_path: Path) -> None:
    good = hours(3)
    write_candles(tmp_path, "BTC", "1h", [*good, (good[1][0], 0.0, 0.0, 0.0, 0.0, 9e9)])
    assert [one.volume for one in read(tmp_path)[0]] == [2.0, 2.0, 2.0]


def test_of_equal_volumes_the_prices_decide_and_not_the_place() -> None:
    three = [candle(open=10.0 + n, high=14.0, low=9.0, close=11.0, volume=5.0) for n in range(3)]
    assert {joined(rows).open for rows in permutations(three)} == {12.0}
    assert joined([three[0]]) == three[0]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param({}, 30, id="ms"),
        pytest.param({"ts_ms": lambda n: (T0 + n * 1000) * 1000}, 30, id="us"),
        pytest.param(
            {"ts_ms": lambda n: T0 - n * 1000},
            "29 of 30 rows are not in the order of time: sort by ts_ms",
            id="backwards",
        ),
    ],
)
def test_books_are_held_to_the_same(tmp_path: Path, changes: Any, outcome: Any) -> None:
    sides = {"bid_px_0": 10.0, "bid_sz_0": 1.0, "ask_px_0": 11.0, "ask_sz_0": 3.0}
    at = changes.get("ts_ms", lambda n: T0 + n * 1000)
    write_books(tmp_path, [{"ts_ms": at(n), "last_update_id": n, **sides} for n in range(30)])
    if isinstance(outcome, str):
        with pytest.raises(RecordedDataError, match=outcome):
            read(tmp_path, OrderBook)
    else:
        assert len(read(tmp_path, OrderBook)[0]) == outcome


def test_nothing_in_the_span_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(20, first_ms=T0 + 30 * DAY_MS))
    with pytest.raises(
        RecordedDataError,
        match=r"nothing from 2022-03-01 00:00 to 2022-03-02 00:00 \(UTC\): BTCUSDT-1h.parquet has "
        r"2022-03-31 00:00 to 2022-03-31 19:00",
    ):
        read(tmp_path)


def test_rows_of_which_none_can_be_used_are_an_error_that_counts_them(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", [(row[0], *[0.0] * 5) for row in hours(20)])
    with pytest.raises(RecordedDataError, match=r"20 rows skipped: BTCUSDT-1h\.parquet: open"):
        read(tmp_path)


def test_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(3))
    write_candles(tmp_path, "BTC", "5m", hours(3))
    report = read(tmp_path)[1]
    assert report.notes == [
        "ohlcv/BTCUSDT-5m.parquet is not read: its name is none that is looked for"
    ]


def test_only_the_warm_up_is_said(tmp_path: Path) -> None:
    write_candles(tmp_path, "BTC", "1h", hours(20, first_ms=T0 - 30 * DAY_MS))
    seen, report = read(tmp_path)
    assert len(seen) == 20
    assert report.notes[-1].startswith("nothing from 2022-03-01 00:00 to")


def write_text(root: Path, content: bytes) -> None:
    path = root / HEADLINES
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(content))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["without", "with"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            "published_at,title,summary,source,subject,url\n"
            '2022-03-01 10:00:00,"Bitcoin\u2019s, rally",,Example,bitcoin,https://n.example/1\n',
            id="commas",
        ),
        pytest.param(
            '"published_at";"title";"summary";"source";"subject";"url"\r\n"2022-03-01T11:00+01:00";'
            '"Bitcoin\u2019s, rally";"";"Example";"bitcoin";"https://n.example/1"\r\n',
            id="semicolons and quotes",
        ),
        pytest.param(
            'published_at,title,summary,source,subject,url\n1646128800,"Bitcoin\u2019s, rally"'
            ",,Example,bitcoin,https://n.example/1\n",
            id="unix time",
        ),
    ],
)
def test_case_csv_with_bom(tmp_path: Path, mark: bytes, content: str) -> None:
    write_text(tmp_path, mark + content.encode())
    seen, _ = read(tmp_path, NewsArticle)
    assert [(one.headline, one.published_at) for one in seen] == [
        ("Bitcoin\u2019s, rally", 1_646_128_800_000)
    ]


def test_a_headline_that_cannot_be_decoded_is_not_played(tmp_path: Path) -> None:
    rows = [
        ("2022-03-01T01:00:00Z", "Bitcoin f\ufffdllt", "", "P", "bitcoin", "1"),
        ("2022-03-01T02:00:00Z", "Bitcoin in B\u00c3\u00b6rse", "\ufffd", "P", "bitcoin", "2"),
    ]
    write_headlines(tmp_path, rows)
    seen, report = read(tmp_path, NewsArticle)
    assert [(one.headline, one.summary) for one in seen] == [("Bitcoin in B\u00f6rse", None)]
    assert report.skipped == {f"{Path(HEADLINES).name}: the headline cannot be decoded": 1}


def test_headlines_newest_first_are_all_played(tmp_path: Path) -> None:
    rows = [
        (f"2022-03-01T{n // 60:02}:{n % 60:02}:00Z", f"Bitcoin {n}", "", "P", "bitcoin", str(n))
        for n in range(900)
    ]
    write_headlines(tmp_path, rows[::-1])
    seen, report = read(tmp_path, NewsArticle)
    assert len(seen) == 900
    assert report.skipped.total() == 0


def test_headlines_whose_times_are_none_are_refused(tmp_path: Path) -> None:
    rows = [("12/31/2024 10:00", f"Bitcoin {n}", "", "P", "bitcoin", str(n)) for n in range(9)]
    write_headlines(tmp_path, rows)
    with pytest.raises(RecordedDataError, match=r"no time in 9 of 9 rows, the first '12/31/2024"):
        read(tmp_path, NewsArticle)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(T0 // 1000, T0, id="s"),
        pytest.param(T0 + 7, T0 + 7, id="ms"),
        pytest.param(T0 * 1000 + 7_400, T0 + 7, id="us"),
        pytest.param(T0 * 10**6, T0, id="ns"),
        pytest.param(T0 / 1000 + 0.25, T0 + 250, id="a part of a second"),
        pytest.param(20241231, None, id="a date"),
        pytest.param(20241231235959, None, id="a date and a time"),
        pytest.param(0, None, id="never"),
        pytest.param(-1e300, None, id="long ago"),
        pytest.param(float("nan"), None, id="NaN"),
        pytest.param(10**400, None, id="beyond all"),
    ],
)
def test_the_size_of_a_number_tells_its_unit(number: float, expected: int | None) -> None:
    assert epoch_ms(number) == expected


@pytest.mark.shared_data
def test_case_candles_in_microseconds_as_given(shared_data: Path) -> None:
    root = shared_data.parent / "cases" / "candles-in-microseconds"
    if not root.is_dir():
        pytest.skip("no cases beside the recorded data")
    start_ms = 1_735_603_200_000
    report = ReadReport()
    seen = list(read_directory(root, start_ms, start_ms + 2 * DAY_MS, report=report))
    live = [one for one in seen if type(one) is Candle and one.observed_at >= start_ms]
    assert len(live) == 48
    assert report.notes == ["BTCUSDT-1h.parquet: open_time is read as what it is, in us"]


@pytest.mark.shared_data
def test_case_csv_with_bom_as_given(shared_data: Path, tmp_path: Path) -> None:
    given = shared_data.parent / "cases" / "csv-with-bom" / Path(HEADLINES).name
    if not given.is_file():
        pytest.skip("no cases beside the recorded data")
    write_text(tmp_path, gzip.decompress(given.read_bytes()))
    events = list(read_directory(tmp_path, 1_735_603_200_000, 1_735_776_000_000))
    assert [type(event) for event in events] == [NewsArticle]
