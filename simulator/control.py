"""The simulator's own paths: /_faults scripts faults, /_requests counts, /_time shows the clock."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from simulator.error_bodies import json_response
from simulator.faults import Fault, Faults
from transport.clock import Clock


class _Scripted(msgspec.Struct, frozen=True):
    """What is read beside the fault itself: `for_s` simulated seconds from now."""

    for_s: float | None = None


class Control:
    """Handlers of the simulator's own paths."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_get("/_requests", self._requests)
        app.router.add_get("/_time", self._time)
        app.router.add_get("/_faults", self._script)
        app.router.add_post("/_faults", self._add)
        app.router.add_delete("/_faults", self._remove)

    async def _requests(self, request: web.Request) -> web.Response:
        return json_response(self._faults.requests.report())

    async def _time(self, request: web.Request) -> web.Response:
        said: dict[str, Any] = {"now_ms": self._clock.now_ms()}
        for name in ("start_ms", "wall_start_ms", "speed"):
            if hasattr(self._clock, name):
                said[name] = getattr(self._clock, name)
        return json_response(said)

    async def _script(self, request: web.Request) -> web.Response:
        script = self._faults.script()
        rows = [
            {"number": number, "struck": struck, **msgspec.to_builtins(fault)}
            for number, (fault, struck) in script.items()
        ]
        return json_response(rows)

    async def _add(self, request: web.Request) -> web.Response:
        """Add the fault of the body: the fields of `Fault`, and `for_s` in place of a span."""
        try:
            fields = msgspec.json.decode(await request.read(), type=dict[str, Any])
            span = msgspec.convert(fields, _Scripted)
            fields.pop("for_s", None)
            fault = msgspec.convert(fields, Fault)
        except msgspec.DecodeError as error:
            return json_response({"error": f"no fault was added: {error}"}, 400)
        if span.for_s is not None:
            until_ms = self._clock.now_ms() + int(span.for_s * 1000)
            fault = msgspec.structs.replace(fault, until_ms=until_ms)
        return json_response({"number": self._faults.add(fault)}, 201)

    async def _remove(self, request: web.Request) -> web.Response:
        """Remove one fault (?number=), those of an upstream (?upstream=), or all."""
        number = request.query.get("number")
        if number is None:
            self._faults.clear(request.query.get("upstream"))
        elif number.isdigit():
            self._faults.remove(int(number))
        else:
            return json_response({"error": f"number {number} is not a fault's number"}, 400)
        return json_response({"left": len(self._faults.script())})
