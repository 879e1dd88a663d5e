"""A stage with empty tables and topics of its own on the embedded broker and database."""

from __future__ import annotations

import pytest

from tests.integration.sinks.bench import Bench, Rows
from tests.integration.sinks.explanations.rig import Stage


@pytest.fixture
async def stage(bench: Bench, rows: Rows) -> Stage:
    """One deployment."""
    await rows.query("TRUNCATE explanation_budget, explanation_positions")
    return Stage(bench, rows)
