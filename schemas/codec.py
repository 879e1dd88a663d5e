"""Bytes to events and back: Avro in the Confluent wire format.

A record value is a zero byte, the schema id as four bytes (big endian) and the Avro body.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import fastavro
import msgspec
from fastavro.schema import SchemaParseException, UnknownType

from schemas.contract import STRUCTS, schema, schema_name
from schemas.dead_letters import Kind
from schemas.logical_types import LogicalTypeError, as_numbers
from schemas.trailing_doubles import reader, trailing_doubles

_HEADER_BYTES = 5
_write = fastavro.schemaless_writer
_read = fastavro.schemaless_reader


class BadEventError(ValueError):
    """A record that is not an event of the contract; the text names what is wrong."""

    kind = Kind.INVALID


class UnknownSchemaError(BadEventError):
    """The schema id is not known here (yet): ask the registry, then decode again."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is not known to the registry")
        self.schema_id = schema_id


class Codec:
    """Encodes with the committed schemas, decodes what any registered writer wrote.

    `ids` gives the registry's id of each schema name. With `foreign` it learns schemas that are
    none of the contract's, too, and makes of their values what Avro does: mostly dicts. Not
    thread-safe while `learn` runs.
    """

    def __init__(self, ids: Mapping[str, int], *, foreign: bool = False) -> None:
        self._foreign = foreign
        self._readers: dict[int, Callable[[io.BytesIO], Any]] = {}
        self._writers: dict[type, tuple[bytes, Any, bool]] = {}
        for name, schema_id in ids.items():
            avro = fastavro.parse_schema(json.loads(schema(name).text))
            struct = STRUCTS[name]
            header = b"\0" + schema_id.to_bytes(4, "big")
            self._writers[struct] = (header, avro, _is_flat(schema(name).avro))
            self._readers[schema_id] = _reader(avro, None, struct, schema(name).avro)

    def learn(self, schema_id: int, text: str) -> bool:
        """Accept a writer's schema by its registry id; False if it is of no use here.

        A registry may hold other kinds, such as Protobuf, and Avro that fastavro cannot read. Where
        a field has another unit than ours, each event is refused with that reason.
        """
        try:
            writer = json.loads(text)
        except (ValueError, RecursionError):
            return False
        name = writer.get("name") if isinstance(writer, dict) else None
        for ours, struct in STRUCTS.items():
            current = schema(ours).avro
            if name == current["name"] and writer.get("namespace") == current["namespace"]:
                return self._learned(schema_id, partial(_reader_of, writer, ours, struct))
        return self._foreign and self._learned(schema_id, partial(_foreign_reader, writer))

    def _learned(
        self, schema_id: int, make_reader: Callable[[], Callable[[io.BytesIO], Any]]
    ) -> bool:
        try:
            self._readers[schema_id] = make_reader()
        except (SchemaParseException, UnknownType, KeyError, TypeError, AttributeError):
            return False
        return True

    def encode(self, event: msgspec.Struct) -> bytes:
        """Return the wire bytes of an event; TypeError or ValueError when a field does not fit."""
        header, avro, flat = self._writers[type(event)]
        out = io.BytesIO()
        out.write(header)
        if flat:
            _write(out, avro, msgspec.structs.asdict(event))
        else:
            _write(out, avro, msgspec.to_builtins(event, builtin_types=(bytes,)))
        return out.getvalue()

    def decode(self, payload: bytes | None) -> Any:
        """Return the event in a record's value.

        Raises UnknownSchemaError for an id never learned, BadEventError for everything else that
        is wrong: no value, no magic byte, a body that ends early or late, a field of wrong type.
        """
        if payload is None:
            msg = "the record has no value"
            raise BadEventError(msg)
        if len(payload) < _HEADER_BYTES or payload[0] != 0:
            msg = f"not in the Confluent wire format: starts with {payload[:8]!r}"
            raise BadEventError(msg)
        schema_id = int.from_bytes(payload[1:_HEADER_BYTES], "big")
        reader = self._readers.get(schema_id)
        if reader is None:
            raise UnknownSchemaError(schema_id)
        body = io.BytesIO(payload)
        body.seek(_HEADER_BYTES)
        try:
            event = reader(body)
        except BadEventError:
            raise
        except Exception as error:
            msg = f"the Avro body cannot be read: {type(error).__name__}: {error}"
            raise BadEventError(msg) from error
        if body.tell() != len(payload):
            msg = f"{len(payload) - body.tell()} bytes follow the Avro body"
            raise BadEventError(msg)
        return event


def _reader_of(writer: dict[str, Any], name: str, struct: type[msgspec.Struct]) -> Any:
    """Return the reader of a writer's schema; without resolution where it is ours but for docs."""
    try:
        writer = as_numbers(writer)
    except LogicalTypeError as error:
        return partial(_refuse, str(error))
    parsed = fastavro.parse_schema(writer)
    ours = fastavro.parse_schema(json.loads(schema(name).text))
    canonical = fastavro.schema.to_parsing_canonical_form
    if canonical(parsed) == canonical(ours):
        return _reader(parsed, None, struct, writer)
    return _reader(parsed, ours, struct)


def _refuse(reason: str, _body: io.BytesIO) -> NoReturn:
    raise BadEventError(reason)


def _foreign_reader(writer: Any) -> Callable[[io.BytesIO], Any]:
    avro = fastavro.parse_schema(writer)
    return lambda body: _read(body, avro, None)


def _reader(
    writer: Any,
    ours: Any | None,
    struct: type[msgspec.Struct],
    plain: Mapping[str, Any] | None = None,
) -> Callable[[io.BytesIO], Any]:
    """Return what makes an event of a body; `plain` is the writer's schema where it is ours."""
    convert = msgspec.convert
    names = trailing_doubles(plain) if plain is not None else ()
    if plain is not None and names:
        read = reader(plain, names)
        return lambda body: convert(read(body), struct)
    if ours is None:
        return lambda body: convert(_read(body, writer, None), struct)
    return lambda body: convert(_read(body, writer, ours), struct)


def _is_flat(avro: Mapping[str, Any]) -> bool:
    """Return whether no field holds a record or bytes, so that a shallow dict is enough."""
    return not any('"record"' in json.dumps(field["type"]) for field in avro["fields"])


def local_codec() -> Codec:
    """Return a codec without a registry: ids in the order of the contract, from 1.

    The embedded registry gives the same ids when it is empty at the start.
    """
    return Codec({name: number for number, name in enumerate(STRUCTS, start=1)})


__all__ = ["BadEventError", "Codec", "UnknownSchemaError", "local_codec", "schema_name"]
