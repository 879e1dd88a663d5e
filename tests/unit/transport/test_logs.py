"""What a process writes to its log: a line once, then how often it came."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from transport import logs
from transport.logs import CountingHandler


class Log:
    """A logger that writes into a text, and a clock that is moved by hand."""

    def __init__(self, window_s: float = 60.0) -> None:
        self.now_s = 0.0
        self._text = io.StringIO()
        self.handler = CountingHandler(self._text, window_s=window_s, clock_s=lambda: self.now_s)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.logger = logging.Logger("some.library")
        self.logger.addHandler(self.handler)

    def lines(self) -> list[str]:
        return self._text.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    found = Log()
    yield found
    found.handler.close()


def test_a_repeated_line_is_counted_instead_of_written(log: Log) -> None:
    for _ in range(1_205):
        log.logger.error("Unable connect to node with id %s: %s", 1, "refused")
    assert log.lines() == ["ERROR some.library: Unable connect to node with id 1: refused"]
    log.now_s = 60.0
    log.logger.error("something else")
    assert log.lines()[1:] == [
        "ERROR some.library: Unable connect to node with id 1: refused ... 1,204 times more in the "
        "last minute",
        "ERROR some.library: something else",
    ]
    log.logger.error("Unable connect to node with id %s: %s", 1, "refused")
    assert log.lines()[-1].endswith("refused")  # once in each minute


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(lambda log, n: log.warning("offset %d is lost", n), id="arguments"),
        pytest.param(lambda log, n: log.warning(f"offset {n} is lost"), id="put together"),
        pytest.param(
            lambda log, n: log.error(f"never retrieved\n<Task at {n + 2**40:#x}>"), id="addresses"
        ),
    ],
)
def test_lines_that_differ_in_their_arguments_are_written_a_few_times(
    log: Log, say: object
) -> None:
    for number in range(100):
        say(log.logger, number)  # type: ignore[operator]
    log.handler.close()
    assert 5 < len(log.lines()) <= 11
    assert log.lines()[-1].endswith("... 95 times more like it in the last 0 s")


def test_one_exception_is_written_once_and_another_too(log: Log) -> None:
    for error in [ValueError("a"), ValueError("a"), KeyError("a")]:
        try:
            raise error
        except Exception:
            log.logger.exception("it failed")
    written = "\n".join(log.lines())
    assert (written.count("ValueError: a"), written.count("KeyError: 'a'")) == (1, 1)


def test_no_flood_is_larger_than_some_lines_a_minute(log: Log) -> None:
    """Also one in which every line is another: numbers are no bound for words."""
    words = [
        f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(9_000)
    ]
    for word in words:
        log.logger.error("no kind like it: " + word)
        log.logger.error("of a kind: %s %s", word, "x" * 20_000)
    log.handler.close()
    assert len(log.lines()) < 110
    assert len("\n".join(log.lines())) < 100_000
    counts = [
        int(n.replace(",", "")) for n in re.findall(r"\.\.\. ([\d,]+) times", "".join(log.lines()))
    ]
    assert sum(counts) + 100 == 18_000


def test_no_flood_of_a_library_hides_why_a_process_ends(log: Log) -> None:
    for number in range(400):
        log.logger.error(f"kind {chr(97 + number % 26)}{chr(97 + number // 26)}")
    log.logger.name = "quantiva.worker"
    log.logger.error("ending this process: %s", "the disk is full")
    assert log.lines()[-1] == "ERROR quantiva.worker: ending this process: the disk is full"


def test_the_count_is_said_also_when_nothing_comes_any_more() -> None:
    log = Log(window_s=0.2)
    log.handler._clock_s = time.monotonic
    log.handler._begin(time.monotonic())
    log.logger.error("once")
    log.logger.error("once")
    deadline_s = time.monotonic() + 30
    while len(log.lines()) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert "once ... 1 times more" in log.lines()[1]


def in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import logging; from transport import logs; {code}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_process_says_what_it_counted_when_it_ends() -> None:
    found = in_a_process("logs.set_up(); [logging.warning('again') for _ in range(3)]")
    first, second = found.stderr.splitlines()
    assert first.endswith("WARNING root: again")
    assert "WARNING root: again ... 2 times more in the last" in second


def test_at_debug_every_line_is_written() -> None:
    code = "logs.set_up('x'); [logging.getLogger('x').error('again') for _ in range(3)]"
    assert in_a_process(code, QUANTIVA_LOG="debug").stderr.count("again") == 3
    assert in_a_process(code).stderr == ""  # hidden unless a level is asked for


@pytest.mark.parametrize(
    ("name", "value"), [("QUANTIVA_LOG", "LOUD"), ("QUANTIVA_LOG_FILE_MB", "ten")]
)
def test_a_setting_that_cannot_be_used_is_a_sentence(name: str, value: str) -> None:
    found = in_a_process("logs.set_up()", **{name: value})
    assert found.returncode == 1
    assert found.stderr.startswith(f"{name} is {value!r}")
    assert "Traceback" not in found.stderr


def test_the_size_of_log_files_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(logs.FILE_MB, raising=False)
    assert logs.file_bytes() == 10_000_000
    monkeypatch.setenv(logs.FILE_MB, "0.5")
    assert logs.file_bytes() == 500_000
