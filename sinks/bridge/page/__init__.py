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
    script = chart_script()
    chart = web.get(CHART_PATH, _file(script, HEADERS) if script else _no_chart)
    return [*files(STATIC, "/", "/assets/", HEADERS), chart]


def files(folder: Path, index: str, under: str, headers: dict[str, str]) -> list[web.RouteDef]:
    """Return a route for each file of a folder: its HTML file at `index`, the rest `under`."""
    return [
        web.get(
            index if path.suffix == ".html" else under + path.relative_to(folder).as_posix(),
            _file(path, headers),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def _file(path: Path, headers: dict[str, str]) -> _Handler:
    headers = headers | {"Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8"}

    async def send(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return send


async def _no_chart(_: web.Request) -> web.StreamResponse:
    """Answer with a script that does nothing: a missing package is no error in the console."""
    text = f"/* {CHART_PACKAGE} is not installed: no charts. */"
    return web.Response(text=text, content_type="text/javascript", headers=HEADERS)
