"""The rows of signal_explanations as a job queue: which one is next, and its result.

    pending -> requested -> done | failed           asked once, ever
    requested -> pending                            the API refused to serve the request
    pending -> done | failed | skipped              without a request: `judge`

Every step is one transaction, and takes the row's lock, an equal input's lock and the day's budget
in this order. A row that is `requested` for longer than the lease belongs to a process that has
ended: it becomes failed and is not asked again.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any, NamedTuple

from sinks.explanations import budget
from sinks.explanations.budget import ZERO
from sinks.explanations.check import unsupported_number
from sinks.explanations.facts import Facts, input_hash
from sinks.explanations.judging import ExplanationPolicy, Outcome, Waiting, fallback, judge
from sinks.explanations.signals import facts_in
from sinks.postgres.errors import is_of_records
from sinks.postgres.table import Connection
from transport.circuit_breaker import Permit

_log = logging.getLogger(__name__)

_COLUMNS = (
    "e.signal_id, e.strategy_id, e.asset, e.rank, e.attempts, e.waiting_since, e.error,"
    " now() AS now, s.body"
)
_FROM = " FROM signal_explanations AS e JOIN strategy_signals AS s USING (signal_id)"
_NEXT = (
    f"SELECT {_COLUMNS}{_FROM} WHERE e.status = 'pending'"
    " AND (e.not_before IS NULL OR e.not_before <= now())"
    " ORDER BY e.cycle DESC, e.rank, e.signal_id LIMIT 1 FOR UPDATE OF e SKIP LOCKED"
)
_ABANDONED = (
    f"SELECT {_COLUMNS}, e.reserved_usd{_FROM} WHERE e.status = 'requested'"
    " AND e.requested_at < now() - make_interval(secs => $1) LIMIT 1 FOR UPDATE OF e SKIP LOCKED"
)
_TWIN = (
    "SELECT status, text, model FROM signal_explanations WHERE input_hash = $1 AND signal_id <> $2"
    " AND (status = 'requested' OR (status = 'done' AND model <> 'template'))"
    " ORDER BY status LIMIT 1"
)
_RESOLVE = (
    "UPDATE signal_explanations SET status = $2, text = $3, model = $4, error = nullif($5, ''),"
    " input_hash = coalesce($6, input_hash), prompt_tokens = $7, completion_tokens = $8,"
    " cost_usd = $9, explained_at = date_trunc('milliseconds', clock_timestamp()),"
    " reserved_usd = NULL, reserved_on = NULL, not_before = NULL WHERE signal_id = $1"
)
_MINE = (
    "SELECT reserved_usd, reserved_on FROM signal_explanations"
    " WHERE signal_id = $1 AND status = 'requested' AND attempts = $2 FOR UPDATE"
)
_POSTPONE = (
    "UPDATE signal_explanations SET waiting_since = coalesce(waiting_since, clock_timestamp()),"
    " not_before = least(clock_timestamp() + make_interval(secs => $2),"
    " coalesce(waiting_since, clock_timestamp()) + make_interval(secs => $4)), error = $3"
    " WHERE signal_id = $1"
)
_TWIN_WAIT_S = 1.0
_NO_BUDGET = "No budget is left for today (UTC)."
_DEFECT = "The signal cannot be explained"
_LOST = "The process that had asked the model ended before it had stored the answer."


class Claim(NamedTuple):
    """A row that is ours to ask for, and what is reserved for that."""

    signal_id: str
    attempt: int
    facts: Facts
    reserved_usd: Decimal


async def take(
    connection: Connection, rules: ExplanationPolicy, permit: Permit
) -> Claim | str | None:
    """Take the next row: return a claim to ask for, or the status that it has got, or None.

    The newest cycle comes first, for yesterday's signals must not use up today's budget.
    """
    async with connection.transaction():
        row = await connection.fetchrow(_NEXT)
        if row is None:
            return None
        try:
            async with connection.transaction():  # a savepoint
                return await _taken(connection, row, rules, permit)
        except Exception as error:
            if not is_of_records(error, connection):
                raise
            # The next one to look would take the same row, and so would everybody after it.
            _log.exception("the signal %s cannot be explained", row["signal_id"])
            failed = fallback("failed", None, f"{_DEFECT} ({type(error).__name__}).")
            await _resolve(connection, row["signal_id"], failed, None, ZERO)
            return failed.status


async def _taken(
    connection: Connection, row: Any, rules: ExplanationPolicy, permit: Permit
) -> Claim | str:
    facts = facts_in(row["body"])
    judged = judge(rules, facts, row["rank"], _waited(row), permit)
    digest = None if facts is None else input_hash(facts, rules.writer)
    if judged is None and facts is not None and digest is not None:
        judged = await _equal_one(connection, row["signal_id"], facts, digest)
    if isinstance(judged, Waiting):
        await _postpone(connection, row["signal_id"], judged, rules.patience_s)
        return "pending"
    if judged is None and facts is not None:
        claim = await _request(connection, row, rules, facts, digest)
        if claim is not None:
            return claim
        judged = fallback("skipped", facts, _NO_BUDGET)
    assert judged is not None  # noqa: S101 - only readable facts are asked for
    await _resolve(connection, row["signal_id"], judged, digest, ZERO)
    return judged.status


async def extend(
    connection: Connection, claim: Claim, most_usd: Decimal, budget_usd: Decimal
) -> bool:
    """Reserve for one more request of a claim, on the claim's day; False without budget."""
    async with connection.transaction():
        mine = await connection.fetchrow(_MINE, claim.signal_id, claim.attempt)
        if mine is None:
            return False
        if await budget.reserve(connection, most_usd, budget_usd, mine["reserved_on"]) is None:
            return False
        await connection.execute(
            "UPDATE signal_explanations SET reserved_usd = reserved_usd + $2 WHERE signal_id = $1",
            claim.signal_id,
            most_usd,
        )
        return True


async def store(connection: Connection, claim: Claim, outcome: Outcome, cost_usd: Decimal) -> bool:
    """Store the outcome and settle its money; False when the claim was given up meanwhile."""
    async with connection.transaction():
        mine = await connection.fetchrow(_MINE, claim.signal_id, claim.attempt)
        if mine is None:
            return False
        await _resolve(connection, claim.signal_id, outcome, None, cost_usd)
        await budget.settle(connection, mine["reserved_on"], mine["reserved_usd"], cost_usd)
        return True


async def release(
    connection: Connection, claim: Claim, waiting: Waiting, patience_s: float
) -> bool:
    """Put a row back that the API did not serve; its reservation is free again."""
    async with connection.transaction():
        mine = await connection.fetchrow(_MINE, claim.signal_id, claim.attempt)
        if mine is None:
            return False
        await connection.execute(
            "UPDATE signal_explanations SET status = 'pending', reserved_usd = NULL,"
            " reserved_on = NULL WHERE signal_id = $1",
            claim.signal_id,
        )
        await _postpone(connection, claim.signal_id, waiting, patience_s)
        await budget.settle(connection, mine["reserved_on"], mine["reserved_usd"], ZERO)
        return True


async def give_up(connection: Connection, lease_s: float) -> bool:
    """Fail one row whose process has ended; its reservation counts as spent. False without one."""
    async with connection.transaction():
        row = await connection.fetchrow(_ABANDONED, lease_s)
        if row is None:
            return False
        reserved_usd = row["reserved_usd"]
        claim = Claim(row["signal_id"], row["attempts"], None, reserved_usd)  # type: ignore[arg-type]
        given_up = fallback("failed", facts_in(row["body"]), _LOST)
        return await store(connection, claim, given_up, reserved_usd)


async def _equal_one(
    connection: Connection, signal_id: str, facts: Facts, digest: str
) -> Outcome | Waiting | None:
    """Return the text of a signal with equal facts, or wait for it; None: there is none."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _key(digest))
    twin = await connection.fetchrow(_TWIN, digest, signal_id)
    if twin is None:
        return None
    if twin["status"] == "requested":
        return Waiting(_TWIN_WAIT_S, "An equal signal is being explained.")
    if unsupported_number(twin["text"], facts) is not None:  # it states its own signal's time
        return None
    return Outcome("done", twin["text"], twin["model"], "")


async def _request(
    connection: Connection, row: Any, rules: ExplanationPolicy, facts: Facts, digest: str | None
) -> Claim | None:
    """Reserve the money and mark the row; return it, None without budget."""
    most_usd = rules.most_usd(facts)
    day = await budget.reserve(connection, most_usd, rules.budget_usd)
    if day is None:
        return None
    attempt: int = await connection.fetchval(
        "UPDATE signal_explanations SET status = 'requested', requested_at = clock_timestamp(),"
        " attempts = attempts + 1, model = $2, input_hash = $3, reserved_usd = $4,"
        " reserved_on = $5 WHERE signal_id = $1 RETURNING attempts",
        row["signal_id"],
        rules.model,
        digest,
        most_usd,
        day,
    )
    return Claim(row["signal_id"], attempt, facts, most_usd)


def _waited(row: Any) -> Waiting | None:
    since = row["waiting_since"]
    if since is None:
        return None
    return Waiting((row["now"] - since).total_seconds(), row["error"] or "It has waited.")


async def _postpone(
    connection: Connection, signal_id: str, waiting: Waiting, patience_s: float
) -> None:
    """Let a row wait, until its patience is over at the latest."""
    await connection.execute(_POSTPONE, signal_id, waiting.seconds, waiting.reason, patience_s)


async def _resolve(
    connection: Connection, signal_id: str, outcome: Outcome, digest: str | None, cost: Decimal
) -> None:
    status, text, model, reason, sent, made = outcome
    await connection.execute(
        _RESOLVE, signal_id, status, text, model, reason, digest, sent, made, cost
    )


def _key(digest: str) -> int:
    """Return the advisory lock of an input: 63 bits of its hash."""
    return int(digest[:16], 16) >> 1
