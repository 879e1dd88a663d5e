"""What may import what (DESIGN 3), and the shape of the tree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "streams", "producers", "sinks", "embedded")
OURS = (*PACKAGES, "tests", "benchmarks")
MOST_LINES = 300

CORE = ("schemas", "streams.engines", "streams.rules", "streams.stage", "schemas.topics")
ONLY = {
    "schemas": ("schemas",),
    "schemas.topics": (),
    "streams.stage": ("schemas",),
    "streams.engines": CORE,
    "streams.rules": CORE,
    "streams.engines.scoring_stage": CORE,
    "streams.topology": (*CORE, "streams.engines.scoring_stage"),
}
"""What of ours a part may import; a part not listed here is free, save for `NEVER`."""

NEVER = {
    "producers": ("sinks", "streams.agents", "streams.agents.faust_ext"),
    "sinks": ("producers", "streams.agents", "streams.agents.faust_ext"),
    **{package: ("tests", "benchmarks") for package in ("schemas", "streams", "embedded")},
}
NEVER = {part: tuple({*banned, "tests", "benchmarks"}) for part, banned in NEVER.items()}


def sources(*packages: str) -> Iterator[Path]:
    """Yield the Python files of packages."""
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    """Return the dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str, source: str, *, is_package: bool = False) -> set[str]:
    """Return the modules that a source imports, wherever in it; relative ones made absolute.

    `from a import b` counts as both `a` and `a.b`, since b may be a module.
    """
    found = set()
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return found


def within(module: str, parts: tuple[str, ...]) -> bool:
    """Say whether a module is one of the parts or lies in one."""
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def offences(module: str, imported: set[str]) -> list[str]:
    """Return which imports a module may not have; a sentence each."""
    found = []
    for part, allowed in ONLY.items():
        if not within(module, (part,)):
            continue
        for name in sorted(imported):
            # `from schemas.topics import X` counts as schemas.topics.X too; streams alone is empty.
            if within(name, OURS) and name != "streams" and not within(name, (*allowed, part)):
                found.append(f"{module} imports {name}; {part} may import only {allowed}")
    for part, banned in NEVER.items():
        if within(module, (part,)):
            found += [
                f"{module} imports {name}" for name in sorted(imported) if within(name, banned)
            ]
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_import_direction(package: str) -> None:
    found = []
    for path in sources(package):
        is_package = path.name == "__init__.py"
        module = module_of(path)
        found += offences(module, imports(module, path.read_text("utf-8"), is_package=is_package))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "caught"),
    [
        pytest.param("schemas.codec", "import schemas.topics", True, id="schemas import nothing"),
        pytest.param("schemas.codec", "from schemas import market", False, id="but themselves"),
        pytest.param("streams.engines.x", "from streams import settings", True, id="settings"),
        pytest.param("streams.engines.x", "from streams import topics", False, id="topics"),
        pytest.param("streams.engines.x", "from ..agents import loop", True, id="relative"),
        pytest.param("streams.engines.x", "def f():\n import sinks.base", True, id="in a function"),
        pytest.param("streams.rules.x", "import streams.topology", True, id="rules: upwards"),
        pytest.param(
            "streams.topology",
            "import streams.engines.scoring_stage",
            False,
            id="topology: scoring",
        ),
        pytest.param("streams.topology", "import streams.agents.loop", True, id="topology: agents"),
        pytest.param("producers.x", "import sinks.base", True, id="producers: sinks"),
        pytest.param("sinks.x", "import streams.agents.faust_ext.app", True, id="sinks: shell"),
        pytest.param("quantiva.cli", "import tests.conftest", True, id="tests"),
        pytest.param("quantiva.cli", "import streams.agents.loop", False, id="cli: agents"),
    ],
)
def test_the_check_itself(module: str, source: str, caught: bool) -> None:
    assert bool(offences(module, imports(module, source))) == caught


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    """A script beside it would import ours instead, and fail far away from the cause."""
    names = {path: path.stem for path in sources(*PACKAGES) if not path.stem.startswith("__")}
    names |= {path.parent: path.parent.name for path in sources(*PACKAGES)}
    taken = [str(path) for path, name in names.items() if name in sys.stdlib_module_names]
    assert not taken


def test_files_are_short() -> None:
    lengths = {path: path.read_text("utf-8").count("\n") for path in sources(*PACKAGES)}
    long = {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > MOST_LINES}
    assert not long, f"more than {MOST_LINES} lines: {long}"


def test_all_packages_have_sources() -> None:
    """A check over an empty list would pass for ever."""
    assert all(list(sources(package)) for package in PACKAGES)
