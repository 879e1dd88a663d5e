"""Bybit spot (v5, unified account), simulated: REST under /v5, streams under /v5/public/spot."""

from simulator.bybit.routes import routes

__all__ = ["routes"]
