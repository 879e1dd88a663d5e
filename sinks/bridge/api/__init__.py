"""The REST interface: `ROUTES` are its endpoints, `Api` is what their handlers use."""

from sinks.bridge.api import (
    capital,
    market,
    on_demand,
    outcomes,
    portfolios,
    rankings,
    service,
    signals,
    strategies,
    track_record,
)
from sinks.bridge.api.database import open_pool
from sinks.bridge.api.route_decorator import Api, Route

ROUTES: tuple[Route, ...] = (
    *signals.routes,
    *on_demand.routes,
    *rankings.routes,
    *market.routes,
    *strategies.routes,
    *portfolios.routes,
    *capital.routes,
    *track_record.routes,
    *outcomes.routes,
    *service.routes,
)
"""Every endpoint but health and the OpenAPI document."""

__all__ = ["ROUTES", "Api", "open_pool"]
