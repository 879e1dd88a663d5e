"""A sealed process of a replay: takes a task from stdin, sends messages to a pipe.

    python -m streams.replay.child FD

It seals itself before it imports any engine, so none can keep a clock or a socket.
"""

from __future__ import annotations

import asyncio  # noqa: F401  it and logging read a clock when they are imported
import gc
import logging
import sys
from multiprocessing.connection import Connection

from streams.replay.sandbox import seal
from streams.settings_tree import given


def main() -> None:
    """Run one task; the messages are (kind, content), "failed" with a text as the last one."""
    pipe = Connection(int(sys.argv[1]), readable=False)
    payload = sys.stdin.buffer.read()
    if b"DirectorySource" in payload:
        import pyarrow.parquet  # noqa: F401  C code that wants to see the clock's own classes
    if b"with_indicators\xc3" in payload:
        import pandas_ta_classic  # noqa: F401  the same
    logging.disable()  # a log line carries the time of day
    given()
    seal()
    try:
        from streams.replay.work import run

        gc.freeze()
        gc.set_threshold(500_000, 20, 20)  # events and states make no cycles
        run(payload, pipe.send)
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone
    except BaseException as error:
        import traceback

        pipe.send(("failed", (f"{type(error).__name__}: {error}", traceback.format_exc())))


if __name__ == "__main__":
    main()
