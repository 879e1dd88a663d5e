"""`quantiva tail TOPIC`: what flows on a topic, decoded, one line a record, until Ctrl-C."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson
import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings
from schemas.describe import key_text, one_line, plain
from schemas.text import cut, moment
from schemas.topics import BY_NAME, logical
from transport.admin import BrokerError
from transport.decoder import Decoded, Decoder
from transport.log_reader import LogReader, Partition, order
from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show: topic, key, where to begin, how many, in which form.

    `topic` is logical; one that is not in the table has its name on the broker.
    """

    topic: str
    key: str | None
    from_start: bool
    last: int
    count: int | None
    follow: bool
    as_json: bool

    def takes(self, record: Any) -> bool:
        """Return whether a record has the key asked for."""
        return self.key is None or record.key == self.key.encode()

    @property
    def tombstones(self) -> bool:
        """True where a record without a value deletes its key."""
        return self.topic not in BY_NAME or BY_NAME[self.topic].cleanup == "compact"


def tail(
    topic: Annotated[str, typer.Argument(help="For example signals; any topic of the broker.")],
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

    Times are UTC. Schemas of others are taken from the registry. Records that cannot be decoded
    are shown with the reason.
    """
    settings = load_settings()
    if prefix is not None:
        settings = settings.model_copy(update={"prefix": prefix})
    name = logical(topic, settings.prefix)
    name = name if name in BY_NAME else topic
    key = asset.upper() if asset and name in BY_NAME and BY_NAME[name].key == "asset" else asset
    wanted = Wanted(name, key, from_start, last, count, follow, as_json)
    try:
        asyncio.run(_tail(settings, wanted))
    except (BrokerError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(settings: Settings, wanted: Wanted) -> None:
    settings.require_registry()
    decoder = Decoder.of(settings, foreign=True)
    left = wanted.count
    async with LogReader(settings) as reader:
        partitions = await _partitions(reader, wanted.topic)
        async for record in _records(reader, partitions, wanted):
            decoded = await decoder.read(record.value, tombstones=wanted.tombstones)
            _show(wanted, record, decoded)
            left = None if left is None else left - 1
            if left == 0:
                return


async def _partitions(reader: LogReader, topic: str) -> list[Partition]:
    """Return the partitions of a topic; ends with what there is when there is no such topic."""
    if topic not in BY_NAME:
        on_broker = await reader.topics()
        if topic not in on_broker:
            near = difflib.get_close_matches(topic, BY_NAME, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]}?" if near else "."
            fail(f"no topic {topic!r}{hint} There are: {', '.join(BY_NAME)}", 2)
        return on_broker[topic]
    partitions = (await reader.partitions())[topic]
    if not partitions:
        msg = f"the broker has no topic {topic}: run `quantiva topics create`"
        raise BrokerError(msg)
    return partitions


async def _records(
    reader: LogReader, partitions: list[Partition], wanted: Wanted
) -> AsyncIterator[Any]:
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
    """Return a record as one JSON object; `event` is null and `error` the cause if undecodable."""
    fields = {
        "topic": topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": None if record.key is None else key_text(record.key),
        "event": _plain(decoded.event),
    }
    if decoded.reason is not None:
        fields |= {"error": decoded.reason, "value_hex": (record.value or b"").hex()}
    return orjson.dumps(fields, default=_text).decode()


def _plain(event: Any) -> Any:
    return plain(event) if isinstance(event, msgspec.Struct) else event


def _text(value: Any) -> str:
    """Return what JSON has no form for: bytes as hex."""
    return value.hex() if isinstance(value, bytes) else str(value)


def human(record: Any, decoded: Decoded, width: int | None = None) -> str:
    """Return a record as one readable line that fits the screen."""
    if decoded.reason is not None:
        what = f"UNDECODABLE {decoded.reason}"
    elif decoded.event is None:
        what = "(deleted)"
    elif isinstance(decoded.event, msgspec.Struct):
        what = one_line(decoded.event)
    else:
        what = orjson.dumps(decoded.event, default=_text).decode()
    place = f"{record.partition}:{record.offset}"
    head = f"{moment(record.timestamp)} {place:<8} {key_text(record.key):<6}"
    # The head keeps its columns, the text is cut.
    return f"{head} {cut(what, max((width or console.width) - len(head) - 1, 10))}"
