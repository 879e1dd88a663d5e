"""`quantiva strategies` on a broker: files are applied once, changes are versions, and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from quantiva.commands.strategies import app
from schemas.strategy_files import read_strategies
from schemas.topics import CANDLES, SCORES, STRATEGIES
from tests.factories import START_MS, candle, strategy
from tests.integration.quantiva.conftest import Platform
from tests.unit.streams.fusion.fusion_factories import answers

pytestmark = pytest.mark.embedded
MINE = """\
# mine
strategy_id: mine
name: Mine
assets: [BTC]
buy_threshold: 0.4
---
strategy_id: other
name: Other
user_id: alice
"""


def run(*arguments: str, status: int = 0) -> str:
    """Return what a command prints, in one line of single spaces."""
    found: Any = CliRunner().invoke(app, arguments)
    assert found.exit_code == status, found.output
    return " ".join(found.output.split())


def test_show(platform: Platform) -> None:
    mine = strategy("mine", weights={"technical": 0.5}, version=2)
    for name, one in {"mine": mine, "plain": strategy("plain"), "gone": strategy("gone")}.items():
        platform.publish(STRATEGIES.name, one, key=name.encode())
    platform.publish(STRATEGIES.name, None, key=b"gone")
    found = CliRunner().invoke(app, ["show"])
    assert found.exit_code == 0, found.output
    lines = [line for line in found.output.splitlines() if line[0] != " "]
    assert [line.partition(":")[0] for line in lines] == ["mine", "plain"]
    own = run("show", "mine")
    assert "version 2" in own
    assert "weights: sentiment 0, technical 0.5, fundamental 0" in own
    assert "there is no strategy gone" in run("show", "gone", status=1)


def test_a_file_is_applied_once_and_its_changes_are_versions(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    assert "there are no strategies" in run("list")
    assert "mine: version 1, new" in run("diff", str(file), status=1)
    assert "there are no strategies" in run("list"), "diff saves nothing"
    assert "other: version 1, new" in run("apply", str(file), "--author", "bob")
    assert run("apply", str(file)) == "mine: unchanged other: unchanged"
    assert run("diff", str(file)) == "mine: unchanged other: unchanged"
    file.write_text(MINE.replace("0.4", "0.5"))
    changed = "mine: version 2 buy_threshold: 0.4 -> 0.5 other: unchanged"
    assert run("diff", str(file), status=1) == changed
    assert run("apply", str(file), "--author", "carol") == changed
    assert "mine 2 yes admin BTC" in run("list")
    assert "other 1 yes alice all" in run("list")
    said = run("history", "mine")
    assert "no database is configured (DATABASE_URL): this is what control.strategies" in said
    assert "version 2 by carol buy_threshold: 0.4 -> 0.5" in said
    assert said.endswith("version 1 by bob")
    out = tmp_path / "out.yaml"
    out.write_text(CliRunner().invoke(app, ["show", "--yaml"]).output)
    assert read_strategies(out) == read_strategies(file)


def test_what_is_wrong_saves_nothing(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE.replace("name: Other", "nam: Other"))
    assert "mine.yaml:8: nam is no field of a strategy; did you mean" in run(
        "apply", str(file), status=2
    )
    assert run("apply", str(tmp_path / "none.yaml"), status=2)
    assert "there are no strategies" in run("list")


def test_a_strategy_is_switched_off_and_on_and_deleted(platform: Platform) -> None:
    platform.publish(STRATEGIES.name, strategy("mine"), key=b"mine")
    assert run("disable", "mine") == "mine: version 2, not active"
    assert run("disable", "mine") == "mine: not active already"
    assert run("enable", "mine") == "mine: version 3, active"
    assert "nobody can be asked here" in run("delete", "mine", status=2)
    assert run("delete", "mine", "--yes") == "mine: deleted"
    assert "there is no strategy mine" in run("enable", "mine", status=1)
    assert "deleted" in run("history", "mine").split("may be gone")[1].split("version")[0]
    assert "there was none" in run("history", "never", status=1)


def test_one_that_breaks_the_contract_is_said_and_can_be_mended(
    platform: Platform, tmp_path: Path
) -> None:
    """The contract of today refuses what that of yesterday took."""
    broken = msgspec.structs.replace(strategy("mine", version=5), buy_threshold=7.0)
    platform.publish(STRATEGIES.name, platform.codec.encode(broken), key=b"mine")
    assert "mine is not used: buy_threshold 7.0 is not in -1 to 1" in run("list")
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    assert "mine: version 6" in run("apply", str(file))
    assert "not used" not in run("list")


def test_the_prebuilt_ones_are_published_once_and_changes_of_them_stay(platform: Platform) -> None:
    old = strategy("momentum", updated_at=1_767_225_600_000)
    platform.publish(STRATEGIES.name, old, key=b"momentum")
    said = run("publish")
    assert "defensive: version 1" in said
    assert "momentum: version 2, not active" in said
    assert run("publish") == "the pre-built strategies are there already"
    run("disable", "defensive", "--author", "alice")
    assert run("publish") == "the pre-built strategies are there already"
    assert "defensive 2 no admin all" in run("list")


def test_a_rule_is_checked_on_what_the_platform_knows(platform: Platform) -> None:
    scores = answers({"technical": 0.5, "sentiment": 0.2})
    platform.publish(SCORES.name, *scores)
    said = run("check", "TECHNICAL > 0.4 AND SENTIMENT > 0.3 OR RSI@4h < 30", "--asset", "BTC")
    assert "nothing held: unknown true TECHNICAL > 0.4 TECHNICAL 0.5" in said
    assert "false SENTIMENT > 0.3 SENTIMENT 0.2 unknown RSI14@4h < 30 RSI14@4h missing" in said
    assert "has no score of ETH" in run("check", "RSI < 30", "--asset", "ETH", status=1)
    assert "column 1: RIS is not known" in run("check", "RIS < 30", status=1)


def test_indicators_that_no_strategy_names_are_computed_from_the_log(platform: Platform) -> None:
    hour_ms = 3_600_000
    candles = [candle("BTC", START_MS + n * hour_ms, price=100.0 + n) for n in range(30)]
    platform.publish(CANDLES.name, *candles)
    platform.publish(SCORES.name, *answers({"technical": 0.5}))
    said = run("check", "SMA(5) CROSSES_ABOVE 126.5 AND VOLUME = 5 AND SMA(6)@4h > 1")
    assert "nothing held: unknown true SMA(5)@1h CROSSES_ABOVE 126.5 " in said
    assert "SMA(5)@1h 127 (before: 126) true VOLUME@1h = 5 VOLUME@1h 5" in said
    assert "SMA(6)@4h missing" in said
