"""The whole bridge as one application: websocket, REST interface and page on one port."""

from __future__ import annotations

from aiohttp import web

from sinks.bridge import page as pages
from sinks.bridge.api import Api, application
from sinks.bridge.hub import Hub

SHUTDOWN_S = 5.0
"""For `aiohttp.web.AppRunner`: the hub has said bye before, so nothing is worth a longer wait."""


def build_app(api: Api, hub: Hub, *, page: bool = True) -> web.Application:
    """Return the application; it starts and stops the hub, and closes nothing else.

    `api.latest` is the hub's, and `api.auth` is what the hub asks for tokens and tickets.
    """
    # The hub asks for the ticket itself.
    app = application(
        api, pages.routes() if page else (), ("/ws", *(("/", "/assets/") if page else ()))
    )
    hub.register(app)
    return app
