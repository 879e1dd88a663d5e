"""The scoring engines by name, with the weight that fusion gives each where a strategy gives none.

A new engine is one line here, its module `streams/engines/<name>.py`, and its test: the topology
imports the module by this name.
"""

from __future__ import annotations

DEFAULT_WEIGHTS = {
    "sentiment": 0.35,
    "technical": 0.25,
    "fundamental": 0.15,
    "event_risk": 0.15,
    "liquidity": 0.10,
}
"""Weights of the specification's fusion formula; the order is that of every list of engines."""

ENGINES = tuple(DEFAULT_WEIGHTS)
