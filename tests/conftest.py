"""Fixtures that every kind of test shares. Builders live in factories beside their tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ["COLUMNS"] = "100"  # what the commands print does not depend on where the tests run


def skip_or_fail(reason: str, variable: str) -> None:
    """Skip with the reason, or fail where the environment says that the part must be there."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{reason} ({variable}=1 makes this a failure)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the directory of recorded market data."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        skip_or_fail("no recorded data directory beside the project", "QUANTIVA_REQUIRE_SHARED")
    return path
