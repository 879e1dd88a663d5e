"""The peers' own environment: quixstreams pins a confluent-kafka that we do not want."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.report import SideFailedError
from benchmarks.workers import RESULT

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / ".venv-peers"
PYTHON = FOLDER / "bin" / "python"
_COMMON = ("fastavro", "msgspec", "orjson", "pyarrow")
"""For our own `schemas`, and to read recorded candles."""

_TRANSFORMERS = (
    "transformers==5.24.0 torch==2.13.0 onnx==1.23.2 onnxruntime==1.32.0 pydantic-settings"
)
"""With what `streams.headlines` needs to export a network."""
PACKAGES = {
    "quixstreams": "quixstreams==3.28.1",
    "backtesting": "backtesting==0.6.6",
    "nautilus-trader": "nautilus_trader==1.221.0",  # the last one for Python 3.11
    "transformers": _TRANSFORMERS,
}
"""What pip installs for a peer, by its package."""
_SHOWN = (*PACKAGES, "confluent-kafka", "fastavro", "msgspec", "numpy", "pandas", "torch")
_INSTALL_LIMIT_S = _LIMIT_S = 300.0


def missing(peer: str, *, install: bool) -> str | None:
    """Return None when a peer is there, if need be after installing it; else why it is not."""
    if peer in versions():
        return None
    if not install:
        return "not installed"
    print(f"  installing {peer} into .venv-peers (once)", flush=True)
    try:
        if not PYTHON.exists():
            venv.create(FOLDER, with_pip=True)
        subprocess.run(
            [PYTHON, "-m", "pip", "install", "--quiet", *PACKAGES[peer].split(), *_COMMON],
            check=True,
            capture_output=True,
            timeout=_INSTALL_LIMIT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return "not installed"
    finally:
        versions.cache_clear()
    return None if peer in versions() else "not installed"


@cache
def versions() -> dict[str, str]:
    """Return the versions of what is installed there, by package."""
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({d.name.lower().replace('_', '-'): d.version"
        " for d in m.distributions()}))"
    )
    try:
        run = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return {}
    installed = json.loads(run.stdout)
    return {name: installed[name] for name in _SHOWN if name in installed}


def python_of(side: str) -> str:
    """Return the interpreter that a side of `stage_*` runs on."""
    return str(PYTHON) if side == "quix" else sys.executable


def report_of(module: str, order: dict[str, Any], *, of_peer: bool = False) -> dict[str, Any]:
    """Run a worker of `benchmarks.workers` to its end and return what it reports.

    `of_peer`: in the environment of the peers. Raises SideFailedError with the last lines that it
    wrote when it reports nothing, or has not ended within five minutes.
    """
    try:
        ended = subprocess.run(
            [
                str(PYTHON) if of_peer else sys.executable,
                "-m",
                f"benchmarks.workers.{module}",
                json.dumps(order),
            ],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"not finished within {_LIMIT_S:.0f} s"
        raise SideFailedError(msg) from error
    lines = ended.stdout.splitlines()
    for text in lines:
        if text.startswith(RESULT):
            found: dict[str, Any] = json.loads(text.removeprefix(RESULT))
            return found
    msg = "\n    ".join([f"status {ended.returncode}", *(text[:200] for text in lines[-8:])])
    raise SideFailedError(msg)
