"""Takes network, other programs and the wall clock away from a process, for good.

A replay that could look at today would not be one. So the processes that run engines in a replay
call `seal` before they import an engine; what tries all the same gets a SealedError.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

_REFUSED_EVENTS = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "pty.spawn",
)
_REFUSED_IMPORTS = ("pandas",)
"""Where it meets the sealed classes it ends the process."""
_CLOCKS = (
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "process_time_ns",
    "clock_gettime",
    "clock_gettime_ns",
    "localtime",
    "gmtime",
    "ctime",
    "sleep",
)


class SealedError(RuntimeError):
    """Something in a replay tried to reach the outside: the text says what."""


class SealedImportError(SealedError, ImportError):
    """Something imported C code that needs the clock's own classes; it has to come before."""


class _AnyTimeMeta(type(datetime.datetime)):  # type: ignore[misc]
    """Times made before the seal, or by C code, still count as instances."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _SealedDate(datetime.date, metaclass=_AnyTimeMeta):
    @classmethod
    def today(cls) -> NoReturn:
        _refuse("date.today()")


class _SealedDatetime(datetime.datetime, metaclass=_AnyTimeMeta):
    @classmethod
    def now(cls, tz: object = None) -> NoReturn:
        _refuse("datetime.now()")

    @classmethod
    def utcnow(cls) -> NoReturn:
        _refuse("datetime.utcnow()")

    @classmethod
    def today(cls) -> NoReturn:
        _refuse("datetime.today()")


def seal() -> None:
    """Seal this process; there is no way back.

    Modules that had taken a clock by name before keep it, so this comes before their import.
    """
    sys.addaudithook(_audit)
    for name in _CLOCKS:
        setattr(time, name, _refusing(f"time.{name}()"))
    datetime.date = _SealedDate  # type: ignore[misc]
    datetime.datetime = _SealedDatetime  # type: ignore[misc]


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED_EVENTS):
        _refuse(event)
    if event == "import" and arguments[0] in _REFUSED_IMPORTS:
        msg = f"{arguments[0]} is imported too late: it has to be there before the seal"
        raise SealedImportError(msg)


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refused(*_arguments: Any, **_named: Any) -> NoReturn:
        _refuse(what)

    return refused


def _refuse(what: str) -> NoReturn:
    msg = f"{what} in a replay: it may know the log only, no clock, network or other program"
    raise SealedError(msg)
