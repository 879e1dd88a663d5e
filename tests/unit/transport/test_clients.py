"""What all Kafka clients have in common, and what the embedded broker changes."""

from __future__ import annotations

import pytest

from transport import clients
from transport.settings import Settings

SETTINGS = Settings(bootstrap="127.0.0.1:1", session_timeout_s=8.0)


@pytest.fixture(params=["tansu", "kafka"])
async def embedded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("QUANTIVA_BROKER", request.param)
    return bool(request.param == "tansu")


async def test_a_consumer_commits_nothing_unasked_and_begins_at_the_first_record(
    embedded: bool,
) -> None:
    made = clients.consumer(SETTINGS, "t", group="g")
    assert (made._enable_auto_commit, made._auto_offset_reset) == (False, "earliest")
    assert (made._session_timeout_ms, made._heartbeat_interval_ms) == (8000, 2000)
    assert made._fetch_max_wait_ms == (20 if embedded else 500)
    await made.stop()


async def test_what_a_caller_asks_for_counts_on_any_broker(embedded: bool) -> None:
    made = clients.consumer(SETTINGS, fetch_max_wait_ms=100, auto_offset_reset="none")
    assert (made._fetch_max_wait_ms, made._auto_offset_reset) == (100, "none")
    await made.stop()


async def test_a_producer_is_idempotent_where_the_broker_can(embedded: bool) -> None:
    made = clients.producer(SETTINGS)
    assert (made._txn_manager is None) is embedded
    assert made._sender._acks == -1
    await made.stop()


MAKERS = [
    pytest.param(clients.consumer, id="consumer"),
    pytest.param(clients.producer, id="producer"),
    pytest.param(clients.admin, id="admin"),
    pytest.param(clients.blocking_admin, id="Confluent's admin"),
]


@pytest.mark.parametrize("make", MAKERS)
async def test_without_an_address_it_says_what_to_set(
    make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(ValueError, match="set KAFKA_BOOTSTRAP_SERVERS"):
        make(Settings())  # type: ignore[operator]
