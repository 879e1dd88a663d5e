"""The explanation of a signal, in prose.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

EXPLANATION_STATUSES = ("done", "failed", "skipped")


class Explanation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The explanation of one signal, in prose. There is at most one for each `signal_id`."""

    signal_id: str
    asset: str
    strategy_id: str
    cycle: int
    explained_at: int
    status: str
    text: str
    model: str
    input_hash: str
    reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
