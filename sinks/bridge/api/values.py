"""Types of parameters: their limits are checked on the way in and stand in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from schemas.names import MOST_ID, SYMBOL_PATTERN
from schemas.outcomes import HORIZON_MS
from schemas.validation import CANDLE_MS

T = TypeVar("T")

LATEST_MS = 253_402_300_799_999
AssetName = Annotated[
    str, Meta(pattern=SYMBOL_PATTERN, description="Symbol in capitals, of any script: BTC.")
]
# $ of Python lets a line end follow, that of OpenAPI (ECMAScript) does not: hence (?!\n).
StrategyId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)", description="Id of a strategy.")
]
SignalId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{6,32}$(?!\n)",
        description="A signal's id, or its first 6 digits or more where they are unique.",
    ),
]
EventId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="An id of your own for it, so that sending it again is safe.",
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=MOST_ID)]
TimeMs = Annotated[int, Meta(ge=0, le=LATEST_MS, description="ms since 1970 UTC.")]
Cursor = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,4000}$(?!\n)",
        description="`next` of the page before; the filters stay the same.",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=200, description="Most items of a page.")]
Share = Annotated[float, Meta(ge=0, le=1)]
Action = Literal["BUY", "SELL", "HOLD"]
Trigger = Literal["cycle", "change", "request"]
ExplanationStatus = Literal["pending", "requested", "done", "failed", "skipped"]
Step = Literal["10m", "1h", "4h", "1d", "1w"]
Horizon = Literal["1h", "4h", "1d", "7d"]
assert set(Horizon.__args__) == set(HORIZON_MS)  # type: ignore[attr-defined]  # noqa: S101
Timeframe = Literal["5m", "15m", "1h", "4h", "1d"]
assert set(Timeframe.__args__) == set(CANDLE_MS)  # type: ignore[attr-defined]  # noqa: S101


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class Paged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every list with pages takes."""

    limit: Limit = 50
    cursor: Cursor | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of a list. `next` is the cursor of the next page; null: this was the last."""

    items: tuple[T, ...]
    next: str | None = None


class Items(msgspec.Struct, Generic[T], frozen=True):
    """A whole list."""

    items: tuple[T, ...]
