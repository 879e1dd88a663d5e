"""Types of the constants of engines and stages: what range a number may be set to.

Each constant is a field of a frozen `Config`, with one of these types and a docstring that says
what it does and where its value is from. `streams.settings_tree` makes one tree of them all.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
"""A share, a weight or a confidence."""
Score = Annotated[float, Meta(ge=-1.0, le=1.0)]
"""A score, or a correlation."""
Positive = Annotated[float, Meta(gt=0.0, le=1e15)]
"""A time, an amount, a scale: what something is divided by."""
Bps = Annotated[float, Meta(ge=0.0, le=5_000.0)]
"""Hundredths of a percent: a fee, a spread, a slippage."""
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
"""How many at least, at most, or at a time."""
Span = tuple[Positive, Positive]
"""The values that score 0 and 1, two different ones; falling where less is better."""
