"""The one decoder: what it learns, and what it does while the registry does not answer."""

from __future__ import annotations

import pytest

from schemas.codec import BadEventError, Codec, UnknownSchemaError, local_codec
from schemas.contract import STRUCTS, schema
from schemas.registry_client import RegistryError
from tests.contract.sink_samples import news
from transport import decoder
from transport.decoder import Decoded, Decoder, Silence
from transport.settings import Settings

VALUE = local_codec().encode(news())
NEWS_ID = [*STRUCTS].index("news_article") + 1
FOREIGN = b"\0\0\0\0\x2a\x06BTC"
AWAY = f"schema id {NEWS_ID}: schema registry http://r does not answer"


class Registry:
    """A registry that answers after a number of silences; `asked` counts."""

    def __init__(self, silences: int = 0, text: str = schema("news_article").text) -> None:
        self._silences = silences
        self._text = text
        self.asked = 0

    async def resolve(self, codec: Codec, unknown: UnknownSchemaError) -> bool:
        self.asked += 1
        if self.asked <= self._silences:
            raise RegistryError("schema registry http://r does not answer")
        return codec.learn(unknown.schema_id, self._text)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_ASK_EVERY_S", 0.001)


async def test_an_unknown_schema_is_asked_for_once() -> None:
    registry = Registry()
    learning = Decoder(Codec({}), registry.resolve)
    assert [await learning.decode(VALUE) for _ in range(3)] == [news()] * 3
    assert registry.asked == 1


async def test_without_a_registry_an_unknown_schema_stays_unknown() -> None:
    with pytest.raises(UnknownSchemaError):
        await Decoder(Codec({})).decode(VALUE)


async def test_a_schema_of_others_is_no_event() -> None:
    registry = Registry(text='{"type": "record", "name": "Position", "fields": []}')
    with pytest.raises(UnknownSchemaError):
        await Decoder(Codec({}), registry.resolve).decode(VALUE)


async def test_it_raises_while_the_registry_is_away_and_can_be_asked_again() -> None:
    learning = Decoder(Codec({}), Registry(silences=2).resolve)
    for _ in range(2):
        with pytest.raises(RegistryError):
            await learning.decode(VALUE)
    assert await learning.decode(VALUE) == news()


async def test_it_waits_however_long_the_registry_is_away() -> None:
    registry = Registry(silences=30)
    assert await Decoder(Codec({}), registry.resolve, Silence.WAIT).decode(VALUE) == news()
    assert registry.asked == 31


async def test_it_gives_up_with_a_sentence_and_asks_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 100.0
    monkeypatch.setattr(decoder.time, "monotonic", lambda: now_s)
    registry = Registry(silences=1)
    giving_up = Decoder(Codec({}), registry.resolve, Silence.GIVE_UP)
    assert [await giving_up.read(VALUE) for _ in range(3)] == [Decoded(None, AWAY)] * 3
    assert registry.asked == 1
    now_s = 106.0
    assert await giving_up.read(VALUE) == Decoded(news(), None)


SENTENCES = [
    pytest.param(None, False, "the record has no value", id="no value"),
    pytest.param(None, True, None, id="a tombstone"),
    pytest.param(b"{}", True, "not in the Confluent wire format", id="JSON"),
    pytest.param(VALUE[:-1], False, "the Avro body cannot be read", id="cut off"),
]


@pytest.mark.parametrize(("value", "tombstones", "words"), SENTENCES)
async def test_for_people_what_is_wrong_is_a_sentence(
    value: bytes | None, tombstones: bool, words: str | None
) -> None:
    event, reason = await Decoder(local_codec()).read(value, tombstones=tombstones)
    assert event is None
    assert reason is None if words is None else words in (reason or "")


async def test_without_an_address_of_a_registry_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    _, reason = await Decoder.of(Settings()).read(VALUE)
    assert reason == f"schema id {NEWS_ID}: SCHEMA_REGISTRY_URL is not set"


POSITION = '{"type": "record", "name": "P", "fields": [{"name": "asset", "type": "string"}]}'


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param(POSITION, FOREIGN, {"asset": "BTC"}, id="a record"),
        pytest.param('"string"', FOREIGN, "BTC", id="a text"),
        pytest.param('syntax = "proto3";', FOREIGN, BadEventError, id="Protobuf"),
        pytest.param(POSITION, FOREIGN[:-1], BadEventError, id="cut off"),
    ],
)
async def test_schemas_of_others_where_they_are_wanted(
    text: str, value: bytes, expected: object
) -> None:
    foreign = Decoder(Codec({}, foreign=True), Registry(text=text).resolve)

    if expected is BadEventError:
        with pytest.raises(BadEventError):
            await foreign.decode(value)
    else:
        assert await foreign.decode(value) == expected
