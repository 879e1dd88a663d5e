"""Publishing to the log: a broker that is away is a 503, never a request that hangs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sinks.bridge.problems import ProblemError

_log = logging.getLogger(__name__)
_LIMIT_S = 10.0


async def publish(publisher: Callable[..., Awaitable[None]] | None, *values: Any) -> None:
    """Publish, and return when the broker has it; 503 otherwise."""
    if publisher is None:
        msg = "This bridge only reads: it was started without a broker to publish to."
        raise ProblemError(503, msg, retry_after_s=2)
    try:
        async with asyncio.timeout(_LIMIT_S):
            await publisher(*values)
    except Exception as error:
        _log.warning("Publishing failed: %s", type(error).__name__, exc_info=True)
        msg = "The broker did not take it; whether it has it is not known. The same again is safe."
        raise ProblemError(503, msg, retry_after_s=2) from error
