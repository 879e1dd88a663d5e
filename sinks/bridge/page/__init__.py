"""The page at `/`: static files that hold no data, a strict policy, nothing from another host.

Its script talks to /api/v1 and /ws with the token that the reader gives it. The chart library comes
from an installed package that ships it; without that package the page says so and works on.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"
CHART_PATH = "/assets/vendor/lightweight-charts.js"
CHART_PACKAGE, CHART_FILE = "litecharts", "js/lightweight-charts.js"

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Asked for again each time, answered 304 while nothing has changed: a new version is there
    # with the next load, without a build step that would put hashes into names.
    "Cache-Control": "no-cache",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def chart_script() -> Path | None:
    """Return the installed chart library's script; None where its package is not installed."""
    found = importlib.util.find_spec(CHART_PACKAGE)  # not imported: only its file is served
    for folder in (found.submodule_search_locations if found else None) or ():
        script = Path(folder) / CHART_FILE
        if script.is_file():
            return script
    return None


def routes() -> list[web.RouteDef]:
    """Return the routes of the page: every file by its own name, so no path leads elsewhere."""
    found = [web.get("/", _file(STATIC / "index.html"))]
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.name != "index.html":
            found.append(web.get(f"/assets/{path.relative_to(STATIC).as_posix()}", _file(path)))
    script = chart_script()
    return [*found, web.get(CHART_PATH, _file(script) if script else _no_chart)]


def _file(path: Path) -> _Handler:
    headers = HEADERS | {"Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8"}

    async def send(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return send


async def _no_chart(_: web.Request) -> web.StreamResponse:
    """Answer with a script that does nothing: a missing package is no error in the console."""
    text = f"/* {CHART_PACKAGE} is not installed: no charts. */"
    return web.Response(text=text, content_type="text/javascript", headers=HEADERS)
