"""Whether a Kafka broker answers."""

import asyncio

from aiokafka.errors import KafkaError

from transport import clients
from transport.settings import Settings

_TIMEOUT_S = 3.0


async def accepts(port: int) -> bool:
    """Return whether something accepts connections on this port of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def kafka_answers(port: int) -> bool:
    """Return whether a metadata request is answered, and names a broker that takes requests."""
    # The plain connection first: aiokafka logs an error for each attempt that fails.
    if not await accepts(port):
        return False
    try:
        # A real Kafka answers before it has joined its own cluster; it is not in the list then.
        return await broker_count(Settings(bootstrap=f"127.0.0.1:{port}"), _TIMEOUT_S) > 0
    except (KafkaError, OSError):
        return False


async def broker_count(settings: Settings, timeout_s: float) -> int:
    """Return how many brokers the cluster has; each request may take `timeout_s`.

    Raises KafkaError or OSError when none answers, ValueError without an address.
    """
    client = clients.metadata(settings, timeout_s)
    try:
        await client.bootstrap()
        return len(client.cluster.brokers())
    finally:
        await client.close()
