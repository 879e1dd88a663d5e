"""An explanations sink as a process of its own, to be killed: `python -m ... SETTINGS_AS_JSON`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import replace
from functools import partial

from quantiva.wiring.sinks import EXPLANATIONS, explanations_sink, sink_runner
from schemas.codec import local_codec
from schemas.registry_client import Registry
from sinks.explanations.settings import ExplanationSettings
from transport.settings import Settings


async def main(given: dict[str, dict[str, object]]) -> None:
    settings = Settings(**given["settings"])  # type: ignore[arg-type]
    chosen = ExplanationSettings(**given["chosen"])  # type: ignore[arg-type]
    registry = Registry(settings.require_registry())
    entry = replace(EXPLANATIONS, make=partial(explanations_sink, chosen=chosen))
    await sink_runner(entry, settings, local_codec(), registry).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(json.loads(sys.argv[1])))
