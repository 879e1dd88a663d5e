"""Faults of aiokafka 0.14 that hang a worker, and their cures. Importing this module applies them.

With uvloop, a write to a socket that the broker's death has already closed raises RuntimeError.
aiokafka expects OSError only, so its metadata task dies in silence and every later coordinator
lookup waits for ever: the worker looks healthy and never commits again.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def _send_or_connection_error(self: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return _send(self, *args, **kwargs)
    except RuntimeError as error:
        broken = KafkaConnectionError(f"connection to {self._host}:{self._port}: {error}")
        self.close(exc=broken)
        raise broken from error


AIOKafkaConnection.send = _send_or_connection_error
