"""What may import what (DESIGN 3), and the shape of the tree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "schemas",
    "transport",
    "marketdata",
    "streams",
    "producers",
    "simulator",
    "sinks",
    "embedded",
    "quantiva",
)
OURS = (*PACKAGES, "tests", "benchmarks")
MOST_LINES = 300

CORE = (
    "schemas",
    "streams.backtest",
    "streams.confidence",
    "streams.engines",
    "streams.fusion",
    "streams.headlines.probabilities",
    "streams.headlines.scoring",
    "streams.headlines.stage",
    "streams.outcomes",
    "streams.rules",
    "streams.constants",
    "streams.settings_tree",
    "streams.stage",
    "streams.topology",
    "streams.record_validator",
    "streams.runner",
)
"""What is pure: it imports the contract and what is pure."""
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "schemas": (),
    "transport": ("schemas",),
    "marketdata": ("schemas", "transport"),
    "streams": ("schemas", "transport", "marketdata"),
    **dict.fromkeys(CORE[1:], CORE),
    # Engines read what headlines say off the log.
    "streams.engines": tuple(part for part in CORE if not part.startswith("streams.headlines")),
    # One rule makes one candle of several, live and recorded.
    "producers": ("schemas", "transport", "marketdata.assets", "marketdata.candles"),
    # The stand-ins keep the limits that the producers believe in.
    "simulator": (
        "schemas",
        "transport",
        "marketdata",
        "producers.upstreams.table",
        "producers.http_client.upstream",
    ),
    # The archive is written by a sink and read by replays. The bridge shows a backtest's figures
    # and those of outcomes, by the same pure functions: nothing is computed in two ways.
    "sinks": ("schemas", "transport", "streams.archive", "streams.backtest", "streams.outcomes"),
    # The websocket half of the bridge; the REST half reads the hub's memory.
    "sinks.bridge.hub": (
        *("schemas", "transport", "sinks.base", "sinks.decoding", "sinks.bridge.frames"),
        *("sinks.bridge.problems", "sinks.bridge.settings"),
    ),
    "embedded": ("schemas", "transport"),
    "quantiva": tuple(package for package in PACKAGES if package != "quantiva"),
}
"""What of ours a part may import besides itself. The longest name that holds a module counts."""


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


def part_of(module: str) -> str:
    """Return the part of `MAY_IMPORT` that a module belongs to; "" for none."""
    parts = [part for part in MAY_IMPORT if within(module, (part,))]
    return max(parts, key=len, default="")


def offences(module: str, imported: set[str]) -> list[str]:
    """Return which imports a module may not have; a sentence each."""
    part = part_of(module)
    allowed = (*MAY_IMPORT[part], part)
    # `from streams import stage` counts as `streams` too, which is empty and holds no code.
    return [
        f"{module} imports {name}; {part} may import {', '.join(allowed)}"
        for name in sorted(imported)
        if within(name, OURS) and name not in PACKAGES and not within(name, allowed)
    ]


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
        pytest.param("schemas.codec", "import transport.admin", True, id="schemas import nothing"),
        pytest.param("schemas.codec", "from schemas import market", False, id="but themselves"),
        pytest.param("transport.admin", "import schemas.topics", False, id="transport: schemas"),
        pytest.param("transport.admin", "import streams.stage", True, id="transport: streams"),
        pytest.param("streams.engines.x", "from transport import settings", True, id="settings"),
        pytest.param("streams.engines.x", "from schemas import topics", False, id="topics"),
        pytest.param("streams.engines.x", "from ..agents import loop", True, id="relative"),
        pytest.param("streams.engines.x", "def f():\n import sinks.base", True, id="in a function"),
        pytest.param("streams.rules.x", "import streams.agents.loop", True, id="rules: agents"),
        pytest.param("streams.topology", "import streams.fusion.state", False, id="topology"),
        pytest.param("streams.replay.run", "import streams.agents.loop", False, id="replay"),
        pytest.param("streams.agents.loop", "import sinks.base", True, id="streams: sinks"),
        pytest.param("streams.archive.x", "import quantiva.cli", True, id="nobody: the roof"),
        pytest.param("producers.x", "import sinks.base", True, id="producers: sinks"),
        pytest.param("sinks.x", "import producers.settings", True, id="sinks: producers"),
        pytest.param("sinks.x", "import streams.agents.loop", True, id="sinks: agents"),
        pytest.param("sinks.archive", "import streams.archive.writer", False, id="sinks: archive"),
        pytest.param("sinks.bridge.hub.x", "import sinks.bridge.api", True, id="hub: REST"),
        pytest.param("sinks.bridge.api.x", "import sinks.bridge.hub", False, id="REST: hub"),
        pytest.param("quantiva.cli", "import tests.conftest", True, id="tests"),
        pytest.param("quantiva.cli", "import streams.agents.loop", False, id="the roof: all"),
    ],
)
def test_the_check_itself(module: str, source: str, caught: bool) -> None:
    assert bool(offences(module, imports(module, source))) == caught


KAFKA_CLIENTS = {
    "AIOKafkaAdminClient",
    "AIOKafkaClient",
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "AdminClient",
    "DeserializingConsumer",
    "SerializingProducer",
}
OF_CONFLUENT = {"confluent_kafka.Consumer", "confluent_kafka.Producer"}
"""Names that others have, too: their import tells."""
KNOWS_TANSU = ("transport", "streams.agents.faust_ext")


def clients_made(module: str, source: str) -> list[str]:
    """Return the Kafka clients that a source makes, by the names that it calls or imports."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {getattr(one, "attr", getattr(one, "id", "")) for one in calls}
    return sorted((names & KAFKA_CLIENTS) | (imports(module, source) & OF_CONFLUENT))


def test_kafka_clients_are_made_in_one_module() -> None:
    """So that an option of all clients, TLS or a fault of a broker, has one place."""
    found = {}
    for path in sources(*PACKAGES):
        made = clients_made(module_of(path), path.read_text("utf-8"))
        if made and module_of(path) != "transport.clients":
            found[module_of(path)] = made
    assert not found


@pytest.mark.parametrize(
    ("source", "made"),
    [
        pytest.param("AIOKafkaConsumer('t')", ["AIOKafkaConsumer"], id="called"),
        pytest.param("aiokafka.AIOKafkaProducer()", ["AIOKafkaProducer"], id="of a module"),
        pytest.param("def f(a: AIOKafkaConsumer): ...", [], id="only named"),
        pytest.param(
            "def f():\n from confluent_kafka import Consumer",
            ["confluent_kafka.Consumer"],
            id="Confluent's",
        ),
        pytest.param("from faust import Consumer", [], id="another Consumer"),
    ],
)
def test_the_check_of_clients(source: str, made: list[str]) -> None:
    assert clients_made("sinks.x", source) == made


def test_the_embedded_broker_s_faults_are_known_in_two_places() -> None:
    faults = ("transport.embedded_broker",)
    knowing = set()
    for path in sources(*PACKAGES):
        module = module_of(path)
        if any(within(name, faults) for name in imports(module, path.read_text("utf-8"))):
            knowing.add(module)
    assert "transport.clients" in knowing
    assert not {module for module in knowing if not within(module, KNOWS_TANSU)}


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


def test_every_package_of_the_tree_is_checked() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"tests", "benchmarks"} == set(PACKAGES)


def test_all_packages_have_sources() -> None:
    """A check over an empty list would pass for ever."""
    assert all(list(sources(package)) for package in PACKAGES)
