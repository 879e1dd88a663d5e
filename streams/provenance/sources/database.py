"""Signals and trades out of PostgreSQL, by the beginning of their id."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import asyncpg
import msgspec

from schemas.redact import conceal
from schemas.signals import PortfolioTrade, Signal, from_json
from streams.provenance.sources.base import SourceError

T = TypeVar("T")
_trade = msgspec.json.Decoder(PortfolioTrade).decode
_TIMEOUT_S = 5.0
# A range, not LIKE: it uses the primary key's index whatever the collation, for ids are hex.
_QUERY = """
    SELECT body FROM strategy_signals
    WHERE signal_id >= $1 AND signal_id < $1 || 'g' ORDER BY signal_id LIMIT $2
"""


_TRADES = """
    SELECT body FROM portfolio_trades
    WHERE trade_id >= $1 AND trade_id < $1 || 'g' ORDER BY trade_id LIMIT $2
"""


async def signals(dsn: str, begin: str, most: int) -> list[Signal]:
    """Return at most `most` signals whose id begins with `begin` (hex digits), by id.

    Raises SourceError when the database does not answer, has no such tables, or holds a row that
    is no signal.
    """
    return await _events(dsn, _QUERY, begin, most, from_json)


async def trades(dsn: str, begin: str, most: int) -> list[PortfolioTrade]:
    """Return trades in the same way."""
    return await _events(dsn, _TRADES, begin, most, _trade)


async def _events(
    dsn: str, query: str, begin: str, most: int, decode: Callable[[str], T]
) -> list[T]:
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=_TIMEOUT_S,
            command_timeout=_TIMEOUT_S,
            server_settings={"application_name": "quantiva-why"},
        )
        try:
            rows = await connection.fetch(query, begin, most)
        finally:
            await connection.close(timeout=_TIMEOUT_S)
        return [decode(row["body"]) for row in rows]
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise SourceError(_said(error, dsn)) from error
    except (ValueError, msgspec.MsgspecError) as error:
        msg = f"a row there is no such document: {error}"
        raise SourceError(msg) from error


def _said(error: Exception, dsn: str) -> str:
    if isinstance(error, asyncpg.UndefinedTableError):
        return "it has no table of signals: has `quantiva sink postgres` ever run?"
    if isinstance(error, asyncpg.UndefinedColumnError):
        return "its schema is old: start `quantiva sink postgres` of this version once"
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError):
        return "it does not answer"
    return conceal(str(error).partition("\n")[0] or type(error).__name__, dsn)
