"""The AsyncAPI document, judged by AsyncAPI's own parser and its official JSON schemas."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from quantiva.asyncapi import as_yaml, document
from sinks.bridge.settings import BridgeSettings
from transport.settings import Settings

from .programs import npm_install, run

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("validate_asyncapi.mjs")
DOCUMENT = as_yaml(document(Settings.model_construct(), BridgeSettings.model_construct()))
PACKAGES = {"@asyncapi/avro-schema-parser": "3.0.24", "@asyncapi/parser": "3.6.3"}
MANIFEST = json.dumps({"private": True, "dependencies": PACKAGES})


async def problems(text: str, folder: Path) -> list[dict[str, Any]]:
    """Return errors and warnings; hints, such as a newer version of AsyncAPI, are left out."""
    packages = npm_install(MANIFEST)
    script = shutil.copy(SCRIPT, packages)
    (folder / "document.yaml").write_text(text, "utf-8")
    output, _ = await run("node", script, str(folder / "document.yaml"), cwd=folder)
    return [one for one in json.loads(output) if one["severity"] < 2]


async def test_it_is_valid(tmp_path: Path) -> None:
    assert await problems(DOCUMENT, tmp_path) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param("partitions: 4", "partitions: many", id="binding"),
        pytest.param("action: send", "action: shout", id="operation"),
        pytest.param(
            "#/components/messages/signal'", "#/components/messages/none'", id="reference"
        ),
        pytest.param("protocol: kafka", "protocols: kafka", id="server"),
    ],
)
async def test_the_parser_finds_what_is_wrong(good: str, bad: str, tmp_path: Path) -> None:
    assert good in DOCUMENT
    assert await problems(DOCUMENT.replace(good, bad, 1), tmp_path)
