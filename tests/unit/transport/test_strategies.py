"""The strategies' log: what is in force, and what breaks the contract."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.codec import local_codec
from tests.factories import strategy
from transport.settings import Settings
from transport.strategies import Placed, StrategyLog


def record(offset: int, key: str, value: Any) -> Any:
    encoded = None if value is None else local_codec().encode(value)
    return SimpleNamespace(offset=offset, key=key.encode(), value=encoded)


def test_a_wrong_rule_in_the_log_is_told_with_its_place_and_the_older_version_rules(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Mapping[str, Placed]] = []
    log = StrategyLog(Settings(bootstrap="localhost:1"), local_codec(), seen.append)
    good = strategy("mine", entry_rule="RSI < 30")
    bad = replace(good, entry_rule="RSI < 30 AND RIS > 5", version=2)
    worse = replace(strategy("other"), exit_rule="RSI >")
    with caplog.at_level(logging.ERROR):
        log.apply([record(0, "mine", good), record(1, "mine", bad), record(2, "other", worse)])
    assert seen[-1] == {"mine": Placed(good, 0)}
    reason = "entry_rule, line 1, column 14: RIS is not known; did you mean RSI?"
    assert log.refused["mine"].reason == reason
    assert log.refused["other"].reason.startswith("exit_rule, line 1, column 6: the rule ends")
    assert reason in caplog.text
    mended = strategy("other", exit_rule="RSI > 70")
    log.apply([record(3, "other", mended), record(4, "mine", None)])
    assert seen[-1] == {"other": Placed(mended, 3)}
    assert not log.refused
