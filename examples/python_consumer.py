"""Print trading signals as they come: confluent-kafka and its AvroDeserializer.

python examples/python_consumer.py                   until Ctrl-C
python examples/python_consumer.py --count 10        ends after ten signals

The addresses come from KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, or from a demo that runs
in this folder. The first start prints everything the topic holds; the next one goes on from there,
because the group's position is kept on the broker.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError


def addresses() -> dict[str, str]:
    """Return the environment, completed by the addresses that a running demo has written."""
    demo = Path(".quantiva/stack.json")
    found = json.loads(demo.read_text())["environment"] if demo.exists() else {}
    return {**found, **os.environ}


def show(signal: dict[str, Any]) -> None:
    """Do what your application does with a signal; `signal` has the fields of signal.avsc."""
    print(
        f"{signal['signal_id']} {signal['asset']:<6} {signal['strategy_id']:<10} "
        f"{signal['action']:<4} {signal['final_score']:+.3f} conf {signal['confidence']:.2f}",
        flush=True,
    )


def decoded(message: Message, decode: AvroDeserializer) -> dict[str, Any] | None:
    """Return the signal in a record; None, and a line on stderr, where nobody could read one.

    One record that cannot be read must not stop all that come after it. A registry that is away is
    another matter: its error ends the program, and the record comes again at the next start.
    """
    try:
        context = SerializationContext(message.topic(), MessageField.VALUE)
        signal: dict[str, Any] = decode(message.value(), context)
    except SchemaRegistryError as error:
        if error.http_status_code != 404:
            raise
        reason = str(error)
    except (SerializationError, ValueError, EOFError, IndexError) as error:
        reason = f"{type(error).__name__} {error}"
    else:
        return signal
    print(f"{message.partition()}:{message.offset()}: {reason}", file=sys.stderr)
    return None


def consume(consumer: Consumer, decode: AvroDeserializer, count: int | None) -> None:
    """Show each signal once, `count` of them or without an end."""
    seen: set[str] = set()
    while count is None or len(seen) < count:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            # librdkafka repairs what can be repaired by itself; the rest is for you.
            print(f"Kafka: {message.error().str()}", file=sys.stderr)
            if message.error().fatal():
                raise SystemExit(1)
            continue
        signal = decoded(message, decode)
        # After a crash of the platform, or of this program, a signal can come a second time. A set
        # ends with the process: an application with a database makes signal_id its primary key.
        if signal is not None and signal["signal_id"] not in seen:
            show(signal)
            seen.add(signal["signal_id"])
        # Only now is the record done: what was not shown comes again at the next start.
        consumer.store_offsets(message)


def main() -> None:
    """Read the arguments, connect, and consume until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Print trading signals as they come.")
    parser.add_argument("--group", default="example-python", help="consumer group")
    parser.add_argument("--count", type=int, help="end after so many signals")
    arguments = parser.parse_args()
    found = addresses()
    if "KAFKA_BOOTSTRAP_SERVERS" not in found or "SCHEMA_REGISTRY_URL" not in found:
        parser.exit(
            1, "Set KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, or start `quantiva demo`.\n"
        )
    # The timeout matters: without one, a registry that is silent holds this program for ever.
    registry = SchemaRegistryClient({"url": found["SCHEMA_REGISTRY_URL"], "timeout": 10})
    consumer = Consumer(
        {
            "bootstrap.servers": found["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": arguments.group,
            "auto.offset.reset": "earliest",  # where a group that is new begins
            "enable.auto.offset.store": False,  # see store_offsets above
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([found.get("QUANTIVA_PREFIX", "") + "signals"])
    try:
        consume(consumer, AvroDeserializer(registry), arguments.count)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()  # commits the position and leaves the group


if __name__ == "__main__":
    main()
