"""Topics of its own for each test, on the broker that the sinks' tests share."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from tests.integration.sinks.bench import create_topics
from tests.integration.sinks.bridge.fixtures import Site

_numbers = itertools.count()


@pytest.fixture
async def site(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Topics on the embedded broker."""
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    site = Site(bootstrap, f"bridge{next(_numbers)}.")
    await create_topics(bootstrap, site.settings.prefix)
    await site.start()
    yield site
    await site.stop()
