"""`quantiva producers`: the market from the real world into the topics."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.commands.progress import records_progress
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from producers.feeds.runner import Listener
    from producers.settings import SourceSettings

READY = "READY producers"
PROGRESS = "* "
"""What a line of progress begins with when nobody watches a bar."""
_EVERY_S = 1.0

app = typer.Typer(help="Publish the market from the real world.", no_args_is_help=True)


@app.callback()
def _producers() -> None:
    """Keep `run` a separate command, also while it is the only one."""


@app.command("run")
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="trending, news, candles, books, fundamentals, calendar; all when none is named.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Ask the upstreams, and publish what is new, until Ctrl-C.

    Works without keys (CoinGecko, public RSS, the exchange's public data, Bybit's announcements,
    Coin Metrics, the fear and greed index); with LUNARCRUSH_API_KEY, CRYPTONEWS_API_KEY,
    STOCKNEWS_API_KEY or COINMARKETCAL_API_KEY more is asked. `quantiva status` shows how each does.
    """
    from producers.feeds.assembly import FEEDS
    from schemas.registry_client import RegistryError
    from transport.admin import BrokerError
    from transport.publisher import PublishError

    unknown = [name for name in names or [] if name not in FEEDS]
    if unknown:
        fail(f"no producer {unknown[0]!r}; there are {', '.join(FEEDS)}", 2)
    sources = _sources()
    try:
        asyncio.run(_run(tuple(names or FEEDS), sources))
    except ValueError as error:
        fail(str(error), 2)
    except (PublishError, BrokerError, RegistryError, OSError) as error:
        fail(str(error))


def _sources() -> SourceSettings:
    """Return the settings; a wrong one ends the command with a sentence that names it."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from producers.settings import SourceSettings

    try:
        return SourceSettings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name, *rest = map(str, wrong["loc"])
        said = wrong["msg"].removeprefix("Input ").removeprefix("Value error, ")
        fail(f"{_variable(name)}{''.join(f' ({part})' for part in rest)} {said}", 2)
    except SettingsError as error:
        field = str(error).split('"')[1]
        fail(f"{_variable(field)} is not JSON, as a list or table of settings must be", 2)


def _variable(name: str) -> str:
    """Return the environment variable of a setting, given by its field or by that."""
    return name if name.isupper() else f"QUANTIVA_{name.upper()}"


async def _run(names: tuple[str, ...], sources: SourceSettings) -> None:
    from quantiva.wiring.producers import produce

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _telling() as tell:
        await produce(names, load_settings(), sources, tell, stop)
    console.print("stopped")


@contextlib.contextmanager
def _telling() -> Iterator[Listener]:
    """Yield what prints: a bar on a terminal, a line a second elsewhere."""
    from producers.exchange.backfill import Progress
    from producers.feeds.runner import Listener

    def say(text: str) -> None:
        console.print(f"{PROGRESS}{text}", markup=False)

    def ready() -> None:
        console.print(f"{READY}: publishing; Ctrl-C stops", markup=False)

    if console.is_terminal:
        with contextlib.ExitStack() as exits:
            bar = exits.enter_context(records_progress("back-fill"))

            def on_bar(progress: Progress) -> None:
                bar.advance_to(progress.candles - bar.done, progress.done, progress.series)

            def done() -> None:
                exits.close()
                ready()

            yield Listener(say, on_bar, done)
        return
    told_s, told_done = 0.0, -1

    def on_line(progress: Progress) -> None:
        nonlocal told_s, told_done
        now_s, is_whole = time.monotonic(), progress.done == progress.series
        if now_s - told_s >= _EVERY_S or (is_whole and told_done < progress.done):
            told_s, told_done = now_s, progress.done
            say(
                f"back-fill: {progress.candles:,} candles, "
                f"{progress.done} of {progress.series} series"
            )

    yield Listener(say, on_line, ready)
