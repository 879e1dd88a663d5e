"""`quantiva strategies`: publish the pre-built ones, show those in control.strategies."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.commands.play import connected
from quantiva.discovery import load_settings
from schemas.control import Strategy, effective_weights

app = typer.Typer(help="The strategies.", no_args_is_help=True)


@app.command("publish")
def publish() -> None:
    """Publish the four pre-built strategies; again changes nothing."""
    from transport.publisher import PublishError

    try:
        count = asyncio.run(_publish())
    except (PublishError, ValueError) as error:
        fail(str(error))
    console.print(f"published {count} strategies")


async def _publish() -> int:
    from producers.strategies import PREBUILT, publish_prebuilt

    async with connected() as publisher:
        await publish_prebuilt(publisher)
    return len(PREBUILT)


@app.command("show")
def show(
    strategy_id: Annotated[str, typer.Argument(help="One strategy; without it, all.")] = "",
) -> None:
    """Print the strategies in the log, with the weights that fusion takes of each engine."""
    from transport.admin import BrokerError

    try:
        found = asyncio.run(_read())
    except (BrokerError, ValueError) as error:
        fail(str(error))
    shown = [one for one in found if strategy_id in ("", one.strategy_id)]
    if not shown:
        fail(f"there is no strategy {strategy_id}" if strategy_id else "there are no strategies")
    for one in shown:
        console.print(described(one), markup=False, soft_wrap=True)


async def _read() -> list[Strategy]:
    from streams.agents.strategies import StrategyTable
    from transport.registered_codec import codec_of

    settings = load_settings()
    settings.require_bootstrap()
    codec, _ = await codec_of(settings)
    table = StrategyTable(settings, codec)
    await table.start()
    try:
        return [at.strategy for at in table.tables().strategies.values()]
    finally:
        await table.stop()


def described(strategy: Strategy) -> str:
    """Return a strategy in three lines: who, weights, thresholds."""
    weights = ", ".join(f"{name} {one:g}" for name, one in effective_weights(strategy).items())
    own = "" if strategy.weights else " (the defaults)"
    state = "active" if strategy.active else "not active"
    assets = ", ".join(strategy.assets) or "all assets"
    return (
        f"{strategy.strategy_id}: {strategy.name}, of {strategy.user_id or strategy.owner}, "
        f"version {strategy.version}, {state}, {strategy.timeframe}, {assets}\n"
        f"  weights: {weights}{own}\n"
        f"  BUY above {strategy.buy_threshold:g}, SELL below {strategy.sell_threshold:g}, "
        f"HOLD while event risk is below {strategy.event_risk_floor:g}"
    )
