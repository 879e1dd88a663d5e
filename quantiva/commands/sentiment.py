"""`quantiva sentiment TEXT | eval | train | export`: what headlines say, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from quantiva.commands.output import console, fail
from quantiva.commands.progress import records_progress
from streams.headlines.model import LABELS, HeadlineModelSettings, ModelError, load_model

if TYPE_CHECKING:
    from streams.headlines.evaluation import Measured
    from streams.headlines.model import TextModel
    from streams.headlines.training.run import Tell

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="shipped, none, a directory or a name in the local Hugging Face cache; "
        "unset: QUANTIVA_HEADLINE_MODEL.",
    ),
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, max=64, help="Threads that score.")]
_DEFAULT = "score"


class _TextOrCommand(TyperGroup):
    """A group where what names no command is a text to score."""

    default = _DEFAULT

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command that was left out before the text."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_TextOrCommand,
    no_args_is_help=True,
    help='What headlines say: quantiva sentiment "Bitcoin falls, Ether rises" --asset ETH',
)


def _model(name: str | None, threads: int | None) -> TextModel | None:
    """Return the model that is asked for; ends the command when it cannot be used."""
    given: dict[str, Any] = {"model": name, "threads": threads}
    try:
        return load_model(
            HeadlineModelSettings(**{key: one for key, one in given.items() if one is not None})
        )
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        fail(f"setting {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", 2)
    except ModelError as error:
        fail(str(error))


@app.command(_DEFAULT)
def score(
    text: Annotated[str, typer.Argument(help="A headline.")],
    asset: Annotated[str, typer.Option(help="The asset that it is judged for: BTC.")] = "",
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what model and lexicon say of a headline, and what they come to."""
    from streams.headlines.evaluation import together
    from streams.headlines.probabilities import ModelTexts

    chosen = _model(model, None)
    ticker = asset.strip().upper()
    said = chosen.probabilities([(text, ticker)])[0] if chosen is not None else None
    known = ModelTexts(chosen.name, chosen.version) if chosen is not None else ModelTexts()
    found = together(text, ticker, known, said)
    if as_json:
        fields = {
            name: value
            for name, value in msgspec.to_builtins(found).items()
            if name in _SHOWN_FIELDS
        }
        typer.echo(msgspec.json.encode({"text": text, "asset": ticker, **fields}).decode())
        return
    if said is None:
        console.print(f"model     none: {found.no_model}", markup=False)
    else:
        shares = "  ".join(f"{name} {share:.2f}" for name, share in zip(LABELS, said, strict=True))
        console.print(
            f"model     {said.score:+.2f}  {shares}  ({found.model} {found.model_version})",
            markup=False,
        )
    hits = ", ".join(f"{hit.term} {hit.strength:+.2f}" for hit in found.hits) or "no term found"
    console.print(f"lexicon   {found.lexicon_score:+.2f}  {hits}", markup=False)
    console.print(
        f"together  {found.score:+.2f}  {found.label}, confidence {found.confidence:.2f}",
        markup=False,
    )


_SHOWN_FIELDS = frozenset(
    {
        *("score", "confidence", "label", "model", "model_version", "no_model", "bearish"),
        *("bullish", "neutral", "lexicon_score", "lexicon_confidence", "hits"),
    }
)


@app.command("eval")
def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV or TSV with text,label[,asset].")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Measure this one; may be given again. Unset: the setting."),
    ] = None,
    labels: Annotated[
        str, typer.Option(help="What the file's labels mean: 0=bearish,1=bullish,2=neutral.")
    ] = "",
    with_asset: Annotated[
        bool, typer.Option("--asset/--no-asset", help="Tell the model the asset of each text.")
    ] = True,
    threads: ThreadsOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file too.")
    ] = None,
) -> None:
    """Measure lexicon, model and both together: macro-F1, accuracy, confusion, calibration."""
    from streams.headlines.evaluation import measure, verdicts
    from streams.headlines.labelled import LabelledFileError, labelled

    try:
        texts = labelled(file, dict(_pair(one) for one in labels.split(",") if one.strip()))
        if not with_asset:
            texts = [one._replace(asset="") for one in texts]
        found: dict[str, Measured] = {}
        for name in model or (None,):
            chosen = _model(name, threads)
            for voice, said in verdicts(texts, chosen).items():
                known = f"{voice} with {chosen.name}" if voice in found and chosen else voice
                if voice != "lexicon" or voice not in found:
                    found[known] = measure(known, texts, said)
    except (LabelledFileError, ModelError) as error:
        fail(str(error))
    console.print(f"{file.name}: {len(texts):,} texts", markup=False)
    console.print(_scores(list(found.values())))
    for one in found.values():
        console.print(_confusion(one))
        console.print(_calibration(one), markup=False)
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(list(found.values()))))
        console.print(f"written to {json_file}", markup=False)


def _pair(text: str) -> tuple[str, str]:
    name, equals, meaning = text.partition("=")
    if not equals:
        fail(f"--labels has {text!r}: write 0=bearish,1=bullish,2=neutral")
    return name.strip(), meaning.strip()


def _scores(rows: Sequence[Measured]) -> Table:
    table = _table("voice", "macro-F1", "accuracy", "calibration error")
    for one in rows:
        values = (one.macro_f1, one.accuracy, one.calibration_error)
        table.add_row(Text(one.voice), *(f"{value:.3f}" for value in values))
    return table


def _confusion(one: Measured) -> Table:
    table = _table(f"\n{one.voice}: true", *(f"\nsaid {label}" for label in LABELS))
    for true, row in one.confusion.items():
        table.add_row(true, *(f"{row[label]:,}" for label in LABELS))
    return table


def _calibration(one: Measured) -> str:
    bins = ", ".join(f"{b.confidence:.2f}: {b.right:.2f} of {b.texts:,}" for b in one.calibration)
    return f"right by confidence  {bins}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(Text(first))
    for name in others:
        table.add_column(name, justify="right")
    return table


@app.command("train")
def train(
    files: Annotated[
        list[Path], typer.Argument(help="Labelled files, titles, or directories of them.")
    ],
    out: Annotated[Path, typer.Option(help="The directory to write.")],
    hold_back: Annotated[
        list[Path] | None, typer.Option(help="Texts of which no near copy is learned from.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="A BERT-like encoder; unset: the package's.")
    ] = None,
    name: Annotated[str, typer.Option(help="The model's name.")] = "quantiva-headlines",
    seeds: Annotated[int, typer.Option(min=1, max=9, help="Runs; each takes minutes.")] = 1,
    soft: Annotated[bool, typer.Option(help="Learn from titles without labels, too.")] = True,
    threads: Annotated[int, typer.Option(min=1, max=64)] = 2,
) -> None:
    """Train a headline model and write it as an int8 ONNX directory with its card."""
    from streams.headlines.labelled import LabelledFileError

    try:
        from streams.headlines.training.run import Order, train
    except ImportError as error:
        fail(f"training needs more packages ({error}): pip install 'quantiva-streams[train]'")
    order = Order(
        files, out, held_back=hold_back or (), base=base, name=name, seeds=seeds, soft=soft,
        threads=threads,
    )  # fmt: skip
    try:
        with _progress() as tell:
            card = train(order, tell)
    except (LabelledFileError, ModelError, OSError) as error:
        fail(str(error))
    _show_card(card, out)


@app.command("export")
def export(
    model: Annotated[
        str, typer.Argument(help="A directory or a name in the local Hugging Face cache.")
    ],
    out: Annotated[Path, typer.Option(help="The directory to write.")],
    file: Annotated[
        Path | None, typer.Option("--check", help="Texts to compare on: a column text or title.")
    ] = None,
) -> None:
    """Write any sequence classifier, FinBERT for one, as an int8 ONNX directory.

    That needs no torch to run and is several times faster; labels are compared on some texts.
    """
    try:
        from streams.headlines.training.export import export_classifier
    except ImportError as error:
        fail(f"exporting needs more packages ({error}): pip install 'quantiva-streams[train]'")
    try:
        same, texts = export_classifier(model, out, file)
    except (ValueError, OSError) as error:
        fail(str(error))
    console.print(f"{out}: same label as before on {same:.1%} of {texts:,} texts", markup=False)


def _show_card(card: dict[str, Any], out: Path) -> None:
    console.print(f"{out}: {card['name']} {card['version']}, {card['examples']:,} examples")
    console.print(f"kept {card['recipe']['kept']}; same label as fp32 {card['same_label_as_fp32']}")
    for name, row in card["held_back"].items():
        told = ", ".join(
            f"{voice} {values['macro_f1']:.3f}/{values['accuracy']:.3f}"
            for voice, values in row.items()
            if voice != "texts"
        )
        console.print(f"held back of {name} ({row['texts']:,}), F1/accuracy: {told}", markup=False)


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show one bar a run, one after the other."""
    from contextlib import ExitStack

    with ExitStack() as exits:
        bars: dict[str, Any] = {}

        def tell(what: str, done: int, steps: int) -> None:
            if what not in bars:
                exits.close()
                bars[what] = exits.enter_context(records_progress(what, steps))
            bars[what].at(done, steps)

        yield tell
