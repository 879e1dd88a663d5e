"""The schema registry as a server in the caller's event loop."""

from pathlib import Path

from aiohttp import web

from embedded.registry.journal import Journal, JournalError
from embedded.registry.routes import application
from embedded.registry.store import SubjectStore
from transport.supervision.processes import StartError

SHUTDOWN_TIMEOUT_S = 1.0


class Registry:
    """A schema registry for Avro on 127.0.0.1.

    In memory; with `journal`, a file, ids and subjects come back at the next start. `level` is the
    compatibility that new versions of a subject must have (compatibility.LEVELS).
    """

    name = "The embedded schema registry"

    def __init__(self, *, journal: Path | None = None, level: str = "BACKWARD") -> None:
        self._journal = journal
        self._level = level
        self._runner: web.AppRunner | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The address; RuntimeError while the registry is not running."""
        if self._url is None:
            message = f"{self.name} is not running."
            raise RuntimeError(message)
        return self._url

    def is_running(self) -> bool:
        """Return whether the registry accepts requests."""
        return self._runner is not None

    async def start(self, port: int = 0) -> str:
        """Listen on `port` of 127.0.0.1 (0: a free one) and return the URL, without a last slash.

        At once if it runs already. Raises StartError when the port is taken or the journal cannot
        be read.
        """
        if self._url is not None:
            return self._url
        runner = web.AppRunner(
            application(self._store()), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S
        )
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            await runner.cleanup()
            message = f"{self.name} cannot listen on port {port} of 127.0.0.1: {error}. "
            raise StartError(message + "Give another port, or 0 for a free one.") from error
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self._url

    async def stop(self) -> None:
        """Stop listening; requests under way get a second. What is in no journal is forgotten."""
        runner, self._runner, self._url = self._runner, None, None
        if runner is not None:
            await runner.cleanup()

    def _store(self) -> SubjectStore:
        if self._journal is None:
            return SubjectStore(self._level)
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            return SubjectStore(self._level, Journal(self._journal))
        except (OSError, JournalError, KeyError) as error:
            message = f"{self.name} cannot read its journal {self._journal}: {error}"
            raise StartError(message) from error
