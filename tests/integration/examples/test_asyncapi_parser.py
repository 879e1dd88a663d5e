"""The AsyncAPI document, judged by AsyncAPI's own parser and its official JSON schemas."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from quantiva.asyncapi import as_yaml, document
from sinks.bridge.settings import BridgeSettings
from transport.settings import Settings

from .programs import npm_install, run

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("validate_asyncapi.mjs")
DOCUMENT = as_yaml(document(Settings.model_construct(), BridgeSettings.model_construct()))
PACKAGES = {"@asyncapi/avro-schema-parser": "3.0.24", "@asyncapi/parser": "3.6.3"}
MANIFEST = json.dumps({"private": True, "dependencies": PACKAGES})


WRONG = {
    "binding": ("partitions: 4", "partitions: many"),
    "operation": ("action: send", "action: shout"),
    "reference": ("#/components/messages/signal'", "#/components/messages/none'"),
    "server": ("protocol: kafka", "protocols: kafka"),
}

Problems = dict[str, list[dict[str, Any]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def problems(tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Return errors and warnings of the document and of wrong ones, by name.

    The parser takes most of its time to start, so it is started once. Hints, such as a newer
    version of AsyncAPI, are left out.
    """
    packages = npm_install(MANIFEST)
    script = shutil.copy(SCRIPT, packages)
    folder = tmp_path_factory.mktemp("documents")
    texts = {"ours": DOCUMENT, **{name: DOCUMENT.replace(*each, 1) for name, each in WRONG.items()}}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    files = [str(folder / name) for name in texts]
    output, _ = await run("node", script, *files, cwd=folder)
    found = zip(texts, json.loads(output), strict=True)
    return {name: [one for one in each if one["severity"] < 2] for name, each in found}


def test_it_is_valid(problems: Problems) -> None:
    assert problems["ours"] == []


@pytest.mark.parametrize("name", WRONG)
def test_the_parser_finds_what_is_wrong(name: str, problems: Problems) -> None:
    assert WRONG[name][0] in DOCUMENT
    assert problems[name]
