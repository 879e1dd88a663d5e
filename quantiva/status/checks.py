"""What `quantiva doctor` checks on this machine: a small function each, never an exception."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.redact import shown
from transport.settings import Settings

_CORE = ("faust", "aiokafka", "confluent_kafka", "fastavro", "msgspec", "asyncpg", "uvloop")
PACKAGES = "packages"
_EMBEDDED = "pip install 'quantiva-streams[embedded]'"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; `remedy` is what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def python_version(settings: Settings) -> Check:
    """Python 3.11: the Faust shell is bound to it."""
    found = ".".join(str(number) for number in sys.version_info[:3])
    return Check(
        "python", sys.version_info[:2] == (3, 11), found, "run it with Python 3.11, in a new venv"
    )


def core_packages(settings: Settings) -> Check:
    """Load the packages without which nothing works."""
    broken = [check.detail for name in _CORE if not (check := _loads(name, name, "")).ok]
    detail = "; ".join(broken) or f"all {len(_CORE)} load"
    return Check(PACKAGES, not broken, detail, "pip install --force-reinstall quantiva-streams")


def pyarrow(settings: Settings) -> Check:
    """Load the reader of recorded data, if it is installed: nothing else needs it."""
    if importlib.util.find_spec("pyarrow") is None:
        extra = "pip install 'quantiva-streams[data]'"
        return Check("pyarrow", True, f"not installed; only recorded data needs it ({extra})")
    return _loads("pyarrow", "pyarrow", "pip install --force-reinstall pyarrow")


def embedded_broker(settings: Settings) -> Check:
    """Without an address the embedded broker is used: it must be there and executable."""
    name = "embedded broker"
    if settings.bootstrap:
        return Check(name, True, "not used: KAFKA_BOOTSTRAP_SERVERS is set")
    from embedded.broker import find_tansu
    from transport.supervision.processes import StartError

    try:
        return _executable(name, find_tansu())
    except (StartError, OSError) as error:
        return Check(name, False, str(error), f"{_EMBEDDED}, or set KAFKA_BOOTSTRAP_SERVERS")


def embedded_database(settings: Settings) -> Check:
    """Without an address the embedded database is used: it must be there and executable."""
    name = "embedded database"
    if settings.database_url:
        return Check(name, True, "not used: DATABASE_URL is set")
    from embedded.postgres_files import find_programs, unprivileged_account
    from transport.supervision.processes import StartError

    try:
        return _executable(name, find_programs(unprivileged_account()) / "postgres")
    except (StartError, OSError) as error:
        return Check(name, False, str(error), f"{_EMBEDDED}, or set DATABASE_URL")


def embedded_registry(settings: Settings) -> Check:
    """Without an address the embedded registry is used: its code must load."""
    name = "embedded registry"
    if settings.registry_url:
        return Check(name, True, f"not used: SCHEMA_REGISTRY_URL is {shown(settings.registry_url)}")
    return _loads(name, "embedded.registry.server", "set SCHEMA_REGISTRY_URL, or install again")


def state_dir(settings: Settings) -> Check:
    """Crash counts, logs and the address of a running stack go there."""
    path = settings.state_dir.resolve()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        remedy = "give it to this user, or set QUANTIVA_STATE_DIR to another folder"
        return Check("state folder", False, f"{existing}: {error.strerror}", remedy)
    where = str(path) if existing == path else f"{path} (will be made)"
    return Check("state folder", True, where)


LOCAL: tuple[Callable[[Settings], Check], ...] = (
    python_version,
    core_packages,
    pyarrow,
    state_dir,
    embedded_broker,
    embedded_database,
    embedded_registry,
)


def _executable(name: str, path: Path) -> Check:
    ok = os.access(path, os.X_OK)
    detail = f"would be used: {path}" if ok else f"{path} is not executable"
    return Check(name, ok, detail, f"chmod +x {path}")


def _loads(name: str, module: str, remedy: str) -> Check:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # a broken wheel may raise anything
        return Check(name, False, f"{type(error).__name__}: {error}", remedy)
    version = getattr(loaded, "__version__", None)
    return Check(name, True, version or "would be used: loads")
