"""The faults of the embedded broker (Tansu 0.6.0) and their workarounds, off on Apache Kafka.

* It names an end offset that is too low: `wrong_end_offsets`.
* A fetch can skip a batch that becomes readable a moment later: `skipped_batches`.
* A consumer group can keep a leader that is gone, so that nobody ever joins: `stuck_groups`.
* A waiting fetch is not woken by new records, it looks again after a part of its longest wait: with
  Faust's 1.5 s every hop would take half a second. So the wait is short: `FETCH_MAX_WAIT_MS`.
* aiokafka's idempotent producer fails at its first send: `transport.clients.producer`.
* It lists members that have left: `transport.groups`.
* A search by time gives the first offset always: `transport.log_reader`.

Only `transport` and `streams.agents.faust_ext` know of this package.
"""

from __future__ import annotations

import os

FETCH_MAX_WAIT_MS = 20
IN_MEMORY, DURABLE = "tansu", "tansu-durable"
"""Values of QUANTIVA_BROKER: Tansu alone, and with a log on disk before it (`embedded.durable`)."""


def is_embedded() -> bool:
    """Return whether this process talks to the embedded broker, of either kind."""
    return os.environ.get("QUANTIVA_BROKER") in (IN_MEMORY, DURABLE)


def skips_batches() -> bool:
    """Return whether a fetch can skip a batch; not where one producer writes at a time."""
    return os.environ.get("QUANTIVA_BROKER") == IN_MEMORY
