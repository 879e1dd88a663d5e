"""The schema registry with the real Confluent clients for Python."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import (
    AsyncAvroDeserializer,
    AsyncAvroSerializer,
    AvroDeserializer,
    AvroSerializer,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from embedded.registry.server import Registry

pytestmark = pytest.mark.embedded


def candle(*extra: dict[str, Any]) -> str:
    fields = [{"name": "symbol", "type": "string"}, {"name": "close", "type": "double"}, *extra]
    return json.dumps({"type": "record", "name": "Candle", "namespace": "mkt", "fields": fields})


V1 = candle()
V2 = candle({"name": "volume", "type": ["null", "double"], "default": None})
INCOMPATIBLE = candle({"name": "n", "type": "int"})
SUBJECT = "candles-value"
CONTEXT = SerializationContext("candles", MessageField.VALUE)
VALUE = {"symbol": "BTC/USDT", "close": 1.5}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    registry = Registry()
    yield await registry.start()
    await registry.stop()


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncSchemaRegistryClient]:
    client = AsyncSchemaRegistryClient({"url": url, "timeout": 5})
    yield client
    await client.__aexit__()


def avro(text: str) -> Schema:
    return Schema(text, "AVRO")


async def code_of(call: Any) -> tuple[int, int]:
    """Return HTTP status and error code of a call that fails."""
    with pytest.raises(SchemaRegistryError) as caught:
        await call
    return caught.value.http_status_code, caught.value.error_code


# Serializers -------------------------------------------------------------------------------


async def test_the_synchronous_clients_write_and_read(url: str) -> None:
    def exchange() -> tuple[bytes, Any]:
        with SchemaRegistryClient({"url": url, "timeout": 5}) as client:
            data = AvroSerializer(client, V1)(VALUE, CONTEXT)
        with SchemaRegistryClient({"url": url, "timeout": 5}) as client:
            return data, AvroDeserializer(client)(data, CONTEXT)

    data, value = await asyncio.to_thread(exchange)
    assert data[:5] == bytes([0, 0, 0, 0, 1])
    assert value == VALUE


async def test_the_asynchronous_clients_write_and_read(client: AsyncSchemaRegistryClient) -> None:
    write = await AsyncAvroSerializer(client, V1)
    read = await AsyncAvroDeserializer(client)
    assert await read(await write(VALUE, CONTEXT), CONTEXT) == VALUE
    assert await client.get_subjects() == [SUBJECT]


async def test_a_reader_with_the_new_schema_reads_old_records(
    client: AsyncSchemaRegistryClient,
) -> None:
    old = await (await AsyncAvroSerializer(client, V1))(VALUE, CONTEXT)
    await client.register_schema(SUBJECT, avro(V2))
    read = await AsyncAvroDeserializer(client, V2)
    assert await read(old, CONTEXT) == {**VALUE, "volume": None}


@pytest.mark.parametrize(
    "options", [{"use.latest.version": True}, {"use.latest.version": False}], ids=str
)
async def test_a_serializer_that_may_not_register_finds_the_schema(
    client: AsyncSchemaRegistryClient, options: dict[str, Any]
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    write = await AsyncAvroSerializer(client, V1, conf={"auto.register.schemas": False, **options})
    assert (await write(VALUE, CONTEXT))[:5] == bytes([0, 0, 0, 0, 1])


async def test_a_serializer_that_may_not_register_fails_on_an_unknown_schema(
    client: AsyncSchemaRegistryClient,
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    write = await AsyncAvroSerializer(client, V2, conf={"auto.register.schemas": False})
    assert await code_of(write({**VALUE, "volume": 1.0}, CONTEXT)) == (404, 40403)


# Registering and looking up ----------------------------------------------------------------


async def test_ids_count_up_and_the_same_schema_keeps_its_id(
    client: AsyncSchemaRegistryClient,
) -> None:
    spaced = json.dumps(json.loads(V1), indent=2)
    assert await client.register_schema(SUBJECT, avro(V1)) == 1
    assert await client.register_schema(SUBJECT, avro(V2)) == 2
    assert await client.register_schema(SUBJECT, avro(spaced)) == 1
    assert await client.register_schema("other-value", avro(spaced)) == 1
    assert await client.get_versions(SUBJECT) == [1, 2]
    assert (await client.get_schema(2)).schema_str == V2


async def test_versions_are_found_by_number_latest_schema_and_guid(
    client: AsyncSchemaRegistryClient,
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    await client.register_schema(SUBJECT, avro(V2))
    first, latest = await client.get_version(SUBJECT, 1), await client.get_latest_version(SUBJECT)
    assert (first.version, first.schema_id, latest.version, latest.schema_id) == (1, 1, 2, 2)
    assert (await client.lookup_schema(SUBJECT, avro(V2))).version == 2
    assert (await client.get_schema_by_guid(latest.guid)).schema_str == V2
    assert first.guid != latest.guid


async def test_a_subject_may_have_any_characters(client: AsyncSchemaRegistryClient) -> None:
    await client.register_schema("a/b c?d-value", avro(V1))
    assert await client.get_subjects() == ["a/b c?d-value"]
    assert (await client.get_latest_version("a/b c?d-value")).schema_id == 1


async def test_what_is_not_there_has_its_own_code(client: AsyncSchemaRegistryClient) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    assert await code_of(client.get_schema(999)) == (404, 40403)
    assert await code_of(client.get_latest_version("nobody")) == (404, 40401)
    assert await code_of(client.get_version(SUBJECT, 9)) == (404, 40402)
    assert await code_of(client.lookup_schema(SUBJECT, avro(V2))) == (404, 40403)
    assert await code_of(client.lookup_schema("nobody", avro(V2))) == (404, 40401)


async def test_what_is_wrong_has_its_own_code(client: AsyncSchemaRegistryClient) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    nonsense = avro('{"type": "nonsense"}')
    assert await code_of(client.register_schema("x-value", nonsense)) == (422, 42201)
    assert await code_of(client.get_version(SUBJECT, 0)) == (422, 42202)
    assert await code_of(client.set_compatibility(SUBJECT, "STRICT")) == (422, 42203)
    protobuf = Schema('syntax = "proto3";', "PROTOBUF")
    assert await code_of(client.register_schema("x-value", protobuf)) == (422, 42201)


async def test_what_is_no_request_of_this_api_is_answered_in_json(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        for method, path, body, status in (
            ("GET", "/nothing/here", None, 404),
            ("POST", f"/subjects/{SUBJECT}/versions", "no json", 400),
            ("POST", f"/subjects/{SUBJECT}/versions", "[]", 400),
            ("POST", f"/subjects/{SUBJECT}/versions", "{}", 422),
            ("GET", "/schemas/ids/one", None, 404),
        ):
            async with session.request(method, path, data=body) as answer:
                assert answer.status == status, path
                assert answer.content_type == "application/vnd.schemaregistry.v1+json"
                assert set(await answer.json(content_type=None)) == {"error_code", "message"}


# Compatibility -----------------------------------------------------------------------------


async def test_an_incompatible_schema_is_refused_with_the_reason(
    client: AsyncSchemaRegistryClient,
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    assert not await client.test_compatibility(SUBJECT, avro(INCOMPATIBLE))
    assert await client.test_compatibility(SUBJECT, avro(V2))
    assert await client.test_compatibility("nobody", avro(V2))
    with pytest.raises(SchemaRegistryError, match=r"at Candle\.n: the field was not written") as e:
        await client.register_schema(SUBJECT, avro(INCOMPATIBLE))
    assert (e.value.http_status_code, e.value.error_code) == (409, 409)
    assert await client.get_versions(SUBJECT) == [1]


async def test_levels_are_set_globally_and_for_a_subject(client: AsyncSchemaRegistryClient) -> None:
    assert await client.get_compatibility() == "BACKWARD"
    assert await code_of(client.get_compatibility(SUBJECT)) == (404, 40408)
    await client.register_schema(SUBJECT, avro(V1))
    await client.set_compatibility(SUBJECT, "FORWARD")
    await client.register_schema(SUBJECT, avro(INCOMPATIBLE))
    assert await client.get_compatibility(SUBJECT) == "FORWARD"
    await client.set_compatibility(level="NONE")
    await client.register_schema("other-value", avro(V1))
    await client.register_schema("other-value", avro('"string"'))
    assert await client.get_compatibility() == "NONE"


# Deleting ----------------------------------------------------------------------------------


async def test_a_deleted_version_is_gone_but_its_id_still_reads(
    client: AsyncSchemaRegistryClient,
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    await client.register_schema(SUBJECT, avro(V2))
    assert await client.delete_version(SUBJECT, 2) == 2
    assert await client.get_versions(SUBJECT) == [1]
    await client.clear_caches()
    assert (await client.get_schema(2)).schema_str == V2
    assert await client.register_schema(SUBJECT, avro(V2)) == 2
    assert await client.get_versions(SUBJECT) == [1, 3]


async def test_a_subject_is_deleted_softly_and_then_for_good(
    client: AsyncSchemaRegistryClient, url: str
) -> None:
    await client.register_schema(SUBJECT, avro(V1))
    async with aiohttp.ClientSession(url) as session:
        path = f"/subjects/{SUBJECT}"
        steps = []
        for query in ("?permanent=true", "", "", "?permanent=true", ""):
            async with session.delete(path + query) as answer:
                body = await answer.json(content_type=None)
                steps.append(body if isinstance(body, list) else body["error_code"])
    assert steps == [40405, [1], 40404, [1], 40401]
    assert await client.get_subjects() == []
