"""Stock Faust, written as its tutorial does it: an agent, a Table, `await topic.send`.

Its defaults, but for what the embedded broker needs to let it join soon (session timeout) and what
only helps it: uvloop, raw topics so that no value is encoded twice, no web server.
"""

from __future__ import annotations

import asyncio

import faust
import uvloop

from benchmarks.job import Stopwatch, moved, score_of
from benchmarks.workers import Order, order, report
from schemas.codec import Codec


async def run(todo: Order) -> None:
    """Process the whole input and report."""
    codec = Codec(todo.schema_ids)
    watch = Stopwatch()
    seen = 0
    app = faust.App(
        todo.group,
        broker=f"kafka://{todo.bootstrap}",
        store="memory://",
        datadir=todo.state_dir,
        topic_partitions=todo.partitions,
        topic_disable_leader=True,
        web_enabled=False,
        broker_session_timeout=todo.session_timeout_s,
        broker_heartbeat_interval=1.0,
    )
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw"}
    candles = app.topic(todo.input_topic, value_serializer="raw", **raw)
    scores = app.topic(todo.output_topic, value_serializer="raw", **raw)
    emas = app.Table("emas", default=lambda: (0, 0.0), partitions=todo.partitions)

    @app.agent(candles)
    async def score(stream: faust.StreamT[bytes]) -> None:
        nonlocal seen
        async for event in stream.events():
            watch.first()
            candle = codec.decode(event.value)
            count, ema = moved(*emas[candle.asset], candle.close)
            emas[candle.asset] = (count, ema)
            out = score_of(candle, count, ema, event.message.partition, event.message.offset)
            await scores.send(key=event.key, value=codec.encode(out))
            seen += 1

    app.finalize()
    await app.start()
    while seen < todo.events:
        if app._crashed.is_set():
            raise RuntimeError(app.crash_reason)
        await asyncio.sleep(0.005)
    await app.producer.flush()
    while _committed(app, todo.input_topic) < todo.events:
        await app.consumer.commit()
        await asyncio.sleep(0.001)
    report(watch.read())


def _committed(app: faust.App, topic: str) -> int:
    offsets = app.consumer._committed_offset
    return sum(offset or 0 for tp, offset in offsets.items() if tp.topic == topic)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(run(order()))
