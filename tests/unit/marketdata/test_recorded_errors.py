"""`read_directory` on files that are wrong: rows are counted, files refused in a sentence."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marketdata.recorded.files import in_order
from marketdata.recorded.source import ReadReport, RecordedDataError, read_directory
from schemas.events import order_key
from schemas.market import Candle, NewsArticle
from schemas.validation import problem
from tests.factories import DAY_MS
from tests.unit.marketdata.recorded_factory import (
    T0,
    candle,
    hours,
    write_books,
    write_candles,
    write_csv,
    write_headlines,
)


def read(path, start_ms=T0, end_ms=T0 + DAY_MS, kind=None, **options):
    events = list(read_directory(path, start_ms, end_ms, **options))
    assert [problem(event) for event in events if problem(event)] == []
    keys = [order_key(event) for event in events]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    return events if kind is None else [event for event in events if type(event) is kind]


def test_bad_rows_are_skipped_counted_and_do_not_stop_the_rest(tmp_path):
    good = hours(4)
    rows = [
        good[0],
        (good[1][0], 100.0, 90.0, 95.0, 100.0, 1.0),  # the high is the lowest
        (None, 1.0, 1.0, 1.0, 1.0, 1.0),
        (good[2][0], None, 1.0, 1.0, 1.0, 1.0),
        (good[3][0], *[float("nan")] * 4, 1.0),
        good[3],
        good[3],
    ]
    write_candles(tmp_path, "BTC", "1h", rows)
    report = ReadReport()
    seen = read(tmp_path, kind=Candle, report=report)
    assert [event.open_time for event in seen] == [good[0][0], good[3][0]]
    assert report.skipped.total() == 5
    assert report.skipped["BTCUSDT-1h.parquet: twice, joined with the other of its time"] == 1


def test_rows_a_little_out_of_order_are_sorted(tmp_path):
    rows = hours(6)
    write_candles(tmp_path, "BTC", "1h", [rows[0], rows[2], rows[1], rows[5], rows[4], rows[3]])
    assert [e.open_time for e in read(tmp_path, kind=Candle)] == [row[0] for row in rows]


def test_a_row_far_out_of_order_is_skipped_and_counted():
    report = ReadReport()
    events = [candle(at_ms=T0 + n) for n in range(1, 1500)] + [candle(at_ms=T0)]
    seen = [event.observed_at for _, event in in_order(iter(events), "file", report)]
    assert seen == [T0 + n for n in range(1, 1500)]
    assert report.skipped == {"file: out of order": 1}


def test_a_broken_line_and_a_broken_time_are_counted(tmp_path):
    good = ("2022-03-01T01:00:00Z", "Bitcoin", "", "P", "bitcoin", "u")
    path = write_headlines(tmp_path, [good, ("yesterday", *good[1:]), good[:3]])
    report = ReadReport()
    assert len(read(tmp_path, kind=NewsArticle, report=report)) == 1
    assert report.skipped == {
        f"{path.name}: published_at is no time": 1,
        f"{path.name}: not as many fields as the header has": 1,
    }


def test_a_file_that_breaks_off_is_read_up_to_there_and_reported(tmp_path):
    rows = [
        (f"2022-03-01T01:00:00.{n:06d}Z", f"Bitcoin {n * 7919}", "", "P", "bitcoin", f"u{n}")
        for n in range(5000)
    ]
    path = write_headlines(tmp_path, rows)
    path.write_bytes(path.read_bytes()[:-20_000])
    report = ReadReport()
    seen = read(tmp_path, kind=NewsArticle, report=report)
    assert 0 < len(seen) < 5000
    assert any("the rest of the file" in reason for reason in report.skipped)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda root: root.joinpath("x").mkdir(), "nothing to play in", id="no files"),
        pytest.param(
            lambda root: write_csv(root / "news/crypto_headlines_2021_2022.csv.gz", ["a"], []),
            r"lacks the column\(s\) published_at, .* found a",
            id="CSV with other columns",
        ),
        pytest.param(
            lambda root: _text(root / "news" / "cryptopanic_tagged.csv.gz"),
            "no readable gzipped CSV",
            id="no gzip",
        ),
        pytest.param(
            lambda root: _text(root / "ohlcv" / "BTCUSDT-1h.parquet"),
            "cannot be read as parquet",
            id="no parquet",
        ),
        pytest.param(
            lambda root: write_books(root, [{"ts_ms": 1, "bid_px_0": 1.0}]),
            r"lacks the column\(s\) last_update_id, bid_sz_0, ask_px_0",
            id="books without asks",
        ),
        pytest.param(
            lambda root: write_candles(root, "BTC", "1h", [("now", 1, 1, 1, 1, 1)]),
            "open_time is string; looked for numbers",
            id="times as text",
        ),
        pytest.param(
            lambda root: write_candles(
                root, "BTC", "1h", [(T0, "1", 1, 1, 1, 1)], open=pa.string()
            ),
            "open is string",
            id="prices as text",
        ),
    ],
)
def test_what_cannot_be_played_is_refused_at_the_call_with_a_sentence(tmp_path, make, says):
    make(tmp_path)
    with pytest.raises(RecordedDataError, match=says) as caught:
        read_directory(tmp_path, T0, T0 + DAY_MS)
    assert str(tmp_path) in str(caught.value)


def _text(path):
    path.parent.mkdir(parents=True)
    path.write_text("not what the name says")


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordedDataError, match="is not a directory; looked there for ohlcv/"):
        read_directory(tmp_path / "nowhere", T0, T0 + 1)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "options"),
    [
        pytest.param(T0, T0, {}, id="empty span"),
        pytest.param(T0, T0 + 1, {"cycle_ms": 0}, id="no cycle"),
        pytest.param(T0, T0 + 1, {"warmup": -1}, id="negative warm-up"),
    ],
)
def test_a_senseless_span_is_refused(tmp_path, start_ms, end_ms, options):
    with pytest.raises(ValueError, match=r"nothing to play|must be above 0"):
        read_directory(tmp_path, start_ms, end_ms, **options)
