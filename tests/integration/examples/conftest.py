"""What the examples need: node packages, and a platform that makes real signals."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from .programs import EXAMPLES, npm_install
from .running import Market, running_platform


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_market(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    """A platform that has run two cycles of a market of three assets."""
    async with running_platform(tmp_path_factory.mktemp("examples")) as running:
        yield running


@pytest.fixture
def javascript_consumer() -> Path:
    """The JavaScript consumer in a folder of its own, with its packages."""
    folder = npm_install((EXAMPLES / "javascript_consumer" / "package.json").read_text("utf-8"))
    shutil.copy(EXAMPLES / "javascript_consumer" / "consumer.js", folder)
    return folder
