"""`headlines_*`: our headline model on two threads beside the transformers pipeline, one by one.

Both sides label the same headlines on two threads in a process of its own; loading is outside the
clock. The pipeline's network has the shape of ours and random weights, which take as long.

headlines_shipped    the model that comes with the project
headlines_bert_base  a network of FinBERT's shape, exported by `quantiva sentiment export`
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.report import Goals, Result, SkippedError, heading
from streams.headlines.model import SHIPPED as SHIPPED_FOLDER

SHIPPED, BERT_BASE = "headlines_shipped", "headlines_bert_base"
PEER = "transformers pipeline"
GOALS = Goals({PEER: 12.0})
UNIT = "headlines/s"
THREADS = 2


async def measure(name: str, *, quick: bool) -> Result:
    """Run both sides in turn, some times over."""
    heading(name, f"headlines labelled on {THREADS} threads")
    return await asyncio.to_thread(_measure, name, quick)


def _measure(name: str, quick: bool) -> Result:
    missing = peers.missing("transformers", install=not quick)
    if missing and name == BERT_BASE:
        msg = f"transformers is {missing}, and makes the network"
        raise SkippedError(msg)
    with tempfile.TemporaryDirectory() as folder:
        made: dict[str, Any] = {}
        if missing is None:
            made = peers.report_of(
                "labelling", {"side": "prepare", "name": name, "folder": folder}, of_peer=True
            )
        return _compared(name, Path(folder), made, missing, quick)


def _compared(
    name: str, folder: Path, made: dict[str, Any], missing: str | None, quick: bool
) -> Result:
    of_ours = SHIPPED_FOLDER if name == SHIPPED else folder / "int8"
    runs: dict[str, list[float]] = {"ours": [], PEER: []}
    for _ in range(1 if quick else 3):
        for side, place in (("ours", of_ours), (PEER, folder / "torch")):
            if side == PEER and missing is not None:
                continue
            order = {"side": side, "folder": str(place), "threads": THREADS, "quick": quick}
            found = peers.report_of("labelling", order, of_peer=side == PEER)
            rate = found["texts"] / found["seconds"]
            runs[side].append(rate)
            print(f"  {side:<22}{found['texts']:>6,} texts{rate:>10,.0f} {UNIT}", flush=True)
    ours = round(median(runs["ours"]))
    theirs = round(median(runs[PEER])) if runs[PEER] else None
    ratios = {} if theirs is None else {PEER: round(ours / theirs, 2)}
    same = made.get("same_label") if name == BERT_BASE else _card().get("same_label_as_fp32")
    if same is None:
        text = ""
    elif name == BERT_BASE:
        text = f"same label as fp32 on {same:.1%}; of random weights, so one label may be all"
    else:
        text = f"same label as fp32 on {same:.1%} of its development sets"
    return Result(
        name,
        ours,
        UNIT,
        str(GOALS),
        GOALS.met(ratios),
        {PEER: missing or theirs or "failed"},
        ratios,
        {"threads": THREADS, "runs": runs, "same_label_as_fp32": same},
        text,
    )


def _card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((SHIPPED_FOLDER / "card.json").read_text("utf-8"))
    return card
