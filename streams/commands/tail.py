"""`quantiva tail TOPIC`: what flows on a topic, decoded, one line a record, until Ctrl-C."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import typer

from streams.admin import BrokerError
from streams.commands.output import console, fail
from streams.discovery import load_settings
from streams.observe.decoding import Decoded, Decoder, plain
from streams.observe.reader import LogReader, order
from streams.observe.telling import key_text, telling
from streams.observe.text import cut, moment
from streams.settings import Settings
from streams.topics import BY_NAME, logical


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show: topic (logical), asset, where to begin, how many, in which form."""

    topic: str
    asset: str | None
    from_start: bool
    last: int
    count: int | None
    follow: bool
    as_json: bool

    def takes(self, record: Any) -> bool:
        """Return whether a record is of the asset asked for (the key names it)."""
        return self.asset is None or record.key == self.asset.encode()


def tail(
    topic: Annotated[str, typer.Argument(help="Logical name, for example signals.")],
    asset: Annotated[
        str | None, typer.Option(help="Only records with this key, for example BTC.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    from_start: Annotated[bool, typer.Option(help="Begin with the oldest record.")] = False,
    last: Annotated[int, typer.Option(help="Begin with the last N records.", min=0)] = 0,
    count: Annotated[int | None, typer.Option(help="End after N records.", min=1)] = None,
    follow: Annotated[bool, typer.Option(help="Wait for new records.")] = True,
    prefix: Annotated[
        str | None, typer.Option(help="Prefix of the topics, if not QUANTIVA_PREFIX.")
    ] = None,
) -> None:
    """Show the records of a topic, decoded, and follow it until Ctrl-C.

    Times are UTC. Records that cannot be decoded are shown with the reason.
    """
    settings = load_settings()
    if prefix is not None:
        settings = settings.model_copy(update={"prefix": prefix})
    name = known_topic(topic, settings.prefix)
    key = asset.upper() if asset and BY_NAME[name].key == "asset" else asset
    wanted = Wanted(name, key, from_start, last, count, follow, as_json)
    try:
        asyncio.run(_tail(settings, wanted))
    except (BrokerError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def known_topic(name: str, prefix: str) -> str:
    """Return the logical name; ends with the topics there are when there is none of that name."""
    found = logical(name, prefix)
    if found in BY_NAME:
        return found
    near = difflib.get_close_matches(found, BY_NAME, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else "."
    fail(f"no topic {name!r}{hint} There are: {', '.join(BY_NAME)}", 2)


async def _tail(settings: Settings, wanted: Wanted) -> None:
    settings.require_registry()
    decoder = Decoder(settings)
    tombstones = BY_NAME[wanted.topic].cleanup == "compact"
    left = wanted.count
    async with LogReader(settings) as reader:
        async for record in _records(reader, wanted):
            decoded = await decoder.decode(record.value, tombstones=tombstones)
            _show(wanted, record, decoded)
            left = None if left is None else left - 1
            if left == 0:
                return


async def _records(reader: LogReader, wanted: Wanted) -> AsyncIterator[Any]:
    partitions = (await reader.partitions())[wanted.topic]
    if not partitions:
        msg = f"the broker has no topic {wanted.topic}: run `quantiva topics create`"
        raise BrokerError(msg)
    if wanted.from_start:
        starts = await reader.begins(partitions)
        if not wanted.follow:
            ends = await reader.ends(partitions)
            async for batch in reader.scan({tp: (starts[tp], ends[tp]) for tp in ends}):
                for record in filter(wanted.takes, sorted(batch, key=order)):
                    yield record
            return
    else:
        before, starts = await reader.last(partitions, wanted.last, wanted.takes)
        for record in before:
            yield record
    if not wanted.follow:
        return
    async for batch in reader.follow(starts):
        for record in filter(wanted.takes, batch):
            yield record


def _show(wanted: Wanted, record: Any, decoded: Decoded) -> None:
    typer.echo(as_line(wanted.topic, record, decoded) if wanted.as_json else human(record, decoded))


def as_line(topic: str, record: Any, decoded: Decoded) -> str:
    """Return a record as one JSON object; `event` is null and `error` says why if undecodable."""
    fields = {
        "topic": topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": None if record.key is None else key_text(record.key),
        "event": plain(decoded.event),
    }
    if decoded.reason is not None:
        fields |= {"error": decoded.reason, "value_hex": (record.value or b"").hex()}
    return orjson.dumps(fields).decode()


def human(record: Any, decoded: Decoded, width: int | None = None) -> str:
    """Return a record as one readable line that fits the screen."""
    if decoded.reason is not None:
        what = f"UNDECODABLE {decoded.reason}"
    elif decoded.event is None:
        what = "(deleted)"
    else:
        what = telling(decoded.event)
    place = f"{record.partition}:{record.offset}"
    head = f"{moment(record.timestamp)} {place:<8} {key_text(record.key):<6}"
    # The head keeps its columns, the text is cut.
    return f"{head} {cut(what, max((width or console.width) - len(head) - 1, 10))}"
