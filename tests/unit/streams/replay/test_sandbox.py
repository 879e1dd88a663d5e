"""A replay process cannot reach network, clock, model or another program: tried for real."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SEALED = """
import asyncio, logging
from streams.replay.sandbox import SealedError, seal
seal()
try:
    {attempt}
except SealedError as error:
    print("refused:", error)
except BaseException as error:
    cause = error
    while cause is not None and not isinstance(cause, SealedError):
        cause = cause.__cause__ or cause.__context__
    print("refused:" if cause is not None else "failed otherwise:", error)
else:
    print("it worked")
"""


def attempt(code: str) -> str:
    """Run code in a sealed process of its own; return what it printed."""
    program = _SEALED.format(attempt=code)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import socket; socket.socket()", id="socket"),
        pytest.param("import socket; socket.create_connection(('127.0.0.1', 9))", id="connect"),
        pytest.param("import socket; socket.getaddrinfo('example.org', 80)", id="resolve"),
        pytest.param(
            "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')", id="urllib"
        ),
        pytest.param(
            "from http.client import HTTPConnection as C; C('127.0.0.1', 9).request('POST', '/v1/'"
            "'chat/completions')",
            id="a model's API",
        ),
        pytest.param("import subprocess; subprocess.run(['true'])", id="another program"),
        pytest.param("import os; os.system('true')", id="a shell"),
        pytest.param("import os; os.fork()", id="fork"),
        pytest.param("import os; os.posix_spawn('/bin/true', ['true'], {})", id="spawn"),
        pytest.param("import time; time.time()", id="time.time"),
        pytest.param("import time; time.time_ns()", id="time.time_ns"),
        pytest.param("from time import monotonic; monotonic()", id="monotonic"),
        pytest.param("import time; time.sleep(0)", id="sleep"),
        pytest.param("import datetime; datetime.datetime.now()", id="datetime.now"),
        pytest.param("from datetime import datetime, UTC; datetime.now(UTC)", id="now, UTC"),
        pytest.param("import datetime; datetime.datetime.utcnow()", id="utcnow"),
        pytest.param("import datetime; datetime.date.today()", id="date.today"),
        pytest.param("import pandas", id="pandas, which would end the process"),
    ],
)
def test_refused(code: str) -> None:
    assert attempt(code).startswith("refused:")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import datetime as d; d.datetime.fromtimestamp(0, d.UTC)", id="a time given"),
        pytest.param("open(__import__('os').devnull).read()", id="a file"),
        pytest.param(
            "from datetime import datetime; assert isinstance(datetime(2026, 1, 1), datetime)",
            id="times are times",
        ),
        pytest.param(
            "from streams.topology import stages; assert len(stages()) >= 7", id="the topology"
        ),
    ],
)
def test_what_a_replay_needs_still_works(code: str) -> None:
    assert attempt(code) == "it worked"


def test_the_refusal_says_what() -> None:
    said = attempt("import time; time.time()")
    assert "time.time() in a replay" in said


def test_the_processes_of_a_replay_are_sealed() -> None:
    """The child seals itself before it imports an engine."""
    program = (
        "import sys, streams.replay.child\n"
        "taken = [name for name in sys.modules if name.startswith(('streams.engines',"
        " 'streams.topology'))]\n"
        "assert not taken, taken\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
