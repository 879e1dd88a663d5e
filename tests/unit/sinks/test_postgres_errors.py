"""Which errors of the database are worth waiting for."""

from __future__ import annotations

import asyncpg
import pytest

from sinks.base import SinkError, SinkUnavailableError
from sinks.postgres.errors import translate

DSN = "postgresql://somebody:secret@127.0.0.1:5432/quantiva"


class Lost:
    """All that `translate` asks of a connection: whether it is closed."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed

    def is_closed(self) -> bool:
        return self._closed


@pytest.mark.parametrize(
    ("error", "closed", "away"),
    [
        pytest.param(ConnectionResetError("reset"), True, True, id="reset"),
        pytest.param(asyncpg.InterfaceError("gone"), True, True, id="lost"),
        pytest.param(asyncpg.InterfaceError("wrong use"), False, False, id="wrong use"),
        pytest.param(
            asyncpg.InternalClientError("cannot switch to state 15"), False, True, id="protocol"
        ),
        pytest.param(asyncpg.AdminShutdownError("bye"), False, True, id="shutdown"),
        pytest.param(asyncpg.UndefinedTableError("no table"), False, False, id="no table"),
    ],
)
def test_what_is_waited_for(error: Exception, closed: bool, away: bool) -> None:
    said = translate(error, Lost(closed=closed), DSN)
    assert isinstance(said, SinkUnavailableError) == away
    assert isinstance(said, SinkError)
    assert "secret" not in str(said)
