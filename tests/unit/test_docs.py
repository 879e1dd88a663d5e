"""The documentation says what is there: links, commands, variables, and code that works."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import typer.main
from pydantic_settings import BaseSettings

from producers.feeds.articles import articles
from producers.settings import SourceSettings
from quantiva.cli import app
from schemas.validation import problem
from sinks.bridge.settings import BridgeSettings
from sinks.explanations.settings import ExplanationSettings
from streams.engines.base import Engine
from streams.headlines.model import HeadlineModelSettings
from streams.settings_tree import FILE, PREFIX, defaults, settings
from tests.conftest import ROOT
from tests.contract.sink_samples import record, signal
from tests.unit.streams.engines._market import START_MS, make_book, make_tick
from tests.unit.test_architecture import PACKAGES
from transport.settings import Settings

PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
EARLY = {"QUANTIVA_LOG", "QUANTIVA_LOG_FILE_MB", "QUANTIVA_BROKER"}
"""Variables that are read without Settings: before there are any, or in every process alike."""
TREES: tuple[type[BaseSettings], ...] = (
    Settings,
    SourceSettings,
    BridgeSettings,
    ExplanationSettings,
    HeadlineModelSettings,
)
DOCUMENTED = ("docs/configuration.md", ".env.example")
"""The files that name every variable of every tree of settings."""
NEW = {"streams.engines.pressure", "producers.upstreams.wire", "sinks.sqlite"}
"""Modules that the recipes add."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language, "" for none."""
    text = (ROOT / page).read_text("utf-8")
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", (ROOT / page).read_text("utf-8"))


def known_variables() -> set[str]:
    """Return every environment variable that the project reads."""
    return EARLY.union({FILE}, *(variables(settings) for settings in TREES))


def variables(settings: type[BaseSettings]) -> set[str]:
    """Return the environment variables of a tree of settings."""
    prefix = settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name.upper()}")
        for name, field in settings.model_fields.items()
    }


def wrong_command(words: list[str]) -> str | None:
    """Return what the command line does not know of `quantiva WORDS`, or None."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "commands"):
        name = rest.pop(0) if rest else "(none)"
        name = getattr(command, "default", name) if name.startswith('"') else name
        if name not in command.commands:
            return f"no command {name!r}"
        command = command.commands[name]
    options = {
        option for param in command.params for option in (*param.opts, *param.secondary_opts)
    }
    unknown = [word for word in rest if word.startswith("--") and word not in options]
    return f"no option {unknown[0]}" if unknown else None


def commands(page: str) -> Iterator[str]:
    """Yield what follows `quantiva` in the code spans and shell blocks of a page."""
    yield from re.findall(r"`quantiva ([a-z][^`|]*)`", prose(page))
    for block in (*blocks(page, "sh"), *blocks(page, "")):
        yield from re.findall(r"^(?:\$ )?quantiva ([^#\n]*)", block, re.MULTILINE)


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a module of a recipe's first block."""

    def make(page: str, name: str) -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(blocks(page, "python")[0], "utf-8")
        spec = importlib.util.spec_from_file_location(f"recipe_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        spec.loader.exec_module(module)
        return module

    return make


@pytest.mark.parametrize("page", NAMES)
def test_relative_links_and_anchors_resolve(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)", prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), f"{page} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page} links to {target}#{anchor}"


@pytest.mark.parametrize("page", NAMES)
def test_every_command_is_one_of_the_command_line(page: str) -> None:
    wrong = {text: said for text in commands(page) if (said := wrong_command(text.split()))}
    assert not wrong


def test_the_readme_names_every_command() -> None:
    named = {text.split()[0] for text in commands("README.md")}
    assert named == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("status --json", None, id="right"),
        pytest.param("topics create", None, id="right in a group"),
        pytest.param("stats", "no command 'stats'", id="command"),
        pytest.param("topics make", "no command 'make'", id="command in a group"),
        pytest.param("status --jason", "no option --jason", id="option"),
    ],
)
def test_the_check_of_commands_itself(line: str, said: str | None) -> None:
    assert wrong_command(line.split()) == said


@pytest.mark.parametrize("page", [*NAMES, ".env.example", "Dockerfile", "docker-compose.kafka.yml"])
def test_every_variable_is_read_by_the_project(page: str) -> None:
    found = set(re.findall(r"\bQUANTIVA_[A-Z_]+\b", (ROOT / page).read_text("utf-8")))
    constants = {name for name in found if name.startswith(PREFIX)}
    known = {f"{PREFIX}{one.name.upper().replace('.', '__')}" for one in settings(defaults())}
    assert constants <= known | {"QUANTIVA__SECTION__NAME"}
    assert found - constants <= known_variables()


@pytest.mark.parametrize("page", DOCUMENTED)
@pytest.mark.parametrize("settings", TREES)
def test_every_setting_is_documented(settings: type[BaseSettings], page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    missing = [name for name in variables(settings) if not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_every_tree_of_settings_is_known_here() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = re.findall(
        r"^class (\w+)\(BaseSettings\)",
        "".join(path.read_text("utf-8") for path in sources),
        re.MULTILINE,
    )
    assert sorted(found) == sorted(tree.__name__ for tree in TREES)


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 250
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    assert all(path.stat().st_size < 250_000 for path in pictures)


@pytest.mark.parametrize("name", sorted(EARLY))
def test_variables_outside_the_settings_are_read_somewhere(name: str) -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert any(f'"{name}"' in path.read_text("utf-8") for path in sources)


@pytest.mark.parametrize("page", NAMES)
def test_python_compiles_and_its_imports_are_there(page: str) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module not in NEW:
                module = importlib.import_module(node.module)
                assert [one.name for one in node.names if not hasattr(module, one.name)] == []


def test_the_engine_recipe_keeps_the_contract_of_engines(load: Any) -> None:
    engine = load("docs/add-an-engine.md", "pressure").ENGINE
    assert isinstance(engine, Engine)
    state = engine.initial(engine.config)
    assert engine.read(engine.config, state, START_MS).confidence == 0.0
    for offset in range(5):
        at = START_MS + offset * 60_000
        book = make_book([(100.0, 3.0 + offset)], [(101.0, 1.0)], at)
        moved = engine.update(engine.config, state, book, offset)
        assert moved is not state
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(moved), type=engine.state_type)
        assert state == moved
        for same in (book, make_tick(at)):
            assert engine.update(engine.config, state, same, offset + 1) is state
        reading = engine.read(engine.config, state, at)
        assert 0.0 < reading.score <= 1.0
        assert (reading.confidence, reading.freshness) == (1.0, 1.0)
        assert reading.evidence == (offset,)


def test_the_source_recipe_makes_rows(load: Any) -> None:
    item = {
        "id": 7,
        "title": "Bitcoin rises",
        "url": "",
        "publisher": "Wire",
        "published": "2026-01-01T00:00:00+00:00",
        "assets": ["ETH", "BTC"],
    }
    parsed = load("docs/add-a-source.md", "wire").parse_headlines({"items": [item, {}]})
    assert [(row.source_id, row.tickers) for row in parsed.rows] == [("7", ("ETH", "BTC"))]
    assert [problem(one) for one in articles(parsed.rows[0], ("BTC",), 1_767_225_660_000)] == [None]
    assert len(parsed.skipped) == 1


async def test_the_sink_recipe_writes_once(load: Any, tmp_path: Path) -> None:
    sink = load("docs/add-a-sink.md", "sqlite").SqliteSink(tmp_path / "signals.db")
    await sink.setup()
    sink.add([record(signal(1)), record(signal(2))])
    assert (await sink.flush()).rows == {"signals": 2}
    sink.add([record(signal(2)), record(signal(3))])
    assert (await sink.flush()).rows == {"signals": 1}
    await sink.close()
