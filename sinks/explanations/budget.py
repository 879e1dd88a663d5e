"""Money: what requests can cost, and a budget a UTC day that parallel workers never overrun.

Before a request the most that it can cost is reserved, after it the reservation becomes what it
did cost. Both are one conditional UPDATE of the day's row, so PostgreSQL's row lock puts workers
in line, in whatever process they are. Amounts are decimals from the prices on: nothing is rounded.
A process that dies leaves its reservation, which counts as spent when its row is given up.

Callers hold the lock of their row in signal_explanations first, then call here: always in this
order, so that no two can wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sinks.postgres.table import Connection

_MILLION = Decimal(1_000_000)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Prices:
    """USD a million tokens."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Return the price of a number of input and output tokens, in USD."""
        sent = self.input_usd_per_million * prompt_tokens
        return (sent + self.output_usd_per_million * completion_tokens) / _MILLION


async def reserve(
    connection: Connection, most_usd: Decimal, budget_usd: Decimal, day: date | None = None
) -> date | None:
    """Reserve an amount of today's budget (or of `day`'s), in the caller's transaction.

    Returns the day, or None when the budget does not have so much left.
    """
    if day is None:
        day = await connection.fetchval("SELECT (now() AT TIME ZONE 'utc')::date")
    await connection.execute(
        "INSERT INTO explanation_budget (day) VALUES ($1) ON CONFLICT DO NOTHING", day
    )
    reserved: date | None = await connection.fetchval(
        "UPDATE explanation_budget SET reserved_usd = reserved_usd + $2"
        " WHERE day = $1 AND spent_usd + reserved_usd + $2 <= $3 RETURNING day",
        day,
        most_usd,
        budget_usd,
    )
    return reserved


async def settle(
    connection: Connection, day: date, reserved_usd: Decimal, spent_usd: Decimal
) -> None:
    """Give a reservation back and count what was spent of it, in the caller's transaction."""
    await connection.execute(
        "UPDATE explanation_budget SET reserved_usd = reserved_usd - $2, spent_usd = spent_usd + $3"
        " WHERE day = $1",
        day,
        reserved_usd,
        spent_usd,
    )
