"""A fault of the embedded broker (Tansu 0.6.0) that loses records, and its cure.

Two producers write to one partition at the same moment, and the later batch becomes readable
before the earlier one. A fetch at that moment skips the earlier one; a consumer that takes it at
its word never sees those records. So a fetch ends where an offset is missing, and is asked again
from there: a moment later the batch is readable. Importing this module applies the cure, which
does nothing on Apache Kafka.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher

from transport.embedded_broker import skips_batches

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
"""A gap that is there for so long is the log's own, for example its beginning was deleted."""
_gaps: dict[tuple[Any, int], float] = {}

_unpack = fetcher.PartitionRecords._unpack_records


def _unpack_to_gap(self: Any) -> Iterator[Any]:
    if not skips_batches():
        yield from _unpack(self)
        return
    expected = self.next_fetch_offset
    for record in _unpack(self):
        if record.offset != expected and _may_close(self._tp, expected):
            self.next_fetch_offset = expected
            return
        expected = record.offset + 1
        yield record


def _may_close(partition: Any, offset: int) -> bool:
    """Return whether a gap is young enough to be one of the broker's, and remember it."""
    now_s = time.monotonic()
    place = (partition, offset)
    first_s = _gaps.setdefault(place, now_s)
    if first_s == now_s:
        _log.info("%s: offset %d is not readable yet; asking again", partition, offset)
        for old in [old for old, since_s in _gaps.items() if now_s - since_s > 60.0]:
            del _gaps[old]
    return now_s - first_s < _PATIENCE_S


fetcher.PartitionRecords._unpack_records = _unpack_to_gap
