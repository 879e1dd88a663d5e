"""`quantiva doctor`: what stands in the way, check by check, with what to do."""

from __future__ import annotations

import asyncio

import typer
from rich.text import Text

from quantiva.commands.output import console
from quantiva.discovery import load_settings
from quantiva.status.checks import LOCAL, PACKAGES, Check
from transport.settings import Settings


def doctor() -> None:
    """Check this machine and the parts that are set; exit status 1 when something is wrong."""
    raise typer.Exit(1 if asyncio.run(_run(load_settings())) else 0)


async def _run(settings: Settings) -> int:
    """Print every check as it comes; return how many failed."""
    failed = 0
    local = []
    for check in LOCAL:
        local.append(check(settings))
        failed += _show(local[-1])
    if all(result.ok for result in local if result.name == PACKAGES):
        from quantiva.status.remote_checks import remote  # it needs those packages

        async for result in remote(settings):
            failed += _show(result)
    console.print()
    if failed:
        console.print(f"{failed} check(s) failed", style="red")
    elif settings.bootstrap:
        console.print("all is well", style="green")
    else:
        console.print("all is well: no addresses are set, `quantiva demo` starts embedded parts")
    return failed


def _show(check: Check) -> int:
    """Print one check and, if it failed, the remedy; return 1 if it failed."""
    line = Text(f"{'ok  ' if check.ok else 'FAIL'} ", style="green" if check.ok else "red")
    line.append(f"{check.name:<18} ", style="bold")
    line.append(check.detail, style="default")
    console.print(line, soft_wrap=True)
    if not check.ok:
        console.print(f"     {'':<18} -> {check.remedy}", markup=False, soft_wrap=True)
    return int(not check.ok)
