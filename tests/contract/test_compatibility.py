"""A new version of a schema must read what the released version wrote (BACKWARD).

`schemas/avro/previous/<name>.avsc` is the version that was released last; a schema without that
file is new. A release copies the current files there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from embedded.registry.compatibility import problems
from schemas.contract import STRUCTS, avro_text, schema

Avro = dict[str, Any]


def released(name: str) -> Avro | None:
    """Return the version released last, or None for a new schema."""
    try:
        text = avro_text(name, previous=True)
    except FileNotFoundError:
        return None
    avro: Avro = json.loads(text)
    return avro


def field(avro: Avro, name: str) -> Avro:
    (found,) = (one for one in avro["fields"] if one["name"] == name)
    return dict(found)


def without(avro: Avro, name: str) -> Avro:
    return {**avro, "fields": [one for one in avro["fields"] if one["name"] != name]}


def with_field(avro: Avro, added: Avro) -> Avro:
    return {
        **without(avro, added["name"]),
        "fields": [*without(avro, added["name"])["fields"], added],
    }


@pytest.mark.parametrize("name", STRUCTS)
def test_what_was_released_can_still_be_read(name: str) -> None:
    previous = released(name)
    if previous is None:
        pytest.skip(f"{name} is new: nothing of it was released")
    assert problems(schema(name).avro, previous) == []


def test_some_schema_was_released() -> None:
    """Were the folder lost, every test above would skip and none would fail."""
    assert any(released(name) is not None for name in STRUCTS)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param(
            lambda avro: with_field(avro, {"name": "region", "type": "string"}),
            "region",
            id="a new field without a default",
        ),
        pytest.param(
            lambda avro: with_field(avro, {**field(avro, "closed"), "type": "string"}),
            "closed",
            id="another type",
        ),
        pytest.param(
            lambda avro: with_field(avro, {**field(avro, "published_at"), "type": "long"}),
            "published_at",
            id="null no more",
        ),
        pytest.param(
            lambda avro: with_field(avro, {**field(avro, "open"), "type": "float"}),
            "open",
            id="a narrower number",
        ),
        pytest.param(
            lambda avro: with_field(
                without(avro, "close"), {**field(avro, "close"), "name": "last"}
            ),
            "last",
            id="a new name without an alias",
        ),
    ],
)
def test_a_breaking_change_is_caught(change: Callable[[Avro], Avro], where: str) -> None:
    candle = schema("candle").avro
    found = problems(change(copy.deepcopy(candle)), candle)
    assert len(found) == 1
    assert where in found[0]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda avro: with_field(avro, {"name": "trades", "type": "long", "default": 0}),
            id="a new field with a default",
        ),
        pytest.param(lambda avro: without(avro, "exchange"), id="a field less"),
        pytest.param(
            lambda avro: with_field(avro, {**field(avro, "volume"), "type": ["null", "double"]}),
            id="null from now on",
        ),
        pytest.param(
            lambda avro: with_field(
                without(avro, "close"),
                {**field(avro, "close"), "name": "last", "aliases": ["close"]},
            ),
            id="a new name with an alias",
        ),
        pytest.param(lambda avro: {**avro, "doc": "Another text."}, id="another doc"),
    ],
)
def test_a_harmless_change_passes(change: Callable[[Avro], Avro]) -> None:
    candle = schema("candle").avro
    assert problems(change(copy.deepcopy(candle)), candle) == []
