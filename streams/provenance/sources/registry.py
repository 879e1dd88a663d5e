"""Schema texts out of a registry.

Not with Confluent's client: that takes a quarter of a second to import, and all that is needed is
one GET request an id.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from schemas.address import shown
from streams.provenance.sources.base import SourceError

_TIMEOUT_S = 5.0


async def schema(url: str, schema_id: int) -> str | None:
    """Return a schema's text, None when the registry has no such id. Raises SourceError."""
    return await asyncio.to_thread(_get, url, schema_id)


def _get(url: str, schema_id: int) -> str | None:
    try:
        request = _request(url, f"schemas/ids/{schema_id}")
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the operator's own URL
            return str(json.load(answer)["schema"])
    except HTTPError as error:
        if error.code == 404:
            return None
        reason = f"answers {error.code}"
    except (OSError, ValueError, KeyError, TypeError):
        reason = "does not answer"
    msg = f"the schema registry at {shown(url)} {reason}"
    raise SourceError(msg)


def _request(url: str, path: str) -> Request:
    """Return the request; user and password of the URL go into a header, as clients do."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=host, path=f"{parts.path.rstrip('/')}/{path}").geturl()
    request = Request(bare, headers={"Accept": "application/vnd.schemaregistry.v1+json"})  # noqa: S310
    if at:
        token = b64encode(unquote(user).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    return request
