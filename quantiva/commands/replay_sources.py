"""SOURCE of the replay commands: an archive, a directory of market data, or `kafka`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.progress import records_progress
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from streams.archive.reader import Archive
    from streams.replay.sources import Source

KAFKA = "kafka"
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

SourceArgument = Annotated[
    str, typer.Argument(help="An archive, a directory of market data, or `kafka`.")
]
FromOption = Annotated[
    datetime | None, typer.Option("--from", help="Start, UTC.", formats=_FORMATS)
]
UntilOption = Annotated[
    datetime | None, typer.Option("--until", help="End, UTC.", formats=_FORMATS)
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes; all cores when left out.")
]
AssetsOption = Annotated[str, typer.Option(help="Only these, with commas: BTC,ETH.")]
StrategiesOption = Annotated[
    list[str] | None,
    typer.Option(help="Only these: a YAML file or folder of your own, or a stored one's id."),
]
WithoutOption = Annotated[
    str | None, typer.Option(help="What if: leave out engines or topics: news,liquidity.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(help="What if: sentiment=0.2,technical=0.4, the rest 0, in all strategies."),
]
ThresholdsOption = Annotated[
    str | None, typer.Option(help="What if: buy=0.25,sell=-0.25 in all strategies.")
]
FieldsOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="What if: FIELD=VALUE of a strategy, like band=0.1."),
]


def assets_in(text: str) -> tuple[str, ...]:
    """Return the assets of an `AssetsOption`, in capitals, as they were named."""
    return tuple(name.strip().upper() for name in text.split(",") if name.strip())


@contextlib.contextmanager
def local_archive(address: str) -> Iterator[Archive]:
    """Yield the archive that a SOURCE names, here: Kafka and remote archives are copied first."""
    from streams.archive.reader import Archive
    from streams.replay.run import scratch

    with scratch() as folder:
        target = Path(folder) / "archive"
        if address == KAFKA:
            yield _from_kafka(target)
        else:
            yield Archive(address).local(target)


@contextlib.contextmanager
def opened(
    address: str,
    start: datetime | None,
    until: datetime | None,
    assets: tuple[str, ...],
    *,
    as_recorded: bool | None = None,
) -> Iterator[Source]:
    """Yield the source of a replay. `as_recorded` None: follow a recorded live run if there is one.

    A directory needs `start` and `until`.
    """
    from schemas.topics import DECISIONS, SCORES
    from streams.archive.layout import MANIFEST
    from streams.replay.sources import ArchiveSource

    if address != KAFKA and "://" not in address and not (Path(address) / MANIFEST).exists():
        yield _directory(Path(address), start, until, assets)
        return
    with local_archive(address) as archive:
        recorded = all(
            any(archive.segments(topic, one) for one in range(archive.partitions.get(topic, 0)))
            for topic in (SCORES.name, DECISIONS.name)
        )
        if as_recorded and not recorded:
            fail(
                f"{address} does not hold both {SCORES.name} and {DECISIONS.name}, so no live run "
                "whose order could be followed"
            )
        yield ArchiveSource(
            address=archive.address,
            until_ms=utc_ms(until),
            assets=assets,
            as_recorded=recorded if as_recorded is None else as_recorded,
        )


def _directory(
    path: Path, start: datetime | None, until: datetime | None, assets: tuple[str, ...]
) -> Source:
    from producers.strategies import PREBUILT
    from streams.replay.sources import DirectorySource

    if not path.is_dir():
        fail(f"{path} is neither an archive nor a directory of market data")
    start_ms, until_ms = utc_ms(start), utc_ms(until)
    if start_ms is None or until_ms is None:
        fail(f"{path} is a directory of market data: say --from and --until")
    return DirectorySource(
        path=str(path),
        start_ms=start_ms,
        until_ms=until_ms,
        strategies=PREBUILT,
        assets=assets,
        partitions=load_settings().partitions,
    )


def _from_kafka(target: Path) -> Archive:
    from schemas.topics import TOPICS
    from streams.archive.copying import copy_topics

    with records_progress("reading Kafka") as progress:
        archive = asyncio.run(
            copy_topics(
                load_settings(),
                str(target),
                topics=[topic.name for topic in TOPICS],
                on_progress=progress.at,
            )
        )
    console.print(f"read {progress.done:,} records from Kafka")
    return archive
