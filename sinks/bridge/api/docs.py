"""The page at /docs: reads the OpenAPI document with the reader's token and shows it.

Its files hold no data and nothing comes from another host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FILES = Path(__file__).parent / "docs_files"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def docs_routes() -> list[web.RouteDef]:
    """Return the routes of the page and of its files, each by its own name."""
    return [
        web.get("/docs", _file(_FILES / "docs.html")),
        web.get("/docs/docs.js", _file(_FILES / "docs.js")),
        web.get("/docs/docs.css", _file(_FILES / "docs.css")),
    ]


def _file(path: Path) -> _Handler:
    headers = {**_HEADERS, "Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8"}

    async def send(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return send
