"""Tokens: how they are read, found and refused; none is ever in a text."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sinks.bridge.auth import Principal, Role
from sinks.bridge.auth.errors import ForbiddenError
from sinks.bridge.auth.tokens import Tokens
from sinks.bridge.settings import BridgeSettings

LONG = "a-token-that-is-long-enough"
DESK = {"name": "desk", "role": "trader"}


def tokens(found: Any, **changes: Any) -> Tokens:
    text = found if isinstance(found, str) else json.dumps(found)
    return Tokens.of(BridgeSettings(tokens=text, **changes))


@pytest.mark.parametrize(
    ("written", "sent", "known"),
    [
        pytest.param(LONG, LONG, True, id="plain"),
        pytest.param(f"sha256:{sha256(LONG.encode()).hexdigest()}", LONG, True, id="its hash"),
        pytest.param(
            f"sha256:{sha256(LONG.encode()).hexdigest()}",
            f"sha256:{sha256(LONG.encode()).hexdigest()}",
            False,
            id="the hash is no token",
        ),
        pytest.param(LONG, LONG + "x", False, id="longer"),
        pytest.param(LONG, "\udcff", False, id="no text"),
    ],
)
def test_a_token_is_found(written: str, sent: str, known: bool) -> None:
    assert (tokens({written: DESK}).find(sent) == Principal("desk", Role.TRADER)) == known


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param("{", "must be JSON", id="no JSON"),
        pytest.param({LONG: {"name": "desk", "role": "owner"}}, "viewer, trader and admin", id="r"),
        pytest.param({LONG: {"name": "", "role": "admin"}}, "empty name", id="no name"),
        pytest.param({LONG: {"name": "d"}}, "role", id="no role"),
        pytest.param({"short": DESK}, "16 or more", id="short"),
    ],
)
def test_what_is_wrong_is_said_without_the_token(found: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        tokens(found)
    assert LONG not in str(caught.value)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"], ids=["plain", "with a mark"])
def test_a_file_is_read_beside_the_variable(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"b" * 20: {"name": "file", "role": "viewer"}}), encoding)
    both = tokens({LONG: DESK}, tokens_file=path)
    assert both.find("b" * 20) == Principal("file", Role.VIEWER)
    assert both.find(LONG) == Principal("desk", Role.TRADER)
    with pytest.raises(ValueError, match="cannot be read") as caught:
        tokens({}, tokens_file=tmp_path / "absent.json")
    assert str(tmp_path) not in str(caught.value)


def test_nothing_set_lets_nobody_in() -> None:
    assert Tokens.of(BridgeSettings()).find("") is None


def test_settings_do_not_show_tokens() -> None:
    assert LONG not in repr(BridgeSettings(tokens=json.dumps({LONG: DESK})))


def test_bridges_with_the_same_tokens_have_the_same_key() -> None:
    one, other = {LONG: DESK, "c" * 20: DESK}, {"c" * 20: DESK, LONG: DESK}
    assert tokens(one).key() == tokens(other).key()
    assert tokens(one).key() != tokens({LONG: DESK}).key()


@pytest.mark.parametrize("has", list(Role))
@pytest.mark.parametrize("needed", list(Role))
def test_roles_contain_each_other(has: Role, needed: Role) -> None:
    order = ["viewer", "trader", "admin"]
    principal = Principal("somebody", has)
    if order.index(has) >= order.index(needed):
        principal.require(needed)
    else:
        with pytest.raises(ForbiddenError, match=needed):
            principal.require(needed)
