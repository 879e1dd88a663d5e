"""The tree of constants: what can be set, what is refused, and its version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quantiva.commands.settings import reference
from streams import settings_tree
from streams.settings_tree import SettingsError, changed, defaults, settings, version

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = defaults()


def value(tree: Any, name: str) -> Any:
    return next(one.value for one in settings(tree) if one.name == name)


def test_every_engine_and_stage_is_a_section() -> None:
    assert list(SHIPPED) == [
        *("sentiment", "technical", "fundamental", "event_risk", "liquidity"),
        *("headlines", "fusion", "sizing", "fills", "ranking"),
    ]


def test_every_setting_has_a_range_and_a_meaning() -> None:
    page = reference()
    for one in settings(SHIPPED):
        assert one.range, one.name
        row = next(
            line for line in page.splitlines() if line.startswith(f"| `{one.name.split('.')[-1]}`")
        )
        assert not row.endswith("|  |"), f"{one.name} has no docstring"


def test_the_reference_page_is_the_one_that_is_committed() -> None:
    committed = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert committed == reference(), "quantiva settings --markdown > docs/settings.md"


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        pytest.param(
            {"liquidity": {"size_levels": 20}}, "liquidity.size_levels", 20, id="a number"
        ),
        pytest.param({"liquidity": {"size_levels": "20"}}, "liquidity.size_levels", 20, id="text"),
        pytest.param({"fusion": {"max_pending": 5}}, "fusion.max_pending", 5, id="a stage's"),
        pytest.param(
            {"technical": {"trend": {"rsi14_points": 25}}},
            "technical.trend.rsi14_points",
            25.0,
            id="nested",
        ),
        pytest.param(
            {"liquidity": {"slippage_bps": [100, 2]}},
            "liquidity.slippage_bps",
            (100.0, 2.0),
            id="a pair",
        ),
        pytest.param(
            {"sizing": {"diversification": {"group_of_asset": {"NEWCOIN": "layer1"}}}},
            None,
            None,
            id="a new key",
        ),
        pytest.param({}, "liquidity.size_levels", 10, id="nothing"),
    ],
)
def test_what_can_be_set(changes: Any, name: str | None, expected: Any) -> None:
    tree = changed(SHIPPED, changes)
    if name is not None:
        assert value(tree, name) == expected
    assert (version(tree) == version(SHIPPED)) == (changes == {})
    assert value(SHIPPED, "liquidity.size_levels") == 10, "what ships is never changed"


def test_a_table_is_merged() -> None:
    tree = changed(SHIPPED, {"event_risk": {"categories": {"delisting": [-2.5, 0.5, 1]}}})
    categories = value(tree, "event_risk.categories")
    assert categories["delisting"].direction == -2.5
    assert len(categories) == len(value(SHIPPED, "event_risk.categories"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"liquidty": {}}, "did you mean liquidity", id="no section"),
        pytest.param(
            {"liquidity": {"size_level": 1}}, "did you mean liquidity.size_levels", id="misspelt"
        ),
        pytest.param({"liquidity": 5}, "it is a section", id="a section"),
        pytest.param(
            {"technical": {"trend": 5}}, "technical.trend is 5; it is a section", id="a nested one"
        ),
        pytest.param({"liquidity": {"size_levels": 0}}, "whole number from 1", id="below"),
        pytest.param({"liquidity": {"size_levels": 2.5}}, "liquidity.size_levels = 2.5", id="half"),
        pytest.param({"liquidity": {"size_levels": "many"}}, "liquidity.size_levels", id="words"),
        pytest.param({"liquidity": {"slippage_bps": [1]}}, "liquidity.slippage_bps", id="one of 2"),
        pytest.param({"liquidity": {"slippage_bps": [2, 2]}}, "must differ", id="the same twice"),
        pytest.param({"liquidity": {"month_days": float("nan")}}, "month_days", id="NaN"),
        pytest.param({"liquidity": {"month_days": float("inf")}}, "month_days", id="infinite"),
        pytest.param({"event_risk": {"calm_score": 1.0}}, "from 0 below 1", id="an open end"),
        pytest.param({"sentiment": {"half_life_ms": 0}}, "above 0", id="no range of its own"),
        pytest.param({"sentiment": {"half_life_ms": -1.0}}, "above 0", id="negative"),
        pytest.param({"sizing": {"trend_weight": 0.9}}, "more than 1", id="together"),
        pytest.param(
            {"event_risk": {"categories": {"rumour": [0, 0, 0]}}}, "'rumour' is none of", id="a key"
        ),
        pytest.param(
            {"event_risk": {"categories": {"burn": [99, 0, 0]}}},
            "event_risk.categories",
            id="in it",
        ),
        pytest.param({"technical": {"fresh_ms": [1, 2, 3]}}, "no setting", id="computed"),
    ],
)
def test_what_is_refused(changes: Any, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        changed(SHIPPED, changes)
    assert said in str(raised.value)


def test_the_version_is_of_the_values_alone() -> None:
    again = changed(SHIPPED, {"liquidity": {"size_levels": 10}})
    assert version(again) == version(SHIPPED)
    assert len(version(SHIPPED)) == 12


def printed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quantiva.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        cwd=ROOT,
    )


def test_file_and_environment(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[liquidity]\nsize_levels = 20\nmonth_days = 10\n", "utf-8")
    said = printed(
        "settings",
        "liquidity",
        QUANTIVA_SETTINGS=str(path),
        QUANTIVA__LIQUIDITY__SIZE_LEVELS="30",
        QUANTIVA__TECHNICAL__TREND__STILL_SHARE="1e-8",
    )
    assert said.returncode == 0, said.stderr
    assert "liquidity.size_levels = 30" in said.stdout
    assert "by default 10" in said.stdout
    assert "liquidity.month_days = 10" in said.stdout
    assert settings_tree.version(SHIPPED) not in said.stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"QUANTIVA__LIQUIDITY__SIZE_LEVEL": "3"}, "did you mean", id="misspelt"),
        pytest.param({"QUANTIVA_SETTINGS": "/no/such.toml"}, "cannot be read", id="no file"),
        pytest.param({"QUANTIVA__LIQUIDITY": "3"}, "it is a section", id="a section"),
    ],
)
def test_what_is_wrong_ends_the_command_with_a_sentence(
    environment: dict[str, str], said: str
) -> None:
    result = printed("settings", **environment)
    assert result.returncode == 2
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_score_and_a_stage_take_what_is_set() -> None:
    code = (
        "from streams.topology import stage\n"
        "one = stage('liquidity')\n"
        "print(one.engine.config.size_levels, one.settings, stage('fusion').config.max_pending)\n"
    )
    environment = {**os.environ, "QUANTIVA__LIQUIDITY__SIZE_LEVELS": "30"}
    environment["QUANTIVA__FUSION__MAX_PENDING"] = "7"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment,
        cwd=ROOT,
    ).stdout.split()  # fmt: skip
    assert (shown[0], shown[2]) == ("30", "7")
    assert shown[1] != version(SHIPPED)
    assert len(shown[1]) == 12
