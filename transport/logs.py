"""Sets logging up, the same for every process: to stderr, and never more than somebody can read.

A line that comes again is counted instead of written, and of lines that differ only in their
arguments the first few of a minute are written; once a minute is said how many there were. So a
library that repeats itself while a broker is away costs a few lines a minute, not megabytes.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

LEVEL = "QUANTIVA_LOG"
"""Environment variable of the level; DEBUG writes every line, repeated or not."""
FILE_MB = "QUANTIVA_LOG_FILE_MB"
"""Environment variable of the size at which the log file of a child process is begun anew."""
_FILE_MB = 10.0
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_WINDOW_S = 60.0
_OF_A_KIND = 5
"""Different lines of one kind that are written in a window."""
_IN_ALL = 100
"""Lines of all kinds that are written in a window, by libraries; as many besides by ourselves."""
_OURS = frozenset(
    [
        "embedded",
        "marketdata",
        "producers",
        "quantiva",
        "schemas",
        "simulator",
        "sinks",
        "streams",
        "transport",
    ]
)
"""No flood of a library's lines hides why a process of ours ends."""
_MOST_SAID = 300
_LONGEST = 8_000
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


def set_up(*hidden: str) -> None:
    """Log to stderr at the level of QUANTIVA_LOG, else WARNING; end with a sentence if it is none.

    `hidden` are loggers that are left out unless a level is asked for: where a sentence of ours
    says the same.
    """
    asked = os.environ.get(LEVEL)
    level = (asked or "WARNING").upper()
    known = logging.getLevelNamesMapping()
    if level not in known:
        sys.exit(f"{LEVEL} is {asked!r}; it must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    try:
        file_bytes()
    except ValueError as error:
        sys.exit(str(error))
    handler = CountingHandler() if known[level] > logging.DEBUG else logging.StreamHandler()
    logging.basicConfig(level=level, format=_FORMAT, handlers=[handler])
    if not asked:
        for name in hidden:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def file_bytes() -> int:
    """Return how large the log file of a child process may become; ValueError for no number."""
    text = os.environ.get(FILE_MB, str(_FILE_MB))
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = 0.0
    if not 0.01 <= megabytes <= 1_000_000:
        msg = f"{FILE_MB} is {text!r}; it must be a number of megabytes from 0.01 to 1000000"
        raise ValueError(msg)
    return int(megabytes * 1_000_000)


class CountingHandler(logging.StreamHandler[Any]):
    """Writes a line once in a window of time and counts the others like it.

    `clock_s` is a clock that never goes back. At the end of a window, and when it is closed, it
    writes how often what was left out came.
    """

    def __init__(
        self,
        stream: Any = None,
        *,
        window_s: float = _WINDOW_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream)
        self._window_s = window_s
        self._clock_s = clock_s
        self._timer: threading.Timer | None = None
        self._begin(clock_s())

    def _begin(self, now_s: float) -> None:
        self._began_s = now_s
        self._written: set[str] = set()
        self._lines: dict[bool, int] = {True: 0, False: 0}
        self._of_a_kind: dict[Any, int] = {}
        self._left_out: dict[Any, int] = {}
        self._said: dict[Any, logging.LogRecord] = {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, cut where it is too long to be read."""
        text = super().format(record)
        more = len(text) - _LONGEST
        return text if more <= 0 else f"{text[:_LONGEST]} ... {more:,} characters more"

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it."""
        try:
            now_s = self._clock_s()
            if now_s - self._began_s >= self._window_s:
                self._turn(now_s)
            if self._is_new(record):
                super().emit(record)
        except Exception:
            self.handleError(record)

    def _is_new(self, record: logging.LogRecord) -> bool:
        """Return whether to write a record; else it is counted."""
        error = record.exc_info[1] if record.exc_info else None
        # By the text before its arguments; texts that were put together differ in numbers alone.
        kind = (record.name, record.levelno, _NUMBER.sub("#", str(record.msg)), type(error))
        line = f"{record.name} {record.levelno} {record.getMessage()} {error!r}"
        if line in self._written:
            return self._count(line, record)
        seen = self._of_a_kind.get(kind, 0)
        is_ours = record.name.partition(".")[0] in _OURS
        if seen >= _OF_A_KIND or self._lines[is_ours] >= _IN_ALL:
            return self._count(kind if seen else None, record)
        self._lines[is_ours] += 1
        self._of_a_kind[kind] = seen + 1
        self._written.add(line)
        return True

    def _count(self, what: Any, record: logging.LogRecord) -> bool:
        if what not in self._left_out and len(self._left_out) >= _MOST_SAID:
            what = None
        self._left_out[what] = self._left_out.get(what, 0) + 1
        self._said.setdefault(what, record)
        if self._timer is None:
            left_s = self._began_s + self._window_s - self._clock_s()
            self._timer = threading.Timer(max(left_s, 0.0), self._on_timer)
            self._timer.daemon = True
            self._timer.start()
        return False

    def _on_timer(self) -> None:
        self.acquire()
        try:
            self._turn(self._clock_s())
        finally:
            self.release()

    def _turn(self, now_s: float) -> None:
        """Say what was left out in this window, and begin the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        took_s = now_s - self._began_s
        when = "minute" if took_s > 0.9 * _WINDOW_S else f"{took_s:.0f} s"
        left_out, said = self._left_out, self._said
        self._begin(now_s)
        for what, count in left_out.items():
            record, like = said[what], "" if isinstance(what, str) else " like it"
            text = record.getMessage().partition("\n")[0][:200]
            if what is None:
                text, like = "lines of other kinds", " and others"
            text = f"{text} ... {count:,} times more{like} in the last {when}"
            super().emit(logging.makeLogRecord({**record.__dict__, **_as_text(text)}))

    def close(self) -> None:
        """Say what is left to say."""
        if self._left_out:
            self._on_timer()
        super().close()


def _as_text(text: str) -> dict[str, Any]:
    now = time.time()
    plain = {"msg": text, "args": None, "exc_info": None, "exc_text": None, "stack_info": None}
    return {**plain, "created": now, "msecs": now % 1 * 1000}
