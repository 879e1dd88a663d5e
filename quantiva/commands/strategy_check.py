"""`quantiva strategies check "RULE"`: a rule in words, and what it sees."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from quantiva.commands.output import console, errors, fail, utc_ms
from quantiva.commands.replay_sources import UntilOption
from quantiva.commands.strategy_texts import printable
from quantiva.discovery import load_settings
from schemas.checks import CANDLE_MS
from schemas.control import Strategy
from schemas.names import wrong_symbol
from schemas.rule_language import (
    MOST_COST,
    RuleError,
    cost,
    in_timeframe,
    in_words,
    meanings,
    parse,
    to_text,
)
from schemas.text import moment

if TYPE_CHECKING:
    from quantiva.wiring.rule_data import Asked
    from streams.rules import CompiledRule

_WHEN = "%Y-%m-%d %H:%M:%S"
_MOST_CHANGES = 20
_ID = "check"


def check(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="In quotation marks.")],
    timeframe: Annotated[
        str, typer.Option(help="The strategy's: of names without one of their own.")
    ] = "1h",
    asset: Annotated[str, typer.Option(help="Whose values to show.")] = "",
    data: Annotated[
        str, typer.Option(help="An archive, or a directory of market data: not what is live now.")
    ] = "",
    until: UntilOption = None,
) -> None:
    """Explain a rule in words, and show its value, part by part; exit status 1 if it is wrong.

    The values are those of the running platform, or of --data: at its end, or at --until. They are
    BTC's unless --asset says otherwise, and nothing is held. Without a platform and without
    --data the rule is explained only. A rule that begins with a minus follows `--`.
    """
    if timeframe not in CANDLE_MS:
        fail(f"--timeframe {printable(timeframe)!r} is not one of {', '.join(CANDLE_MS)}", 2)
    if until is not None and not data:
        fail("--until is a time in recorded data: name it with --data", 2)
    name = asset.strip().upper() or "BTC"
    if wrong := wrong_symbol(name):
        fail(f"--asset {wrong}", 2)
    _explain(rule, timeframe)
    strategy = Strategy(
        strategy_id=_ID, owner=_ID, name=_ID, timeframe=timeframe, assets=(name,), entry_rule=rule
    )
    from streams.rules import compile_rule

    compiled = compile_rule(rule, timeframe)
    if data:
        _show(name, data, compiled, _of_data(data, until, strategy, compiled, name))
        return
    found = _of_platform(strategy, name, must=bool(asset))
    if found is not None:
        _show(name, "now", compiled, found)


def names(
    word: Annotated[str, typer.Argument(help="Only those in which it is; without it, all.")] = "",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The page of the docs.")] = False,
) -> None:
    """List what a rule may name: how it is written, its outputs, and what it is."""
    from schemas.rule_language.reference import entries, markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    found = [one for one in entries() if one.has(word)]
    if not found:
        fail(f"no name and no meaning has {printable(word)!r} in it")
    for one in found:
        outputs = f"  {one.outputs}" if one.outputs else ""
        _say(f"{one.written}{outputs}: {one.words}")


def _explain(text: str, timeframe: str) -> None:
    try:
        rule = in_timeframe(parse(text), timeframe)
    except RuleError as error:
        _refuse(text, error)
    _say(to_text(rule))
    _say("")
    _say(in_words(rule))
    _say("")
    for name, words in meanings(rule).items():
        _say(f"  {name}: {words}")
    if spent := cost([rule]):
        _say(f"  its indicators cost {spent} of {MOST_COST}")


def _refuse(text: str, error: RuleError) -> NoReturn:
    """Print the line that is wrong with a mark under the place, and end."""
    line = text.split("\n")[error.line - 1] if error.line <= text.count("\n") + 1 else ""
    for each in (printable(line), f"{' ' * (error.column - 1)}^"):
        errors.print(each, markup=False, soft_wrap=True)
    fail(str(error))


def _of_data(
    data: str, until: datetime | None, strategy: Strategy, rule: CompiledRule, asset: str
) -> Asked:
    from marketdata.recorded.source import RecordedDataError
    from quantiva.wiring.rule_data import NoDataError, of_data
    from streams.archive.reader import ArchiveError

    try:
        with errors.status(f"reading {data}"):
            return of_data(data, utc_ms(until), strategy, rule, asset)
    except (NoDataError, ArchiveError, RecordedDataError, OSError, ValueError) as error:
        fail(str(error))


def _of_platform(strategy: Strategy, asset: str, *, must: bool) -> Asked | None:
    """Return what the platform knows; None where there is none and nobody asked for one."""
    settings = load_settings()
    if settings.bootstrap is None and not must:
        errors.print(
            "no platform is running here (`quantiva demo`, KAFKA_BOOTSTRAP_SERVERS): its value is "
            "shown of recorded data, with --data",
            style="dim",
            soft_wrap=True,
        )
        return None
    from quantiva.wiring.rule_data import NoDataError, of_platform
    from streams.provenance.sources.base import SourceError
    from transport.admin import BrokerError

    try:
        settings.require_bootstrap()
        with errors.status("reading the newest scores"):
            return asyncio.run(of_platform(settings, strategy, asset))
    except (NoDataError, SourceError, BrokerError, OSError, ValueError) as error:
        fail(str(error))


def _show(asset: str, where: str, rule: CompiledRule, asked: Asked) -> None:
    from streams.rules import truth_word

    truth = truth_word(rule.truth(asked.facts))
    _say("")
    _say(f"{asset}, {where}, as of {moment(asked.now_ms, _WHEN)} UTC, nothing held: {truth}")
    for part in rule.trace(asked.facts):
        _say(f"  {part.truth:<8} {part.part}" + (f"   {part.values}" if part.values else ""))
    if asked.absent:
        _say(f"no score at all of {', '.join(asked.absent)}")
    if not asked.changes:
        return
    changed = len(asked.changes) - 1
    _say(f"in the 24 hours before it changed {changed:,} time{'s' * (changed != 1)}:")
    for at_ms, one in asked.changes[-_MOST_CHANGES:]:
        _say(f"  {moment(at_ms, _WHEN)}  {truth_word(one)}")


def _say(text: str) -> None:
    console.print(printable(text), markup=False, soft_wrap=True)
