"""`quantiva signal ASSET STRATEGY`: a signal now; a strategy in a file is tried in a dry run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, errors, fail
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from quantiva.wiring.on_demand import Found
    from schemas.control import SignalRequest, Strategy
    from schemas.signals import Signal

NOT_YET = 3
"""Exit status where there is no signal yet."""


def signal(
    asset: Annotated[str, typer.Argument(help="Symbol in capitals, for example BTC.")],
    strategy: Annotated[
        str, typer.Argument(help="A stored strategy's id, or a YAML file with one: a dry run.")
    ],
    exchange: Annotated[
        str | None, typer.Option(help="Where the asset's prices are asked for.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The signal as one JSON object.")] = False,
    wait: Annotated[float, typer.Option(help="How long to wait, in seconds.", min=0.1)] = 10.0,
) -> None:
    """Make a signal of one asset and strategy now, and say why.

    The producers follow the asset from then on, for a day. A dry run's signal is yours alone: it is
    not stored, and no portfolio trades by it. Exit status 1 for an unknown asset or strategy, or
    one that is not active, 3 where there is no signal yet.
    """
    from schemas.registry_client import RegistryError
    from transport.admin import BrokerError
    from transport.publisher import PublishError

    try:
        chosen, request = asyncio.run(_request(asset, strategy, exchange))
        with errors.status(f"asking for {asset}"):
            found = asyncio.run(_ask(request, wait))
    except ValueError as error:
        fail(str(error), 2)
    except (BrokerError, OSError, PublishError, RegistryError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    _tell(found, chosen, request, wait, as_json=as_json)


async def _request(asset: str, name: str, exchange: str | None) -> tuple[Strategy, SignalRequest]:
    """Return the strategy and the request; ValueError or the end of the command without them."""
    from uuid import uuid4

    import msgspec

    from quantiva.wiring.strategies import strategy_store
    from schemas.control import DRY_RUN, SignalRequest
    from schemas.strategy_files import did_you_mean, read_strategies
    from schemas.validation import problem
    from transport.clock import wall_ms

    document = None
    if name.endswith((".yaml", ".yml")):
        found = read_strategies(Path(name))
        if len(found) != 1:
            fail(f"{name} has {len(found)} strategies: one is tried at a time", 2)
        chosen, document = found[0], msgspec.json.encode(found[0]).decode()
    else:
        async with strategy_store() as store:
            known = store.stored.get(name)
            if known is None:
                fail(f"there is no strategy {name}{did_you_mean(name, store.stored)}")
            if not known.active:
                fail(f"{name} is not active: `quantiva strategies enable {name}`, or try a file")
            chosen = known
    by = chosen.strategy_id if document is None else DRY_RUN
    request = SignalRequest(uuid4().hex, asset, by, wall_ms(), document, exchange)
    if wrong := problem(request):
        fail(f"no signal can be made: {wrong}", 2)
    return chosen, request


async def _ask(request: SignalRequest, wait_s: float) -> Found:
    from quantiva.wiring.on_demand import ask

    return await ask(load_settings(), request, wait_s)


def _tell(
    found: Found, strategy: Strategy, request: SignalRequest, wait_s: float, *, as_json: bool
) -> None:
    """Print the signal, or end the command with why there is none."""
    import msgspec

    from schemas.coins import is_money
    from schemas.signals import has_data
    from schemas.sources import is_known

    asset, universe = request.asset, found.universe
    if found.answer is None:
        why = "the workers are away, or behind: `quantiva status` says which"
        fail(f"no answer within {wait_s:g} s; {why}", NOT_YET)
    if has_data(found.answer):
        if as_json:
            typer.echo(msgspec.json.encode(found.answer).decode())
        else:
            _print(found.answer, strategy)
        return
    if is_money(asset):
        fail(f"{asset} is worth a currency: no signals are made of it")
    if universe is None:
        fail(f"nothing is known of {asset}, and no producers have run that could look it up")
    known = is_known(universe, asset)
    if known is False:
        fail(f"no source knows an asset {asset} ({universe.assets.get(asset, 'asked for')})")
    if known is None:
        fail(f"nothing is known of {asset} yet, and no producers have looked it up", NOT_YET)
    fail(
        f"{asset} was not followed; it is from now on. Ask again in a minute: then there is data",
        NOT_YET,
    )


def _print(made: Signal, strategy: Strategy) -> None:
    from schemas.text import moment
    from streams.provenance import verdict

    at = moment(made.as_of, "%Y-%m-%d %H:%M:%S")
    dry = ", a dry run" if made.trigger == "dry_run" else ""
    lines = [
        f"{made.action} {made.asset} for {strategy.strategy_id} (version {strategy.version}{dry}), "
        f"{at} UTC",
        verdict.decision(made, strategy),
        *verdict.size(made),
        *(
            f"{part.rule}: {part.part} is {part.truth}{f' ({part.values})' * bool(part.values)}"
            for part in made.trace
        ),
        *(f"{name}: {text}" for name, text in made.detail.items()),
        f"`quantiva why {made.signal_id}` has the records behind it",
    ]
    for line in lines:
        console.print(line, markup=False)
