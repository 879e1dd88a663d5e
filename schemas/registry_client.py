"""The project's schemas in a Confluent schema registry, and unknown ids out of it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from base64 import b64encode
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from schemas.codec import Codec, UnknownSchemaError
from schemas.contract import STRUCTS, schema
from schemas.redact import conceal, shown

_log = logging.getLogger(__name__)
_RETRY_UNKNOWN_S = 30.0
_TIMEOUT_S = 10.0


class RegistryError(RuntimeError):
    """The registry cannot be used; the text has its address and the cause."""


def client_options(url: str, timeout_s: float) -> dict[str, Any]:
    """Return what Confluent's client wants of an address.

    Its HTTP library logs every address that it asks, so user and password go beside it.
    ValueError for an address that is none.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    options = {"url": parts._replace(netloc=host).geturl(), "timeout": timeout_s}
    if user:
        name, _, password = user.partition(":")
        options["basic.auth.user.info"] = f"{unquote(name)}:{unquote(password)}"
    return options


class Registry:
    """Registers every schema of the contract and makes the codec that goes with the ids.

    Requests block, so they run in a thread. No error and no log shows a user or a password of the
    address. Raises RegistryError for an address that is none.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._shown = shown(url)
        if not _is_http(url):
            msg = f"schema registry {self._shown}: set SCHEMA_REGISTRY_URL to http://host:port"
            raise RegistryError(msg)
        self._unknown_until: dict[int, float] = {}
        self._absent_until: dict[int, float] = {}

    async def codec(self, subjects: dict[str, str]) -> Codec:
        """Register the schemas under their subjects (`<topic>-value`) and return the codec.

        `subjects` maps schema name to subject. Raises RegistryError when the registry cannot be
        reached or refuses a schema as incompatible.
        """
        return Codec(await asyncio.to_thread(self._register, subjects))

    def _register(self, subjects: dict[str, str]) -> dict[str, int]:
        # 0.3 s to import: not for those who only read.
        from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

        client = SchemaRegistryClient(client_options(self._url, _TIMEOUT_S))
        ids = {}
        for name in STRUCTS:
            subject = subjects.get(name, f"{name}-value")
            try:
                ids[name] = client.register_schema(subject, Schema(schema(name).text, "AVRO"))
            except Exception as error:
                refusal = self._error(f"does not take {subject}", error)
                raise refusal from error
        return ids

    async def resolve(self, codec: Codec, unknown: UnknownSchemaError) -> bool:
        """Teach the codec an id it did not know; False if the registry has no such schema of ours.

        Raises RegistryError when the registry does not answer: the caller waits, it does not drop.
        """
        schema_id = unknown.schema_id
        if self._unknown_until.get(schema_id, 0.0) > time.monotonic():
            return False
        text = await self.text(schema_id)
        if text is not None and codec.learn(schema_id, text):
            _log.info("learned schema id %d from %s", schema_id, self._shown)
            return True
        self._unknown_until[schema_id] = time.monotonic() + _RETRY_UNKNOWN_S
        return False

    async def text(self, schema_id: int) -> str | None:
        """Return the text of any registered schema; None when the registry has no such id.

        The registry is asked again about an absent id after 30 s. Raises RegistryError when it
        does not answer.
        """
        if self._absent_until.get(schema_id, 0.0) > time.monotonic():
            return None
        text = await asyncio.to_thread(self._fetch, schema_id)
        if text is None:
            self._absent_until[schema_id] = time.monotonic() + _RETRY_UNKNOWN_S
        return text

    def _fetch(self, schema_id: int) -> str | None:
        try:
            request = _request(self._url, f"schemas/ids/{schema_id}")
            with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked in __init__
                return str(json.load(answer)["schema"])
        except HTTPError as error:
            if error.code == 404:
                return None
            refusal = self._error("refuses", error)
            raise refusal from error
        except (HTTPException, OSError, ValueError, KeyError, TypeError) as error:
            refusal = self._error("does not answer", error)
            raise refusal from error

    def _error(self, what: str, error: Exception) -> RegistryError:
        said = conceal(str(error), self._url)
        return RegistryError(f"schema registry {self._shown} {what}: {said}")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _request(url: str, path: str) -> Request:
    """Return a request; user and password of the address go into a header, as clients do."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=host, path=f"{parts.path.rstrip('/')}/{path}").geturl()
    request = Request(bare, headers={"Accept": "application/vnd.schemaregistry.v1+json"})  # noqa: S310
    if user:
        token = b64encode(unquote(user).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    return request
