"""quixstreams: a stateful `apply`, `to_topic`, RocksDB state and a changelog.

Its defaults, but for the session timeout.

Runs in the peers' environment (.venv-peers) and imports only `schemas` of this repository.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.checkpointing import Checkpoint

from benchmarks.job import Stopwatch, Times, moved, score_of
from benchmarks.workers import Order, order, report
from schemas.codec import Codec


def run(todo: Order) -> None:
    """Process the whole input and report."""
    codec = Codec(todo.schema_ids)
    watch = Stopwatch()
    app = Application(
        broker_address=todo.bootstrap,
        consumer_group=todo.group,
        auto_offset_reset="earliest",
        state_dir=todo.state_dir,
        loglevel="WARNING",
        # Only for the start, which is not measured: the embedded broker lets a member in after half
        # of it.
        consumer_extra_config={"session.timeout.ms": int(todo.session_timeout_s * 1000)},
    )
    candles = app.topic(todo.input_topic, key_deserializer="bytes", value_deserializer="bytes")
    scores = app.topic(todo.output_topic, key_serializer="bytes", value_serializer="bytes")
    seen = 0

    def score(value: bytes, state: State) -> bytes:
        nonlocal seen
        watch.first()
        candle = codec.decode(value)
        count, ema = moved(*state.get("ema", (0, 0.0)), candle.close)
        state.set("ema", (count, ema))
        seen += 1
        if seen == todo.events:
            app.stop()  # ends the loop after this message, with a last checkpoint
        where = message_context()
        return codec.encode(score_of(candle, count, ema, where.partition, where.offset))

    took = _watch_commits(watch)
    app.dataframe(candles).apply(score, stateful=True).to_topic(scores)
    app.run()
    report(took[-1])


def _watch_commits(watch: Stopwatch) -> list[Times]:
    """Note the time after each checkpoint, every 5 s: outputs flushed, offsets committed."""
    took: list[Times] = []
    commit = Checkpoint.commit

    def watched(self: Checkpoint, **options: Any) -> None:
        commit(self, **options)
        took.append(watch.read())

    Checkpoint.commit = watched
    return took


if __name__ == "__main__":
    run(order())
