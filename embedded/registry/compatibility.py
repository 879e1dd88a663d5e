"""Whether a reader with one Avro schema can read what a writer with another has written.

These are the rules of "Schema Resolution" in the Avro specification. Logical types take no part,
as in Avro's own checkers: a `timestamp-millis` that becomes a `timestamp-micros` is readable, and
wrong. Pure functions: no state, no I/O.
"""

from collections.abc import Sequence
from typing import Any

from embedded.registry.avro import NAMED, Schema, definitions, qualify

LEVELS = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)
# Written type -> types that may read it.
PROMOTIONS = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}


def problems(reader: Schema, writer: Schema) -> list[str]:
    """Return why `reader` cannot read data of `writer`, one sentence a reason; [] if it can.

    Each sentence begins with where: "at Candle.bids[].price: ...". [] stands for an array's items,
    {} for a map's values. Raises InvalidSchemaError when one of them is no Avro schema.
    """
    read, written = qualify(reader), qualify(writer)
    resolution = _Resolution(definitions(read), definitions(written))
    return resolution.compare(read, written, _short(_name(read)) or "the top")


def check(level: str, new: Schema, previous: Sequence[Schema]) -> list[str]:
    """Return why `new` may not follow the schemas `previous` (oldest first) at this level.

    BACKWARD: `new` reads the last one's data. FORWARD: the last one reads `new`'s data. FULL: both.
    ..._TRANSITIVE: the same for all of them. NONE: anything goes. Raises ValueError for another
    level, InvalidSchemaError for a schema that is none.
    """
    if level not in LEVELS:
        message = f"No such compatibility level: {level}. The levels are {', '.join(LEVELS)}."
        raise ValueError(message)
    if level == "NONE":
        return []
    first = 0 if level.endswith("_TRANSITIVE") else max(len(previous) - 1, 0)
    found: list[str] = []
    for number, old in enumerate(previous[first:], start=first + 1):
        which = f"schema {number} of {len(previous)}"
        if level.startswith(("BACKWARD", "FULL")):
            found += [f"the new schema cannot read {which}: {p}" for p in problems(new, old)]
        if level.startswith(("FORWARD", "FULL")):
            found += [f"{which} cannot read the new schema: {p}" for p in problems(old, new)]
    return found


class _Resolution:
    """One comparison: the named types of both sides, and the pairs of records under way."""

    def __init__(self, read: dict[str, dict[str, Any]], written: dict[str, dict[str, Any]]) -> None:
        self._read = read
        self._written = written
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, reader: Schema, writer: Schema, path: str) -> list[str]:
        """Return the problems of a reader's and a writer's (part of a) schema."""
        if isinstance(reader, str):
            reader = self._read.get(reader, reader)
        if isinstance(writer, str):
            writer = self._written.get(writer, writer)
        if isinstance(writer, list):
            return [p for branch in writer for p in self.compare(reader, branch, path)]
        if isinstance(reader, list):
            return self._compare_union(reader, writer, path)
        if _kind(reader) == _kind(writer):
            return self._compare_content(reader, writer, path)
        return self._compare_kinds(reader, writer, path)

    def _compare_content(self, reader: Schema, writer: Schema, path: str) -> list[str]:
        """Compare what two schemas of one kind hold; primitives hold nothing."""
        if not isinstance(reader, dict) or not isinstance(writer, dict):
            return []
        kind = _kind(reader)
        if kind == "array":
            return self.compare(reader["items"], writer["items"], f"{path}[]")
        if kind == "map":
            return self.compare(reader["values"], writer["values"], f"{path}{{}}")
        return self._compare_named(reader, writer, path) if kind in NAMED else []

    def _compare_union(self, reader: list[Any], writer: Schema, path: str) -> list[str]:
        branches = [
            self._read.get(branch, branch) if isinstance(branch, str) else branch
            for branch in reader
        ]
        results = [self.compare(branch, writer, path) for branch in branches]
        if any(not result for result in results):
            return []
        # The branch that was meant explains more than "none of them fits".
        for branch, result in zip(branches, results, strict=True):
            if _kind(branch) == _kind(writer) and _name(branch) == _name(writer):
                return result
        names = ", ".join(_describe(branch) for branch in branches)
        return [
            f"at {path}: {_describe(writer)} was written, and the reader's union ({names}) "
            "has no branch for it"
        ]

    def _compare_kinds(self, reader: Schema, writer: Schema, path: str) -> list[str]:
        if _kind(reader) in PROMOTIONS.get(_kind(writer), ()):
            return []
        return [
            f"at {path}: {_describe(writer)} was written and {_describe(reader)} is expected, "
            "which Avro does not convert"
        ]

    def _compare_named(
        self, reader: dict[str, Any], writer: dict[str, Any], path: str
    ) -> list[str]:
        if not _same_name(reader, writer):
            return [
                f"at {path}: {_describe(writer)} was written and {_describe(reader)} is expected; "
                "the names differ, and no alias joins them"
            ]
        if reader["type"] == "enum":
            return _compare_symbols(reader, writer, path)
        if reader["type"] == "fixed":
            return _compare_sizes(reader, writer, path)
        return self._compare_records(reader, writer, path)

    def _compare_records(
        self, reader: dict[str, Any], writer: dict[str, Any], path: str
    ) -> list[str]:
        pair = (reader["name"], writer["name"])
        if pair in self._under_way:  # a record that contains itself
            return []
        self._under_way.add(pair)
        written = {field["name"]: field for field in writer["fields"]}
        found: list[str] = []
        for field in reader["fields"]:
            here = f"{path}.{field['name']}"
            names = (field["name"], *field.get("aliases", ()))
            source = next((written[name] for name in names if name in written), None)
            if source is not None:
                found += self.compare(field["type"], source["type"], here)
            elif "default" not in field:
                found.append(f"at {here}: the field was not written and has no default")
        self._under_way.remove(pair)
        return found


def _compare_symbols(reader: dict[str, Any], writer: dict[str, Any], path: str) -> list[str]:
    missing = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if not missing or "default" in reader:
        return []
    return [
        f"at {path}: the reader's {_describe(reader)} lacks {', '.join(missing)} and has no default"
    ]


def _compare_sizes(reader: dict[str, Any], writer: dict[str, Any], path: str) -> list[str]:
    if reader["size"] == writer["size"]:
        return []
    return [f"at {path}: {writer['size']} bytes were written and {reader['size']} are expected"]


def _same_name(reader: dict[str, Any], writer: dict[str, Any]) -> bool:
    """Compare without namespaces, as the specification has it; aliases belong to the reader."""
    if _short(reader["name"]) == _short(writer["name"]):
        return True
    return writer["name"] in reader.get("aliases", ())


def _kind(schema: Schema) -> str:
    if isinstance(schema, str):
        return schema
    return "union" if isinstance(schema, list) else str(schema["type"])


def _name(schema: Schema) -> str:
    return str(schema.get("name", "")) if isinstance(schema, dict) else ""


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _describe(schema: Schema) -> str:
    return f"{_kind(schema)} {_name(schema)}".strip()
