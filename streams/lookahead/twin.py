"""The parent's side of the sealed process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Self, cast

import msgspec

from streams.lookahead.child import Hello, Welcome, receive, send
from streams.stage import StrategyAt

_START = "import sys; sys.path[:] = sys.argv[1:]; from streams.lookahead.child import main; main()"


class TwinError(RuntimeError):
    """The sealed process ended or could not begin; `stage` says on whose account, if on one's."""

    def __init__(self, text: str, stage: str = "") -> None:
        super().__init__(text)
        self.stage = stage


class Twin:
    """A fresh Python that knows the stages by name, and the records that it was given.

    It is not forked and does not import the parent's main module, so it inherits no data.
    """

    def __init__(
        self, stages: Sequence[str], strategies: Mapping[str, StrategyAt], partitions: int = 1
    ) -> None:
        self._hello = Hello(tuple(stages), dict(strategies), partitions)
        self._exits = contextlib.ExitStack()

    def start(self) -> None:
        """Start the process; TwinError with the stage when one cannot be loaded under the seal."""
        with contextlib.ExitStack() as exits:
            exits.enter_context(contextlib.suppress(BrokenPipeError))
            self._errors = exits.enter_context(tempfile.TemporaryFile())
            self._process = exits.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _START, *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                )
            )
            exits.callback(self._process.kill)
            self._to = cast(IO[bytes], self._process.stdin)
            self._from = cast(IO[bytes], self._process.stdout)
            answer = self._ask(msgspec.msgpack.encode(self._hello))
            welcome = msgspec.msgpack.decode(answer, type=Welcome)
            if welcome.error:
                raise TwinError(welcome.error, welcome.stage)
            self._exits = exits.pop_all()

    def stop(self) -> None:
        """End the process."""
        self._exits.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.stop()

    def give(self, frame: bytes) -> None:
        """Give the next record; `answer` must be called before the one after it."""
        try:
            send(self._to, frame)
        except BrokenPipeError:
            raise self._ended() from None

    def answer(self) -> bytes:
        """Wait for the digest of what was said of the record given last."""
        frame = receive(self._from)
        if frame is None:
            raise self._ended()
        return frame

    def said(self) -> bytes:
        """Return all that was said of the record given last."""
        return self._ask(b"")

    def _ask(self, frame: bytes) -> bytes:
        self.give(frame)
        return self.answer()

    def _ended(self) -> TwinError:
        self._process.kill()
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {status}"
        return TwinError(f"the sealed process ended: {reason}")
