"""The REST interface: `routes` to mount, `middlewares` around the whole application."""

from sinks.bridge.api.database import open_pool
from sinks.bridge.api.middleware import middlewares
from sinks.bridge.api.mount import routes
from sinks.bridge.api.parts import Api, Latest, Price, TopicState
from sinks.bridge.api.table import ROUTES

__all__ = ["ROUTES", "Api", "Latest", "Price", "TopicState", "middlewares", "open_pool", "routes"]
