"""Takes one signal from fusion to everyone who reads it back; prints what each sees of a field.

python -m tests.integration.sinks.signal_journey DSN FIELD
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from schemas.codec import local_codec
from sinks.bridge.api import open_pool
from sinks.explanations.signals import facts_in
from sinks.postgres import PostgresSink, migrate
from streams.provenance.sources import database
from tests.contract.sink_samples import record
from tests.integration.sinks.bench import Rows
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge, settings
from tests.unit.streams.fusion.fusion_factories import Feed, answers, make_strategy


async def seen(dsn: str, field: str) -> dict[str, Any]:
    """Return the field's value by who reads it."""
    made = Feed(make_strategy()).signal(*answers())
    codec = local_codec()
    read = codec.decode(codec.encode(made))
    await migrate(dsn)
    sink = PostgresSink(dsn, run_migrations=False)
    sink.add([record(read)])
    await sink.flush()
    await sink.close()
    ((body,),) = await Rows(dsn).query("SELECT body FROM strategy_signals")
    ((metadata,),) = await Rows(dsn).query("SELECT metadata FROM signal_details")
    (why,) = await database.signals(dsn, made.signal_id, 2)
    pool = await open_pool(dsn, settings())
    async with bridge(Memory(), pool) as it:
        (listed,) = (await it.get("/api/v1/signals"))["items"]
        one = (await it.get(f"/api/v1/signals/{made.signal_id}"))["signal"]
    await pool.close()
    return {
        "fusion": getattr(made, field),
        "codec": getattr(read, field),
        "SQL": json.loads(metadata)[field],
        "why": getattr(why, field),
        "history": listed[field],
        "one signal": one[field],
        "explanation": getattr(facts_in(body), field),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(seen(*sys.argv[1:]))))
