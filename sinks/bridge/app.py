"""The whole bridge as one application: websocket, REST interface and page on one port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from sinks.bridge import api, page
from sinks.bridge.api.parts import Api, Pool, PublishRequest, PublishStrategy
from sinks.bridge.hub import Hub
from sinks.bridge.settings import BridgeSettings
from transport.clock import wall_ms

if TYPE_CHECKING:
    from sinks.bridge.auth import Auth

SHUTDOWN_S = 5.0
"""For `aiohttp.web.AppRunner`: the hub has said bye before, so nothing is worth a longer wait."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a bridge is made of; None is a part that there is not, and what needs it says so.

    `auth` is the one of the hub's door, with the same database.
    """

    settings: BridgeSettings
    hub: Hub
    auth: Auth
    database: Pool | None = None
    publish_strategy: PublishStrategy | None = None
    publish_request: PublishRequest | None = None
    page: bool = True


def build_app(parts: Parts) -> web.Application:
    """Return the application; it starts and stops the hub, and closes nothing else."""
    rest = Api(
        settings=parts.settings,
        auth=parts.auth,
        latest=parts.hub.latest,
        database=parts.database,
        publish_strategy=parts.publish_strategy,
        publish_request=parts.publish_request,
        now_ms=wall_ms,
    )
    open_paths = ["/ws"]  # the hub asks for the ticket itself
    routes = api.routes(rest)
    if parts.page:
        routes += page.routes()
        open_paths += ["/", "/assets/"]
    app = web.Application(
        middlewares=api.middlewares(rest, open_paths),
        client_max_size=parts.settings.max_body_bytes,
    )
    app.add_routes(routes)
    parts.hub.register(app)
    return app
