"""Fixtures that every kind of test shares. Events are built by `tests/factories.py`.

Brokers are started when the first test asks for them, once for each process of pytest-xdist. Every
test has topics and groups of its own (a prefix), so that nothing but the start is shared.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from embedded.broker import Broker
from embedded.kafka import ApacheKafka, find_kafka
from embedded.stack import Stack

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
STARTS_S = 180.0
"""A part that has not started after this time never will; a busy machine is quicker."""
# A shell that starts the tests in the background has SIGINT ignored, and children inherit that: no
# program under test would end on Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["COLUMNS"] = "100"  # what the commands print does not depend on where the tests run

# A busy machine may take its time over an example; on CI everybody gets the same ones. Tests that
# do not say how many they want get few in the suite, and many in `make soak`.
_SLOWLY: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", max_examples=50, **_SLOWLY)
settings.register_profile("soak", max_examples=500, **_SLOWLY)
settings.register_profile("ci", max_examples=50, derandomize=True, print_blob=True, **_SLOWLY)
settings.load_profile("ci" if os.environ.get("CI") else "suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests first, so that no process waits for the other one's last.

    Neighbours in a folder are alike: all that play the market at 600 times its pace at once would
    be too much for two cores. So every fifth file comes next.
    """
    slow = sorted({item.path for item in items if item.get_closest_marker("slow")})
    places = {path: n for n, path in enumerate(p for first in range(5) for p in slow[first::5])}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def skip_or_fail(reason: str, variable: str) -> None:
    """Skip with the reason, or fail where the environment says that the part must be there."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{reason} ({variable}=1 makes this a failure)")
    pytest.skip(reason)


def slowdown() -> float:
    """Return how much longer work takes than on an idle machine: 1 there, 2 when it shares."""
    wall_s, cpu_s = time.perf_counter(), time.thread_time()
    while time.thread_time() - cpu_s < 0.1:
        sum(range(1000))
    return (time.perf_counter() - wall_s) / 0.1


class Background:
    """An event loop in a thread, for parts that outlive the event loop of a test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STARTS_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    loop = Background()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def tansu_address(background: Background) -> Iterator[str]:
    """The address of an embedded broker."""
    broker = Broker()
    yield background.run(broker.start())
    background.run(broker.stop())


@pytest.fixture(scope="session")
def kafka_address(background: Background) -> Iterator[str]:
    """The address of an Apache Kafka; who kills it starts one of their own."""
    if "KAFKA_BOOTSTRAP_SERVERS" in os.environ:
        yield os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        return
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka beside the project (or no java)", "QUANTIVA_REQUIRE_KAFKA")
    broker = ApacheKafka()
    yield background.run(broker.start())
    background.run(broker.stop())


@pytest.fixture(scope="session")
def embedded_parts(background: Background) -> Iterator[dict[str, str]]:
    """The environment of an embedded broker, database and registry, and a short session."""
    stack = Stack(fast=True)
    background.run(stack.start())
    yield {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}
    background.run(stack.stop())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the directory of recorded market data."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        skip_or_fail("no recorded data directory beside the project", "QUANTIVA_REQUIRE_SHARED")
    return path
