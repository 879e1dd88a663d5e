"""What the stages said of one record as bytes, and where two sayings of it differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from streams.lookahead.guard import REFUSAL
from streams.lookahead.steps import Step
from streams.replay.sandbox import SealedError

_ENCODER = msgspec.msgpack.Encoder()
DIGEST_BYTES = 16
NOTHING = "nothing"
_REFUSALS = (REFUSAL, f"{SealedError.__name__}: ")


def output_digest(steps: Sequence[Step]) -> bytes:
    """Return the outputs and errors of steps as bytes, in the order in which they came."""
    return _ENCODER.encode(
        [
            (step.stage.name, step.error, step.outputs)
            for step in steps
            if step.outputs or step.error
        ]
    )


def digest(said: bytes) -> bytes:
    """Return what stands for `said` between the processes."""
    return blake2b(said, digest_size=DIGEST_BYTES).digest()


class Difference(NamedTuple):
    """A field that is not the same on both sides; `NOTHING` where a side does not have it."""

    stage: str
    field: str
    with_future: str
    without_future: str
    refused: bool = False


def differences(with_future: bytes, without_future: bytes) -> list[Difference]:
    """Return the first difference of every stage, in the order in which stages spoke."""
    ours, theirs = _by_stage(with_future), _by_stage(without_future)
    found = []
    for stage in dict.fromkeys((*ours, *theirs)):
        here, there = ours.get(stage, {}), theirs.get(stage, {})
        error = there.get("error", "")
        if error.startswith(_REFUSALS):
            found.append(Difference(stage, "error", here.get("error", NOTHING), error, True))
            continue
        field = next(unequal(here, there), None)
        if field is not None:
            found.append(Difference(stage, field, _value(here, field), _value(there, field)))
    return found


def _by_stage(said: bytes) -> dict[str, dict[str, Any]]:
    """Return the fields that each stage said; a number tells its outputs apart, if many."""
    stages: dict[str, dict[str, Any]] = {}
    for stage, error, outputs in msgspec.msgpack.decode(said):
        fields = stages.setdefault(stage, {})
        if error:
            fields["error"] = error
        for output in outputs:
            place = f"{output['topic']}[{fields.get('outputs', 0)}]."
            fields["outputs"] = fields.get("outputs", 0) + 1
            fields |= flat(output["event"], "" if fields["outputs"] == 1 else place)
    return stages


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of nested dicts and lists by dotted names."""
    if not isinstance(value, (dict, list)):
        return {name: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    leaves: dict[str, Any] = {}
    for key, inner in items:
        leaves |= flat(inner, f"{name}{'.' if name and not name.endswith('.') else ''}{key}")
    return leaves


_FIRST = ("error", "outputs", "score", "final_score", "action", "confidence")


def unequal(here: dict[str, Any], there: dict[str, Any]) -> Iterator[str]:
    """Yield the names of what differs, those that matter most first."""
    for name in dict.fromkeys((*_FIRST, *here, *there)):
        # As bytes: NaN equals itself, and 1 is not 1.0.
        if _ENCODER.encode(here.get(name, NOTHING)) != _ENCODER.encode(there.get(name, NOTHING)):
            yield name


def _value(fields: dict[str, Any], name: str) -> str:
    return short(fields.get(name, NOTHING))


def short(value: Any) -> str:
    """Return a value as a text that fits a line."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
