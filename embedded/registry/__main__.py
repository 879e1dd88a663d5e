"""The schema registry alone: `python -m embedded.registry --port 8081`; Ctrl-C ends it."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from embedded.registry.compatibility import LEVELS
from embedded.registry.server import Registry
from transport import logs
from transport.supervision.processes import StartError


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m embedded.registry", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="0 takes a free one (default 8081)")
    parser.add_argument("--journal", type=Path, help="keep the schemas in this file")
    parser.add_argument("--level", choices=LEVELS, default="BACKWARD", help="compatibility")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    registry = Registry(journal=options.journal, level=options.level)
    print(await registry.start(options.port), flush=True)
    with contextlib.suppress(asyncio.CancelledError):
        await asked_to_stop.wait()
    await registry.stop()


def main() -> None:
    """Run the command."""
    logs.set_up()
    try:
        asyncio.run(serve(arguments()))
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
