"""`quantiva strategies`: list, show, check, apply, diff, enable, disable, delete, history."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import orjson
import typer
from rich.table import Table

from quantiva.commands.calibrate import calibrate
from quantiva.commands.output import console, fail
from quantiva.commands.strategy_check import check, names
from quantiva.commands.strategy_texts import (
    described,
    printable,
    version_line,
    watched,
    what_changed,
    when,
)
from schemas.control import Strategy
from schemas.strategy_files import did_you_mean, read_strategies, to_yaml

if TYPE_CHECKING:
    from quantiva.wiring.strategies import StrategyStore, Version

app = typer.Typer(
    help="The strategies: in the log, and as files that you keep.", no_args_is_help=True
)
app.command("check")(check)
app.command("names")(names)
app.command("calibrate")(calibrate)
T = TypeVar("T")
Id = Annotated[str, typer.Argument(metavar="ID", help="The strategy.")]
Source = Annotated[Path, typer.Argument(metavar="FILE|DIR", help="YAML, or a folder of it.")]
Author = Annotated[
    str, typer.Option(help="Who makes the change; the user of this machine by default.")
]


@app.command("list")
def list_strategies(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the strategies in the log: version, whether active, owner, what they watch, since when.

    Times are UTC.
    """
    store = _run(_open())
    if as_json:
        for one in store.stored.values():
            typer.echo(orjson.dumps(_builtins(one)).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("strategy", "version", "active", "owner", "watches", "changed", "by"):
        table.add_column(column, justify="right" if column == "version" else "left")
    for one in store.stored.values():
        table.add_row(
            one.strategy_id,
            str(one.version),
            "yes" if one.active else "no",
            one.user_id or one.owner,
            watched(one),
            when(one.updated_at),
            one.author or "",
        )
    if store.stored:
        console.print(table)
    for name, broken in sorted(store.refused.items()):
        _say(f"{name} is not used: {broken.reason}")
    if not store.stored and not store.refused:
        console.print("there are no strategies: `quantiva strategies publish` has four of them")


@app.command("show")
def show(
    strategy_id: Annotated[str, typer.Argument(help="One strategy; without it, all.")] = "",
    as_yaml: Annotated[bool, typer.Option("--yaml", help="As a file that apply takes.")] = False,
) -> None:
    """Print the strategies in the log, with the weights that fusion takes of each engine."""
    store = _run(_open())
    shown = [one for one in store.stored.values() if strategy_id in ("", one.strategy_id)]
    if not shown:
        _unknown(strategy_id, store) if strategy_id else fail("there are no strategies")
    if as_yaml:
        typer.echo("---\n".join(map(to_yaml, shown)), nl=False)
        return
    for one in shown:
        _say(described(one))


@app.command("apply")
def apply(source: Source, author: Author = "") -> None:
    """Save the strategies of a file or a folder; those that are so already are left alone.

    All are checked before the first is saved, and they act without a restart.
    """
    for line in _run(_apply(_read(source), _author(author), dry=False)):
        _say(line)


@app.command("diff")
def diff(source: Source) -> None:
    """Show what `apply` would change; exit status 1 when it would change anything."""
    lines = _run(_apply(_read(source), _author(""), dry=True))
    for line in lines:
        _say(line)
    if any(not line.endswith(_UNCHANGED) for line in lines):
        raise typer.Exit(1)


@app.command("enable")
def enable(strategy_id: Id, author: Author = "") -> None:
    """Let a strategy make signals."""
    _say(_run(_switch(strategy_id, _author(author), active=True)))


@app.command("disable")
def disable(strategy_id: Id, author: Author = "") -> None:
    """Keep a strategy, and let it make no more signals."""
    _say(_run(_switch(strategy_id, _author(author), active=False)))


@app.command("delete")
def delete(
    strategy_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a strategy; its signals and its versions stay in the database."""
    if not yes:
        if not sys.stdin.isatty():
            fail(f"nobody can be asked here: delete {strategy_id} with --yes", 2)
        typer.confirm(f"Delete {strategy_id}?", abort=True)
    _run(_delete(strategy_id))
    _say(f"{strategy_id}: deleted")


@app.command("history")
def history(
    strategy_id: Id,
    most: Annotated[int, typer.Option("--limit", help="Show at most so many.", min=1)] = 50,
) -> None:
    """Show every version of a strategy, the newest first: when, by whom, what changed. UTC."""
    found, note = _run(_history(strategy_id, most))
    if note:
        console.print(note, style="dim", soft_wrap=True)
    if not found:
        fail(f"there is no strategy {strategy_id}, and there was none")
    for newer, older in zip(found, [*found[1:], None], strict=True):
        _say(version_line(newer, older))


@app.command("publish")
def publish() -> None:
    """Publish the four pre-built strategies; again changes nothing.

    One that somebody changed stays as it is.
    """
    for line in _run(_publish()) or ["the pre-built strategies are there already"]:
        _say(line)


_UNCHANGED = ": unchanged"


def _say(text: str) -> None:
    console.print(printable(text), markup=False, soft_wrap=True)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Return what work returns; ends the command where a part is away or something is wrong."""
    import asyncpg

    from schemas.registry_client import RegistryError
    from transport.admin import BrokerError
    from transport.publisher import PublishError

    try:
        return asyncio.run(work)
    except asyncpg.PostgresError as error:
        fail(f"the database refuses: {error}")
    except (BrokerError, PublishError, RegistryError, OSError, ValueError) as error:
        fail(str(error))


async def _open() -> StrategyStore:
    from quantiva.wiring.strategies import strategy_store

    async with strategy_store() as store:
        return store


def _read(source: Path) -> list[Strategy]:
    try:
        return read_strategies(source)
    except (OSError, ValueError) as error:
        fail(str(error), 2)


def _author(given: str) -> str:
    from schemas.names import MOST_ID, wrong_id

    if given and (wrong := wrong_id(given)):
        fail(f"--author {wrong}", 2)
    try:
        return given or getpass.getuser()[:MOST_ID]
    except (OSError, KeyError):  # no name for this user id, as in some containers
        return "operator"


async def _apply(wanted: list[Strategy], author: str, *, dry: bool) -> list[str]:
    """Save what differs, unless `dry`; return a line or more for each strategy."""
    from quantiva.wiring.strategies import strategy_store

    lines, changed = [], []
    async with strategy_store(changing=not dry) as store:
        pairs = [store.wanted(one, author) for one in wanted]
        for before, after in pairs:
            if before is after:
                lines.append(f"{after.strategy_id}{_UNCHANGED}")
                continue
            changed.append(after)
            lines.append(
                f"{after.strategy_id}: version {after.version}{what_changed(before, after)}"
            )
        if not dry:
            await store.save(changed)
    return lines


async def _switch(strategy_id: str, author: str, *, active: bool) -> str:
    from msgspec.structs import replace

    from quantiva.wiring.strategies import strategy_store

    word = "active" if active else "not active"
    async with strategy_store(changing=True) as store:
        known = store.stored.get(strategy_id)
        if known is None:
            _unknown(strategy_id, store)
        before, after = store.wanted(replace(known, active=active), author)
        if before is after:
            return f"{strategy_id}: {word} already"
        await store.save([after])
    return f"{strategy_id}: version {after.version}, {word}"


async def _delete(strategy_id: str) -> None:
    from quantiva.wiring.strategies import strategy_store

    async with strategy_store(changing=True) as store:
        if strategy_id not in store.stored and strategy_id not in store.refused:
            _unknown(strategy_id, store)
        await store.delete(strategy_id)


async def _history(strategy_id: str, most: int) -> tuple[list[Version], str]:
    from quantiva.wiring.strategies import versions

    return await versions(strategy_id, most)


async def _publish() -> list[str]:
    from producers.strategies import to_publish
    from quantiva.wiring.strategies import strategy_store

    async with strategy_store(changing=True) as store:
        changes = to_publish(store.stored)
        await store.save(changes)
    return [
        f"{one.strategy_id}: version {one.version}" + ("" if one.active else ", not active")
        for one in changes
    ]


def _unknown(strategy_id: str, store: StrategyStore) -> NoReturn:
    known = did_you_mean(strategy_id, store.stored)
    fail(f"there is no strategy {strategy_id}{known}")


def _builtins(strategy: Strategy) -> Any:
    import msgspec

    return msgspec.to_builtins(strategy)
