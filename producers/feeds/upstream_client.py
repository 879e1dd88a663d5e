"""One upstream as the feeds use it: a client, and the health that tells how it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from producers.http_client.client import Client
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpstreamClient:
    """A client, its quota, and the health of its upstream."""

    name: str
    client: Client
    quota: Quota
    health: SourceHealth

    async def ask(
        self,
        fetch: Callable[..., Awaitable[T]],
        *args: Any,
        within_s: float = 60.0,
        **options: Any,
    ) -> T | None:
        """Return `fetch(client, *args, **options)`; None when it failed, which its health tells.

        `within_s` bounds it with all its retries and waits, in wall seconds: a cycle must go on.
        """
        try:
            async with asyncio.timeout(within_s):
                answer = await fetch(self.client, *args, **options)
        except UpstreamError as error:
            self.health.failure(error)
            return None
        except TimeoutError:
            text = f"nothing usable came within {within_s:g} s"
            self.health.failure(UpstreamError(self.name, "timeout", text))
            return None
        self.health.success()
        return answer
