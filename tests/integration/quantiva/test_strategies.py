"""`quantiva strategies show` on a broker: what was published last, and what was deleted not."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from quantiva.commands.strategies import app
from schemas.topics import STRATEGIES
from tests.factories import strategy
from tests.integration.quantiva.conftest import Platform

pytestmark = pytest.mark.embedded


def test_show(platform: Platform) -> None:
    mine = strategy("mine", weights={"technical": 0.5}, version=2)
    for name, one in {"mine": mine, "plain": strategy("plain"), "gone": strategy("gone")}.items():
        platform.publish(STRATEGIES.name, one, key=name.encode())
    platform.publish(STRATEGIES.name, None, key=b"gone")
    runner = CliRunner()
    every = runner.invoke(app, ["show"])
    assert every.exit_code == 0, every.output
    assert [line.partition(":")[0] for line in every.output.splitlines() if line[0] != " "] == [
        "mine",
        "plain",
    ]
    own = " ".join(runner.invoke(app, ["show", "mine"]).output.split())
    assert "version 2" in own
    assert "weights: sentiment 0, technical 0.5, fundamental 0" in own
    assert runner.invoke(app, ["show", "gone"]).exit_code == 1
