"""A real Apache Kafka (KRaft, one node) for tests and benchmarks; never started by the product.

It is not in this repository: a folder beside it holds a start script and the broker's jars.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from embedded.service import Service
from transport.readiness import kafka_answers
from transport.supervision.processes import Command, StartError

HOME_VARIABLE = "QUANTIVA_KAFKA_HOME"


def find_kafka() -> Path | None:
    """Return the folder with Kafka's start script, or None.

    It is the one that QUANTIVA_KAFKA_HOME names, or `../shared/kafka` beside the repository.
    None as well when there is no `java` on the PATH: the script needs Java 17.
    """
    given = os.environ.get(HOME_VARIABLE)
    home = Path(given) if given else _repository().parent / "shared" / "kafka"
    usable = os.access(home / "kafka", os.X_OK) and shutil.which("java") is not None
    return home if usable else None


def _repository() -> Path:
    """Return the nearest folder above this file that holds pyproject.toml."""
    here = Path(__file__).resolve().parent
    return next((p for p in here.parents if (p / "pyproject.toml").is_file()), here)


class ApacheKafka(Service):
    """Apache Kafka on 127.0.0.1. `start()` returns its bootstrap address, "host:port".

    Topics outlive `kill()` and `start()`, also `stop()` when `directory` is given. The controller
    takes the next port. `extra` are broker properties that add to the script's or override them.
    `home` is the folder of the start script, by default what `find_kafka()` finds.
    """

    name: ClassVar[str] = "Apache Kafka"
    part: ClassVar[str] = "kafka"
    hint: ClassVar[str] = (
        f"It needs Java 17 on the PATH and {HOME_VARIABLE}, a folder with the start script `kafka`."
    )
    ready_within_s: ClassVar[float] = 60.0
    port_count: ClassVar[int] = 2

    def __init__(
        self,
        *,
        directory: Path | None = None,
        port: int | None = None,
        extra: Mapping[str, str] | None = None,
        home: Path | None = None,
    ) -> None:
        super().__init__(directory=directory, port=port)
        self._extra = dict(extra or {})
        self._home = home

    @property
    def bootstrap(self) -> str:
        """The bootstrap address; RuntimeError before the first start."""
        return self.address

    def _address(self, port: int) -> str:
        return f"127.0.0.1:{port}"

    async def _prepare(self) -> None:
        await super()._prepare()
        lines = "".join(f"{name}={value}\n" for name, value in self._extra.items())
        properties = self._folder.path / "extra.properties"
        if lines:
            properties.write_text(lines, encoding="utf-8")
        else:
            properties.unlink(missing_ok=True)

    def _command(self, port: int) -> Command:
        home = self._home or find_kafka()
        if home is None:
            message = f"{self.name} was not found. {self.hint}"
            raise StartError(message)
        # The script becomes the broker (exec), so the child's pid is the broker's.
        return Command(
            name=self.name,
            argv=(str(home / "kafka"), "run", str(port), str(self._folder.path)),
            log=self.log,
            grace_s=20.0,
            remove=self._folder.temporary,
        )

    async def _answers(self, port: int) -> bool:
        return await kafka_answers(port)
