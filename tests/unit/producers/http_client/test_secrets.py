"""Whatever an upstream does, and whatever the key is: nobody reads it."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import traceback
from collections.abc import Iterator

import aiohttp
import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.http_client.client import Client
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Upstream
from tests.unit.producers.http_client.harness import Reply, Server, StepClock, serving, upstream

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+/=%&?#:,\"'\\"
PART = 8  # so much of a key is a leak too


def echo(secret: str, shape: int, status: int, before: int) -> Reply:
    """Return an answer that repeats the key in one of the ways that servers do."""
    noise = "~" * before
    bodies = [
        orjson.dumps({"error": f"{noise} bad key {secret} given"}),
        orjson.dumps({"status": {"error_message": f"{noise}{secret}"}}),
        orjson.dumps({"message": f"/x?token={secret}&page=1 {noise}"}),
        f"<html>{secret}</html>".encode(),
        f'{{"data": ["{noise}{secret}'.encode(),
        secret.encode(),
    ]
    headers = {"X-Echo": secret, "Location": f"/x?token={noise}"}
    return Reply(status, bodies[shape % len(bodies)], headers, halves=shape == 6, aborts=shape == 7)


def told(error: BaseException) -> Iterator[str]:
    """Yield all that a log of an error may show, its causes and contexts among it."""
    seen: BaseException | None = error
    while seen is not None:
        yield str(seen)
        yield repr(seen)
        yield repr(vars(seen))
        seen = seen.__cause__ or seen.__context__
    yield from traceback.format_exception(error)


class Harness:
    """A server and a session that live as long as the test, on a loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = StepClock()
        self._serving = serving(self.clock)
        self.server: Server = self.loop.run_until_complete(self._serving.__aenter__())
        self.session = self.loop.run_until_complete(self._session())

    async def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    def close(self) -> None:
        self.loop.run_until_complete(self.session.close())
        self.loop.run_until_complete(self._serving.__aexit__(None, None, None))
        self.loop.close()

    def fail(self, source: Upstream, secret: str, url: str) -> list[str]:
        """Ask with the key; return all that is told of the failure, [] if it went well."""
        quota = Quota(source.limits, self.clock)
        client = Client(source, self.session, quota, self.clock, base_url=url, secret=secret)
        health = SourceHealth(source.name, ("news",), quota, self.clock)
        texts = [repr(client), repr(vars(client)), repr(health)]
        try:
            self.loop.run_until_complete(client.get_json("/x", {"q": 1}))
        except UpstreamError as error:
            health.failure(error)
            texts += told(error)
        texts.append(repr(msgspec.to_builtins(health.status())))
        return texts


@pytest.fixture
def harness() -> Iterator[Harness]:
    harness = Harness()
    yield harness
    harness.close()


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.args)]
        if record.exc_info and record.exc_info[1] is not None:
            self.texts += told(record.exc_info[1])


@pytest.fixture
def records() -> Iterator[Records]:
    """Collect every log record of the process, of whatever logger and level."""
    root, handler = logging.getLogger(), Records()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(chance=st.randoms(use_true_random=True))  # even; words of the code are no secrets
def test_no_error_and_no_log_record_has_the_key(
    harness: Harness, records: Records, chance: random.Random
) -> None:
    secret = "".join(chance.choices(ALPHABET, k=chance.randint(10, 40)))
    name = chance.choice(["lunarcrush", "coingecko", "cryptonews", "coinmarketcal"])
    status = chance.choice([200, 200, 200, 301, 400, 401, 403, 404, 418, 422, 429, 500, 503])
    harness.server.default = echo(secret, chance.randrange(8), status, chance.randrange(220))
    url = harness.server.url if chance.random() < 0.9 else "http://127.0.0.1:1"
    records.texts.clear()
    texts = harness.fail(upstream(name), secret, url)
    everything = "\n".join(texts + records.texts).lower()
    encoded = base64.b64encode(secret.encode()).decode().lower()
    parts = [secret.lower()[start : start + PART] for start in range(len(secret) - PART + 1)]
    for form in (*parts, encoded, repr(secret)[1:-1].lower()):
        assert form not in everything


def test_the_check_itself(harness: Harness, records: Records) -> None:
    """The records are seen, and what a server says is told: a check of nothing proves nothing."""
    harness.server.default = Reply(503, b'{"error": "maintenance until noon"}')
    texts = harness.fail(upstream(), "k3y-of-this-test", harness.server.url)
    assert any("maintenance until noon" in text for text in texts)
    assert any("maintenance until noon" in text for text in records.texts)
    assert harness.server.seen[-1].request.headers["Authorization"] == "Bearer k3y-of-this-test"
