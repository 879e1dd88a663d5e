"""The sides of `headlines_*`: a JSON order as argument, a JSON line as result.

"prepare" and "transformers pipeline" run in the peers' environment (.venv-peers).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.workers import RESULT
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.headlines import samples
from streams.headlines.model import SHIPPED

SHAPES = {
    "headlines_shipped": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
    },
    "headlines_bert_base": {},  # as BertConfig has it
}
LABELS = {0: "positive", 1: "negative", 2: "neutral"}
SPREAD = 2.0
"""Random weights as they come say nearly the same of every text."""


def prepare(order: dict[str, Any]) -> dict[str, Any]:
    """Make a classifier of the shape in `torch`, and export FinBERT's to `int8`."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder = Path(order["folder"])
    config = BertConfig(**SHAPES[order["name"]], id2label=LABELS, label2id={
        label: at for at, label in LABELS.items()
    })  # fmt: skip
    network = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, one in network.named_parameters():
            if one.ndim > 1 and "embeddings" not in name:
                one.mul_(SPREAD)
    network.save_pretrained(folder / "torch")
    special = {
        f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")
    }
    PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED / "tokenizer.json"), **special
    ).save_pretrained(folder / "torch")
    if order["name"] != "headlines_bert_base":
        return {}
    from streams.headlines.training.export import export_classifier

    same, texts = export_classifier(str(folder / "torch"), folder / "int8", None, threads=2)
    return {"same_label": same, "texts": texts}


def ours(order: dict[str, Any]) -> dict[str, Any]:
    """Label every headline with the model of a directory."""
    from streams.headlines.onnx_model import OnnxModel

    model = OnnxModel(Path(order["folder"]), order["threads"])
    texts = [(text, "") for text in samples(ASSETS)]
    model.probabilities(texts[:64])
    return timed(len(texts), lambda: model.probabilities(texts))


def pipeline(order: dict[str, Any]) -> dict[str, Any]:
    """Label some headlines one by one, as the manual of transformers does."""
    import torch
    import transformers

    torch.set_num_threads(order["threads"])
    label = transformers.pipeline("text-classification", model=order["folder"], device="cpu")
    every = samples(ASSETS)
    texts = every[:: 40 if order["quick"] else 8]
    for text in every[:10]:
        label(text)
    return timed(len(texts), lambda: [label(text) for text in texts])


def timed(texts: int, work: Callable[[], Any]) -> dict[str, Any]:
    """Return how long the work took on the wall."""
    since = time.perf_counter()
    work()
    return {"texts": texts, "seconds": time.perf_counter() - since}


def main() -> None:
    """Run the side of the order and report."""
    order = json.loads(sys.argv[1])
    sides = {"prepare": prepare, "ours": ours, "transformers pipeline": pipeline}
    print(RESULT + json.dumps(sides[order["side"]](order)), flush=True)


if __name__ == "__main__":
    main()
