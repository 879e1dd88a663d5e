"""What the fetches need of a client: JSON and text by path, limits and retries its own affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class FetchedText(Protocol):
    """Text as it came, with what to send along the next time."""

    @property
    def text(self) -> str:
        """The text; empty where it has not changed."""
        ...

    @property
    def etag(self) -> str | None:
        """What to send as If-None-Match."""
        ...

    @property
    def last_modified(self) -> str | None:
        """What to send as If-Modified-Since."""
        ...

    @property
    def not_modified(self) -> bool:
        """Whether it is the same as the last time."""
        ...


class JsonClient(Protocol):
    """Fetches JSON below an upstream's base URL. UpstreamError where that fails."""

    async def get_json(
        self, path: str, params: Mapping[str, str] | None = None, *, cost: int = 1
    ) -> Any:
        """Return the decoded answer."""
        ...


class TextClient(Protocol):
    """Fetches text by its full address. UpstreamError where that fails."""

    async def get_text(self, url: str, headers: Mapping[str, str] | None = None) -> FetchedText:
        """Return the text."""
        ...
