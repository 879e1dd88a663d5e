"""A process that owns parts: prints their pids as JSON once they are ready, then waits."""

import asyncio
import json
import sys

from embedded.kafka import ApacheKafka
from embedded.stack import Stack


async def own_stack() -> None:
    async with Stack(fast=True) as stack:
        print(json.dumps({"broker": stack.broker.pid, "database": stack.database.pid}), flush=True)
        await asyncio.Event().wait()


async def own_kafka() -> None:
    kafka = ApacheKafka()
    await kafka.start()
    print(json.dumps({"kafka": kafka.pid}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(own_kafka() if sys.argv[1] == "kafka" else own_stack())
    except KeyboardInterrupt:
        sys.exit(130)
