"""Binance spot, simulated: REST under /api/v3, streams under /ws and /stream/ws."""

from simulator.binance.routes import routes

__all__ = ["routes"]
