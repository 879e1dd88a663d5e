"""Tables for state: recovery that is quick and complete, values written by the stage itself."""

from __future__ import annotations

from typing import Any

from faust.tables.manager import TableManager

_CHANGELOG_QUEUE = 131_072


class QuickTableManager(TableManager):  # type: ignore[misc]
    """No second of sleep at the start, and a changelog queue that recovery does not fill."""

    _changelog_queue: Any

    async def sleep(self, seconds: Any, **kwargs: Any) -> None:
        """Only `on_start` sleeps, for one second, waiting for nothing in particular."""
        await super().sleep(min(float(seconds), 0.01))

    @property
    def changelog_queue(self) -> Any:
        """Queue between the consumer and the recovery."""
        if self._changelog_queue is None:
            self._changelog_queue = self.app.FlowControlQueue(
                maxsize=_CHANGELOG_QUEUE, clear_on_resume=True
            )
        return self._changelog_queue
