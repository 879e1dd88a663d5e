"""Parameters of a request, read as the vendors read them."""

from __future__ import annotations


def whole(text: str | None, default: int) -> int:
    """Return a whole number from 0 on; the default without one, and for anything else."""
    return int(text) if text is not None and text.isdecimal() else default
