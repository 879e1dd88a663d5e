"""The scores of a sweep in its folder: made once, and known again."""

from __future__ import annotations

import shutil
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import msgspec

from quantiva.sweep.trials import ABOUT, FOLDER, TRIALS, SweepFolderError
from schemas.control import Strategy
from schemas.rule_language import wanted
from schemas.text import moment
from schemas.topics import SCORES
from streams.archive.reader import Archive
from streams.replay.score_tape import record_scores
from streams.replay.shards import OnProgress
from streams.replay.sources import DirectorySource, Source


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What the scores of a folder are of; the first six say whether they are the ones asked for.

    from_ms, until_ms  what the sweep looks at; None: from the first record on, to the last
    indicators         that rules may name, beside those that are always there
    records, scores    how many were read and made
    digest             of all scores and their places, 32 hex digits
    notes              sentences about the source for people
    """

    source: str
    from_ms: int | None
    until_ms: int | None
    assets: tuple[str, ...]
    without: tuple[str, ...]
    settings: str
    code: str = ""
    indicators: tuple[str, ...] = ()
    records: int = 0
    scores: int = 0
    digest: str = ""
    notes: tuple[str, ...] = ()
    first_ms: int = 0
    last_ms: int = 0


_SAME = ("source", "from_ms", "until_ms", "assets", "without", "settings", "code")


def scores_of(
    folder: Path,
    asked: About,
    source: Source,
    strategies: list[Strategy],
    jobs: int,
    on_progress: OnProgress | None,
) -> tuple[About, bool]:
    """Return what is known of a folder's scores, and whether they had to be made.

    Raises SweepFolderError where the folder has others.
    """
    names = tuple(sorted({one.feature for strategy in strategies for one in wanted(strategy)}))
    path = folder / ABOUT
    if path.exists():
        there = msgspec.json.decode(path.read_bytes(), type=About)
        _refuse_others(folder, there, asked, names)
        return there, False
    if folder.exists() and any(one.name not in _OURS for one in folder.iterdir()):
        msg = f"{folder} holds what no sweep made; give a sweep a folder of its own"
        raise SweepFolderError(msg)
    shutil.rmtree(folder / _PART, ignore_errors=True)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    done = record_scores(
        *(source, strategies, folder / _PART),
        jobs=jobs,
        without=asked.without,
        on_progress=on_progress,
    )
    (folder / _PART).rename(folder / FOLDER)
    archive = Archive(str(folder / FOLDER))
    segments = [
        one
        for partition in range(archive.partitions[SCORES.name])
        for one in archive.segments(SCORES.name, partition)
    ]
    if not segments:
        msg = "the source has nothing to score in that span"
        raise SweepFolderError(msg)
    first_ms, last_ms = min(one.min_ms for one in segments), max(one.max_ms for one in segments)
    if isinstance(source, DirectorySource):  # whose warm-up is scored too
        first_ms, last_ms = source.start_ms, source.until_ms - 1
    made = msgspec.structs.replace(
        asked,
        indicators=names,
        records=done.market.total(),
        scores=done.produced.total(),
        digest=_digest(archive),
        notes=tuple(done.notes),
        first_ms=first_ms,
        last_ms=last_ms,
    )
    temporary = path.with_suffix(".part")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    temporary.rename(path)
    return made, True


_PART = f"{FOLDER}.part"
_OURS = frozenset({FOLDER, _PART, TRIALS, "sweep.part"})


def asked_for(
    source: str,
    from_ms: int | None,
    until_ms: int | None,
    assets: tuple[str, ...],
    without: tuple[str, ...],
) -> About:
    """Return what scores are asked for, by the settings and the code that would make them."""
    from streams.settings_tree import current_version

    return About(
        source=source,
        from_ms=from_ms,
        until_ms=until_ms,
        assets=assets,
        without=without,
        settings=current_version(),
        code=version("quantiva-streams"),
    )


def _refuse_others(folder: Path, there: About, asked: About, names: tuple[str, ...]) -> None:
    for field in _SAME:
        had, wants = getattr(there, field), getattr(asked, field)
        if had != wants:
            msg = (
                f"{folder} has the scores of another sweep ({field.removesuffix('_ms')} "
                f"{_said(field, had)}, not {_said(field, wants)}); use another --out"
            )
            raise SweepFolderError(msg)
    lacking = sorted(set(names) - set(there.indicators))
    if lacking:
        msg = (
            f"the scores in {folder} lack {', '.join(lacking[:5])}, which these rules name; use "
            "another --out"
        )
        raise SweepFolderError(msg)


def _said(field: str, value: object) -> str:
    if isinstance(value, int) and field.endswith("_ms"):
        return moment(value, "%Y-%m-%d %H:%M")
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _digest(archive: Archive) -> str:
    """Return a digest of all scores and their places; files of the same scores may differ."""
    found = blake2b(digest_size=16)
    for partition in range(archive.partitions[SCORES.name]):
        for offset, at_ms, key, value, _ in archive.records(SCORES.name, partition):
            found.update(b"%d|%d|%d|%b|" % (partition, offset, at_ms, key or b""))
            found.update(value or b"")
    return found.hexdigest()
