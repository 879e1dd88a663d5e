"""Whether a Kafka broker on 127.0.0.1 answers."""

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

REQUEST_TIMEOUT_MS = 3000


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
    client = AIOKafkaClient(
        bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    try:
        await client.bootstrap()
        # A real Kafka answers before it has joined its own cluster; it is not in the list then.
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
