"""`quantiva dead-letters list|show|retry`: what could not be used, why, and once more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import orjson
import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings
from quantiva.status.dead_letters import DeadLetterGroup, Found, Plan, Selection, find, plan, send
from schemas.dead_letters import DeadLetter
from schemas.describe import key_text, plain
from schemas.text import cut, moment, since_ms
from schemas.validation import problem
from transport.admin import BrokerError
from transport.clock import wall_ms
from transport.decoder import Decoder
from transport.log_reader import LogReader
from transport.settings import Settings

app = typer.Typer(help="Records that could not be used: list, show, retry.", no_args_is_help=True)

T = TypeVar("T")
Topic = Annotated[str | None, typer.Option(help="Only records of this topic.")]
Stage = Annotated[str | None, typer.Option(help="Only what this stage could not use.")]
Since = Annotated[str | None, typer.Option(help="Only newer ones: 30m, 2h, 7d, or a UTC time.")]
_HEX_COLUMNS = 24


@app.command("list")
def list_letters(
    topic: Topic = None,
    stage: Stage = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(help="Show at most so many records.", min=1)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the records that could not be used, newest first. Times are UTC."""
    settings = load_settings()
    selection = _selection(topic, stage, since)
    found = _run(_find(settings, selection, with_bytes=False))
    _warn(found)
    for one in found.groups[:limit]:
        typer.echo(_as_json(one) if as_json else _as_line(one))
    if as_json:
        return
    if not found.groups:
        console.print("no dead letters")
    elif len(found.groups) > limit:
        console.print(f"... and {len(found.groups) - limit:,} older (--limit)")


@app.command("show")
def show(
    ident: Annotated[str, typer.Argument(metavar="ID", help="topic:partition:offset, or an id.")],
) -> None:
    """Show everything about a record: who complains, its key and value, decoded if possible."""
    settings = load_settings()
    found = _run(_find(settings, Selection(ident=ident)))
    _warn(found)
    if not found.groups:
        fail(f"no dead letter {ident!r}: `quantiva dead-letters list` shows what there is")
    _run(_show(settings, found.groups[0]))


@app.command("retry")
def retry(
    ident: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="topic:partition:offset, or an id.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All records.")] = False,
    topic: Topic = None,
    stage: Stage = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be sent.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Send the original bytes again: same topic, partition, key and time; each record once.

    The record carries the header `retried_from`. Stages that had used it already change nothing.
    """
    if sum((ident is not None, everything, topic is not None and not everything)) != 1:
        fail("say which: an ID, --topic TOPIC, or --all (--stage and --since narrow it)", 2)
    settings = load_settings()
    selection = _selection(topic, stage, since)._replace(ident=ident)
    found, planned = _run(_plan(settings, selection))
    _warn(found)
    if not found.groups:
        fail("no dead letter is meant by that: `quantiva dead-letters list` shows what there is")
    for refused in planned.refused:
        console.print(f"cannot send {refused.group.position}: {refused.reason}", markup=False)
    _send(settings, planned, dry_run, yes)
    if planned.refused:
        raise typer.Exit(1)


def _send(settings: Settings, planned: Plan, dry_run: bool, yes: bool) -> None:
    count = len(planned.sends)
    if dry_run or not count:
        for one, _, value in planned.sends:
            console.print(f"would send {one.position} ({len(value or b''):,} bytes)", markup=False)
        console.print(f"{count:,} record(s) would be sent again")
        return
    topics = Counter(one.group.topic for one in planned.sends)
    where = ", ".join(f"{topic} {number:,}" for topic, number in sorted(topics.items()))
    if not yes:
        typer.confirm(f"Send {count:,} record(s) again ({where})?", abort=True)
    sent = _run(send(settings, planned.sends))
    console.print(f"{sent:,} record(s) sent again ({where})", markup=False)


def _selection(topic: str | None, stage: str | None, since: str | None) -> Selection:
    try:
        start = since_ms(since, wall_ms()) if since else 0
    except ValueError as error:
        fail(str(error), 2)
    return Selection(topic, stage, start)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (BrokerError, ValueError) as error:
        fail(str(error))


async def _find(settings: Settings, selection: Selection, *, with_bytes: bool = True) -> Found:
    settings.require_registry()
    async with LogReader(settings) as reader:
        return await find(settings, reader, selection, with_bytes=with_bytes)


async def _plan(settings: Settings, selection: Selection) -> tuple[Found, Plan]:
    settings.require_registry()
    async with LogReader(settings) as reader:
        found = await find(settings, reader, selection)
        return found, await plan(settings, reader, found.groups)


def _warn(found: Found) -> None:
    if found.unreadable:
        console.print(f"{found.unreadable:,} letter(s) cannot be read: {found.reason}", style="red")


def _as_line(one: DeadLetterGroup) -> str:
    letter = one.newest
    head = f"{moment(letter.failed_at)} {one.position:<22} {cut(one.stages, 24):<12}"
    reason = cut(f"{letter.error}: {letter.reason}", max(console.width - len(head) - 1, 20))
    return f"{head} {reason}"


def _as_json(one: DeadLetterGroup) -> str:
    letters = [
        {name: value for name, value in plain(letter).items() if name != "record_value"}
        for letter in one.letters
    ]
    return orjson.dumps({"position": one.position, "letters": letters}).decode()


async def _show(settings: Settings, one: DeadLetterGroup) -> None:
    letter = one.whole
    typer.echo(f"record     {one.position}")
    typer.echo(f"timestamp  {moment(letter.record_timestamp, '%Y-%m-%d %H:%M:%S')} UTC")
    for each in one.letters:
        typer.echo(f"\nletter     {each.letter_id}")
        typer.echo(f"stage      {each.stage}")
        typer.echo(f"failed     {moment(each.failed_at, '%Y-%m-%d %H:%M:%S')} UTC")
        typer.echo(f"error      {each.error}")
        typer.echo(f"reason     {each.reason}")
    key = letter.record_key
    typer.echo(f"\nkey        {key_text(key)}{f' ({key.hex()})' if key else ''}")
    await _show_value(settings, letter)


async def _show_value(settings: Settings, letter: DeadLetter) -> None:
    value = letter.record_value
    if value is None:
        typer.echo("value      none in the letter")
        return
    typer.echo(f"value      {len(value):,} bytes")
    for start in range(0, len(value), _HEX_COLUMNS):
        line = value[start : start + _HEX_COLUMNS]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        typer.echo(f"{start:>6}  {line.hex():<{2 * _HEX_COLUMNS}}  {text}")
    event, reason = await Decoder.of(settings).read(value)
    wrong = reason or (problem(event) if event is not None else None)
    typer.echo(f"\nnow        {f'still wrong: {wrong}' if wrong else 'it decodes and is valid'}")
    if event is not None:
        typer.echo(orjson.dumps(plain(event), option=orjson.OPT_INDENT_2).decode())
