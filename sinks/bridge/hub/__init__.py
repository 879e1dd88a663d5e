"""The websocket side of the bridge; the protocol is in docs/bridge.md."""

from sinks.bridge.hub.hub import Hub, LogParts

__all__ = ["Hub", "LogParts"]
