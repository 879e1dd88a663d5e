"""The REST interface; `application` is aiohttp's with it."""

from sinks.bridge.api.database import open_pool
from sinks.bridge.api.mount import ROUTES, application
from sinks.bridge.api.routing import Api

__all__ = ["ROUTES", "Api", "application", "open_pool"]
