"""The broker with a log on disk: `python -m embedded.durable --port 9092 --directory DIR`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from embedded.broker import find_tansu
from embedded.durable.log_file import LogFile, LogFileError
from embedded.durable.proxy import Proxy
from embedded.durable.tansu import Tansu, fill
from transport.supervision.processes import StartError

_log = logging.getLogger("quantiva.broker")
_LOOK_S = 0.2
_OTHER_ENDS_S = 20.0
_MB = 1_000_000
_TAIL_SHARE = 4
"""Of the limit, so much is filled with the newest records; the rest is room until the next time."""


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m embedded.durable", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where its file lies")
    parser.add_argument("--memory-mb", type=int, default=400, help="start Tansu anew above it")
    parser.add_argument("--keep-for", default="", help="until such a group has read it")
    return parser.parse_args()


class DurableBroker:
    """Tansu, the proxy before it, and the file."""

    def __init__(self, options: argparse.Namespace) -> None:
        folder: Path = options.directory
        self._log = LogFile(folder / "log.sqlite")
        self._proxy = Proxy(self._log)
        url = f"tcp://127.0.0.1:{options.port}"
        self._tansu = Tansu(find_tansu(), folder, folder / "broker.log", url)
        self._port: int = options.port
        self._keep_for: str = options.keep_for
        self._most_bytes = options.memory_mb * _MB

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop`.

        Raises StartError or OSError when Tansu cannot be filled, LogFileError when the file cannot
        be used any more.
        """
        server = await self._proxy.listen(self._port)
        try:
            await self._start("started")
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOOK_S)
                if self._proxy.failure is not None:
                    raise self._proxy.failure
                if not self._tansu.is_running() and not stop.is_set():
                    await self._start("Tansu had ended: started again")
                elif self._tansu.memory_bytes() > self._most_bytes:
                    await self._start("Tansu was too large: started anew")
            await self._proxy.shut()
        finally:
            server.close()
            await self._tansu.kill()
            self._log.close()

    async def _start(self, why: str) -> None:
        since_s, before = time.monotonic(), self._tansu.memory_bytes()
        await self._proxy.shut()
        try:
            topics = max(len(self._log.topics()), 1)
            removed = self._log.trim(self._most_bytes // _TAIL_SHARE // topics, self._keep_for)
            await self._tansu.start()
            await fill(self._tansu, self._log)
        except sqlite3.Error as error:
            raise LogFileError(self._log.path, error) from error
        after = self._tansu.memory_bytes()
        # Room to work in, whatever is set: what groups have yet to read may be much.
        self._most_bytes = max(self._most_bytes, 2 * after)
        self._proxy.open(self._tansu.port)
        _log.warning(
            "%s in %.1f s: %d to %d MB, %d records trimmed",
            *(why, time.monotonic() - since_s, before // _MB, after // _MB, removed),
        )


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """Wait until no other process uses the folder: an owner that was killed leaves one behind."""
    with (folder / "lock").open("a") as file:
        deadline_s = time.monotonic() + _OTHER_ENDS_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    message = f"another process uses {folder}"
                    raise StartError(message) from None
            await asyncio.sleep(0.05)
        yield


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _alone(options.directory):
        await DurableBroker(options).serve(stop)


def main() -> None:
    """Run the command."""
    logging.basicConfig(
        level=os.environ.get("QUANTIVA_LOG", "WARNING"),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    uvloop.install()
    try:
        asyncio.run(_serve(arguments()))
    except (StartError, LogFileError, OSError, EOFError) as error:
        sys.exit(f"The embedded broker cannot go on: {error or type(error).__name__}")


if __name__ == "__main__":
    main()
