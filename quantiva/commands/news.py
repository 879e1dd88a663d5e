"""`quantiva news score DIRECTORY`: what a model says of recorded headlines, once, for replays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.commands.progress import RecordsProgress, records_progress

if TYPE_CHECKING:
    from marketdata.recorded.files import ReadReport
    from streams.headlines.model import TextModel
    from streams.headlines.probabilities import ModelTexts, Probabilities

app = typer.Typer(help="Recorded news.", no_args_is_help=True)
_AT_ONCE = 32


@app.callback()
def _news() -> None:
    """Keep `score` a separate command, also while it is the only one."""


@app.command("score")
def score(
    source: Annotated[Path, typer.Argument(help="A directory of market data.", show_default=False)],
) -> None:
    """Score the headlines of a directory by the model, once; replays of it then need no model.

    Writes news_scores.jsonl into the directory. Texts that are in it by the same version of the
    model are not scored again.
    """
    from marketdata.recorded.files import ReadReport, RecordedDataError
    from streams.headlines.model import HeadlineModelSettings, load_model
    from streams.replay.headline_scores import FILE_NAME, save_texts

    report = ReadReport()
    try:
        model = load_model(HeadlineModelSettings())
        if model is None:
            fail("there is no headline model to score with: QUANTIVA_HEADLINE_MODEL is none")
        with records_progress("scoring headlines") as progress:
            texts, before = _scored(source, model, progress, report)
        save_texts(source / FILE_NAME, texts)
    except RecordedDataError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{source / FILE_NAME} cannot be written: {error}")
    except ValueError as error:
        fail(str(error))
    for sentence in report.sentences():
        console.print(sentence, markup=False)
    console.print(
        f"{len(texts.known) - before:,} texts scored by {model.name} {model.version}, "
        f"{before:,} known before; {source / FILE_NAME}"
    )


def _scored(
    source: Path, model: TextModel, progress: RecordsProgress, report: ReadReport
) -> tuple[ModelTexts, int]:
    """Return all texts of a directory with what the model says, and how many were known before."""
    from streams.headlines.probabilities import ModelTexts, single
    from streams.replay.headline_scores import ScoreFileError, load_texts

    try:
        stored = load_texts(source)
    except ScoreFileError as error:
        console.print(f"{error}; it is replaced", markup=False)
        stored = None
    same = stored is not None and (stored.model, stored.version) == (model.name, model.version)
    known: dict[bytes, Probabilities] = dict(stored.known) if same and stored is not None else {}
    before = len(known)
    waiting: dict[bytes, tuple[str, str]] = {}

    def score_waiting() -> None:
        keys = list(waiting)
        for key, said in zip(keys, model.probabilities(list(waiting.values())), strict=True):
            known[key] = single(*said)
        waiting.clear()

    for number, (key, text) in enumerate(_texts(source, report), start=1):
        if key not in known:
            waiting[key] = text
        if len(waiting) >= _AT_ONCE:
            score_waiting()
            progress.at(number)
    score_waiting()
    return ModelTexts(model.name, model.version, "", known), before


def _texts(source: Path, report: ReadReport) -> Iterator[tuple[bytes, tuple[str, str]]]:
    from marketdata.recorded.source import recorded_news
    from streams.headlines.probabilities import text_key
    from streams.headlines.scoring import texts_of

    for article in recorded_news(source, report):
        for text in texts_of(article):
            yield text_key(article.asset, text), (text, article.asset)
