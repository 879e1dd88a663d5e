"""`quantiva why` answers within a second: what is slow to import stays out of it."""

from __future__ import annotations

import json
import subprocess
import sys

MODULES = (
    "quantiva.commands.why",
    "streams.provenance.explain",
    "streams.provenance.screen",
    "streams.provenance.sources.archive",
    "streams.provenance.sources.database",
    "streams.provenance.sources.kafka",
)
SLOW = {"faust", "mode", "confluent_kafka", "pandas", "pyarrow", "fsspec", "yoyo", "psycopg"}


def test_it_brings_nothing_slow_with_it() -> None:
    code = f"import json, sys, {', '.join(MODULES)}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(json.loads(done.stdout))
    assert set(MODULES) <= loaded
    assert not SLOW & loaded
