"""Free TCP ports of 127.0.0.1."""

import random
import socket
from pathlib import Path

LOWEST, HIGHEST = 15000, 64000
ATTEMPTS = 500
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections linger (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(count: int = 1) -> int:
    """Return the first of `count` consecutive free ports of 127.0.0.1, each call another one.

    The ports lie outside the range from which the kernel takes the ports of outgoing connections:
    there, any client could take the port before the server listens, or while it restarts.
    Raises OSError when no such ports were found.
    """
    first, last = _outgoing_range()
    for _ in range(ATTEMPTS):
        port = random.randint(LOWEST, HIGHEST - count)
        wanted = range(port, port + count)
        if any(first <= p <= last or p in _given or not is_free(p) for p in wanted):
            continue
        _given.update(wanted)
        return port
    message = f"No {count} consecutive free ports of 127.0.0.1 between {LOWEST} and {HIGHEST}."
    raise OSError(message)


def _outgoing_range() -> tuple[int, int]:
    """Return the kernel's range for outgoing connections, an empty one if it leaves no room."""
    try:
        first, last = (int(number) for number in _RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        first, last = 49152, 65535  # IANA's, which the other systems use
    crowded = first - LOWEST < 1000 and HIGHEST - last < 1000
    return (0, -1) if crowded else (first, last)
