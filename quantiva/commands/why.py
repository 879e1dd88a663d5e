"""`quantiva why ID`: how a signal or a trade came about, down to the records of the log."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, errors, fail
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from schemas.signals import PortfolioTrade

_ID = re.compile(r"[0-9a-f]{6,32}")


def why(
    signal_id: Annotated[
        str, typer.Argument(help="Of a signal or trade; the first 6 digits or more where unique.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    archive: Annotated[
        str | None,
        typer.Option(help="Folder or URL of an archive, for what Kafka has no more."),
    ] = None,
    scan: Annotated[
        int, typer.Option(help="Without a database: look through so many signals.", min=1)
    ] = 30_000,
    prefix: Annotated[
        str | None, typer.Option(help="Prefix of the topics, if not QUANTIVA_PREFIX.")
    ] = None,
) -> None:
    """Show how a signal came about: contributions, scores, and the records behind each score.

    Of a trade: what it cost and made, then the signal that it filled. It is looked for in
    PostgreSQL (DATABASE_URL), then on Kafka, then in the archive. Ages are as of the decision,
    times are UTC. Exit status 1 when the signal or the trade does not follow from its parts.
    """
    begin = signal_id.strip().lower()
    if _ID.fullmatch(begin) is None:
        fail(f"{signal_id!r} is no signal id: write 6 to 32 of its hex digits (0-9, a-f)", 2)
    from schemas.signals import PortfolioTrade
    from streams.provenance.checks import checks
    from streams.provenance.explain import explain
    from streams.provenance.sources.finding import FindError

    settings = load_settings()
    if prefix is not None:
        settings = settings.model_copy(update={"prefix": prefix})
    try:
        with errors.status(f"looking for {begin}"):
            tree = asyncio.run(explain(settings, begin, archive=archive, most=scan))
    except FindError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if isinstance(tree, PortfolioTrade):
        _show_reset(tree, as_json=as_json)
        return
    checked = checks(tree)
    if as_json:
        import msgspec

        fields = {**msgspec.structs.asdict(tree), "checks": checked}
        typer.echo(msgspec.json.encode(fields).decode())
    else:
        from streams.provenance.screen import screen

        console.print(screen(tree, checked))
    if any(check.ok is False for check in checked):
        raise typer.Exit(1)


def _show_reset(trade: PortfolioTrade, *, as_json: bool) -> None:
    import msgspec

    from streams.provenance.trade import trade_lines

    if as_json:
        typer.echo(msgspec.json.encode({"trade": trade}).decode())
        return
    for line in trade_lines(trade):
        console.print(line, markup=False)
    console.print("the portfolio was reset; no signal led to it")
