"""What a headline model is trained on: labelled files, each known by its columns.

    text, label[, asset]   labelled texts
    title, decisions       SEntFiN: {entity: label} for each headline
    id, label[, asset]     labels of headlines by `headline_id`; the titles stand in other files
    title[, published_at]  headlines without labels

Every set is split once and for all: texts by their digest, headlines with a time by that time, so
that what a model is measured on was written after what it learned from.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from marketdata.assets.mentions import mentioned
from marketdata.assets.symbols import Catalogue
from schemas.coins import COINS
from streams.headlines.labelled import (
    LABEL_COLUMNS,
    TEXT_COLUMNS,
    Labelled,
    LabelledFileError,
    Row,
    column,
    labelled,
    table,
    texts_of,
)
from streams.headlines.model import LABELS, label_of

TEXTS_HELD, HEADLINES_HELD, DEV = 0.1, 0.15, 0.1
"""Shares that are measured at the end, and that are looked at to choose."""
NEAR_COPY = 0.5
"""Word Jaccard from which a headline is a near copy of another one."""

Target: TypeAlias = tuple[float, float, float]
"""The share of each label, in the order of `LABELS`."""
_KNOWN = Catalogue.of(COINS.values())


class Example(NamedTuple):
    """A text to learn, and the assets that it may be asked about ("": none in particular)."""

    text: str
    assets: tuple[str, ...]
    target: Target


class Judged(NamedTuple):
    """A text with what its readers said, by asset; `published_at` is "" where it is not known."""

    text: str
    labels: tuple[tuple[str, str], ...]
    published_at: str = ""

    def examples(self) -> list[Example]:
        """Return one example for all assets, or one for each where they are judged apart."""
        assets = tuple(dict.fromkeys(asset for asset, _ in self.labels))
        apart = [
            Example(self.text, (asset,), _target([said for of, said in self.labels if of == asset]))
            for asset in assets
        ]
        if len({_likeliest(one.target) for one in apart}) > 1:
            return apart
        every = ("", *(asset for asset in assets if asset))
        return [Example(self.text, every, _target([said for _, said in self.labels]))]

    def labelled(self) -> list[Labelled]:
        """Return what to measure on: what the readers agree on, without an asset if need be."""
        return [
            Labelled(one.text, one.assets[0], LABELS[_likeliest(one.target)])
            for one in self.examples()
            if sorted(one.target)[-1] > sorted(one.target)[-2]
        ]


@dataclass
class Data:
    """All that was read. `dev` and `held` are by the name of their set."""

    train: list[Example] = field(default_factory=list)
    dev: dict[str, list[Labelled]] = field(default_factory=dict)
    held: dict[str, list[Labelled]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, judged: Sequence[Judged], held: Container[str]) -> None:
        """Take a set; `held` are the texts to hold back."""
        dev = [one for one in judged if one.text not in held and _draw(one.text, "dev") < DEV]
        chosen = {one.text for one in dev}
        self.dev[name] = [row for one in dev for row in one.labelled()]
        self.held[name] = [row for one in judged if one.text in held for row in one.labelled()]
        self.train += [
            row
            for one in judged
            if one.text not in held and one.text not in chosen
            for row in one.examples()
        ]


def _target(said: Sequence[str]) -> Target:
    bearish, bullish, neutral = (said.count(label) / len(said) for label in LABELS)
    return bearish, bullish, neutral


def _likeliest(target: Target) -> int:
    return target.index(max(target))


def _draw(text: str, purpose: str) -> float:
    """Return a number in [0, 1) that is the text's for ever."""
    drawn = blake2b(text.encode("utf-8", "replace"), digest_size=4, person=purpose.encode())
    return int.from_bytes(drawn.digest(), "big") / 2**32


def headline_id(title: str) -> str:
    """Return the id by which labels name a headline: blake2b, 6 bytes, of it in single spaces."""
    return blake2b(" ".join(title.split()).encode(), digest_size=6).hexdigest()


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for near copies."""
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def near(one: frozenset[str], others: Iterable[frozenset[str]]) -> bool:
    """Return whether a text is a near copy of any of the others."""
    return any(len(one & other) >= NEAR_COPY * len(one | other) for other in others)


def gather(paths: Sequence[Path], held_back: Sequence[Path] = ()) -> Data:
    """Return the sets of all files; no text near one of `held_back` is learned from.

    LabelledFileError names a file that cannot be used.
    """
    data = Data()
    tables: dict[str, list[tuple[str, list[Row]]]] = defaultdict(list)
    for path in sorted(_files(paths)):
        columns, lines = table(path)
        kind = _kind(path, columns)
        name = path.name.partition(".")[0]
        digest = sha256(path.read_bytes()).hexdigest()
        data.files.append({"file": path.name, "kind": kind, "rows": len(lines), "sha256": digest})
        tables[kind].append((name, [row for _, row in lines]))
        if kind == "texts":
            judged = [Judged(one.text, ((one.asset, one.label),)) for one in labelled(path)]
            data.add(name, judged, _drawn(judged))
    for name, rows in tables["entities"]:
        judged = [found for row in rows if (found := _of_entities(row)) is not None]
        data.add(name, judged, _drawn(judged))
    judged_headlines = _headlines(data, tables["titles"], tables["labels"])
    avoided = [words(text) for path in held_back for text in texts_of(path)]
    avoided += [words(text) for text in judged_headlines]
    data.train = [one for one in data.train if not near(words(one.text), avoided)]
    data.unlabelled = [text for text in data.unlabelled if not near(words(text), avoided)]
    measured = {one.text for held in (*data.held.values(), *data.dev.values()) for one in held}
    data.train = [one for one in data.train if one.text not in measured]
    return data


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from (one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]


def _kind(path: Path, columns: Sequence[str]) -> str:
    label, text = column(columns, LABEL_COLUMNS), column(columns, TEXT_COLUMNS)
    if "decisions" in columns and text:
        return "entities"
    if text:
        return "texts" if label else "titles"
    if label and "id" in columns:
        return "labels"
    names = ", ".join(columns) or "no columns"
    msg = f"{path}: its first line names {names}; text,label or id,label are needed"
    raise LabelledFileError(msg)


def _drawn(judged: Iterable[Judged]) -> set[str]:
    """Return the texts of a set without times that are held back."""
    return {one.text for one in judged if _draw(one.text, "held") < TEXTS_HELD}


def _of_entities(row: Row) -> Judged | None:
    """Return a headline of SEntFiN; None for the few whose entities cannot be read."""
    try:
        decisions = ast.literal_eval(row["decisions"])
        said = tuple((str(entity), label_of(label) or "") for entity, label in decisions.items())
    except (ValueError, SyntaxError, AttributeError):
        return None
    text = " ".join(row["title"].split())
    return Judged(text, said) if text and said and all(label for _, label in said) else None


def _headlines(
    data: Data,
    titles: Sequence[tuple[str, list[Row]]],
    labels: Sequence[tuple[str, list[Row]]],
) -> list[str]:
    """Add the labelled headlines and keep the others; return the texts that are held back."""
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, rows in labels:
        for row in rows:
            label = label_of(row.get("label") or "")
            if label is None:
                msg = f"{name}: {row.get('id')} has the label {row.get('label')!r}"
                raise LabelledFileError(msg)
            said[row["id"]].append(((row.get("asset") or "").strip().upper(), label))
    held_back: list[str] = []
    known: set[str] = set()
    for name, rows in titles:
        judged = []
        for row in rows:
            text = " ".join((row.get("title") or "").split())
            key = headline_id(text)
            if not text or key in known:
                continue
            known.add(key)
            if key in said:
                judged.append(
                    Judged(text, _with_named(text, said[key]), row.get("published_at") or "")
                )
            else:
                data.unlabelled.append(text)
        newest = sorted(judged, key=lambda one: one.published_at)
        held = {one.text for one in newest[round(len(newest) * (1.0 - HEADLINES_HELD)) :]}
        data.add(name, judged, held)
        held_back += held
    return held_back


def _with_named(text: str, said: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the labels; those without an asset are of the only coin that the text names, too."""
    named = mentioned(text, _KNOWN)
    if len(named) != 1 or any(asset for asset, _ in said):
        return tuple(said)
    return (*said, *((named[0], label) for _, label in said))
