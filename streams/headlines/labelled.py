"""Labelled texts out of CSV and TSV files, gzipped or not."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from streams.headlines.model import LABELS, label_of

Row: TypeAlias = Mapping[str, str]

TEXT_COLUMNS = ("text", "headline", "title", "sentence")
LABEL_COLUMNS = ("label_name", "label", "sentiment")
_BROKEN = (OSError, EOFError, zlib.error)


class LabelledFileError(ValueError):
    """A file that cannot be used; the text says which, where in it, and what to do."""


class Labelled(NamedTuple):
    """A text, the asset that it is judged for ("" for none in particular), and its label."""

    text: str
    asset: str
    label: str


def table(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return a file's columns in small letters, and its rows with the line each ends on."""
    try:
        data = path.read_bytes()
        packed = data.startswith(b"\x1f\x8b")
        text = (gzip.decompress(data) if packed else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 (byte {error.start}): iconv -f latin1 -t utf-8 converts it"
        raise LabelledFileError(msg) from error
    except _BROKEN as error:
        msg = f"{path} cannot be read: {error}"
        raise LabelledFileError(msg) from error
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if "\t" in first else ",", strict=True
    )
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        rows: list[tuple[int, Row]] = [
            (reader.line_num, dict(zip(columns, cells, strict=False))) for cells in reader if cells
        ]
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: {error}; quote texts that hold commas or quotes"
        raise LabelledFileError(msg) from error
    return columns, rows


def column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the first of the names that is a column, None for none."""
    return next((name for name in names if name in columns), None)


def labelled(path: Path, numbers: Mapping[str, str] | None = None) -> list[Labelled]:
    """Return the texts of a file with a column of texts, one of labels and maybe `asset`.

    Labels are bearish, bullish, neutral or what is said for them; `numbers` names others ("0").
    LabelledFileError names the line of what cannot be used: nothing is left out in silence.
    """
    columns, rows = table(path)
    text, label = column(columns, TEXT_COLUMNS), column(columns, LABEL_COLUMNS)
    if text is None or label is None:
        msg = f"{path} needs a first line that names the columns: text,label or text,label,asset"
        raise LabelledFileError(msg)
    found = []
    for line, row in rows:
        words, said = (row.get(text) or "").strip(), (row.get(label) or "").strip()
        known = label_of((numbers or {}).get(said, said))
        if known is None:
            msg = (
                f"{path}, line {line}: the label is {said!r}; {', '.join(LABELS)} are known "
                "(--labels 0=bearish,1=bullish,2=neutral names others)"
            )
            raise LabelledFileError(msg)
        if not words:
            msg = f"{path}, line {line}: there is no text"
            raise LabelledFileError(msg)
        found.append(Labelled(words, (row.get("asset") or "").strip().upper(), known))
    if not found:
        msg = f"{path} has no rows"
        raise LabelledFileError(msg)
    return found


def texts_of(path: Path) -> list[str]:
    """Return the texts of a file with a column of texts; LabelledFileError without one."""
    columns, rows = table(path)
    text = column(columns, TEXT_COLUMNS)
    if text is None:
        msg = f"{path} has no column of texts: {', '.join(TEXT_COLUMNS)}"
        raise LabelledFileError(msg)
    return [found for _, row in rows if (found := (row.get(text) or "").strip())]
