"""From a torch network to a directory that `OnnxModel` reads: int8 weights, tokenizer, config."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.headlines import samples
from streams.headlines.labelled import texts_of
from streams.headlines.model import LABELS, TextModel, likeliest
from streams.headlines.onnx_model import OnnxModel
from streams.headlines.transformers_model import TransformersModel

_OPSET = 17
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class _Positional(torch.nn.Module):
    """A classifier that takes its inputs by place, as the exporter gives them."""

    def __init__(self, network: Any, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *values: Any) -> Any:
        """Return the logits."""
        return self.network(**dict(zip(self.names, values, strict=True))).logits


def export(net: torch.nn.Module, inputs: Mapping[str, Any], folder: Path, *, int8: bool) -> None:
    """Write `model.onnx` of a network that returns logits, batch and length free."""
    folder.mkdir(parents=True, exist_ok=True)
    free = {0: "texts", 1: "tokens"}
    with tempfile.TemporaryDirectory(dir=folder) as work:
        whole = Path(work) / "fp32.onnx"
        with torch.no_grad():
            torch.onnx.export(
                net.eval(),
                tuple(inputs.values()),
                str(whole),
                input_names=list(inputs),
                output_names=["logits"],
                dynamic_axes={**dict.fromkeys(inputs, free), "logits": {0: "texts"}},
                opset_version=_OPSET,
                dynamo=False,
            )
        onnx.checker.check_model(str(whole))
        if int8:
            quantize_dynamic(
                whole, folder / "model.onnx", weight_type=QuantType.QInt8, per_channel=True
            )
        else:
            shutil.move(whole, folder / "model.onnx")


def write_config(
    folder: Path, name: str, labels: Sequence[str] = LABELS, *, reads_asset: bool
) -> None:
    """Write the `config.json` of a model with these labels, in the order of its outputs."""
    config = {
        "_name_or_path": name,
        "id2label": {str(at): label for at, label in enumerate(labels)},
        "reads_asset": reads_asset,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def export_classifier(
    place: str, folder: Path, check: Path | None, threads: int = 1
) -> tuple[float, int]:
    """Write a sequence classifier as int8; return the share of equal labels, of how many texts.

    `check` is a file of texts to compare on; None: headlines of the simulated market.
    """
    before = TransformersModel(place, threads)
    before.network.config._attn_implementation = "eager"
    encoded = before.tokenizer(["Bitcoin rises", "Up"], padding=True, return_tensors="pt")
    names = [name for name in _INPUTS if name in encoded]
    export(
        _Positional(before.network, names),
        {name: encoded[name] for name in names},
        folder,
        int8=True,
    )
    before.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    labels = [LABELS[at] for at in before.order]
    write_config(folder, before.name, labels, reads_asset=False)
    texts = [(text, "") for text in (texts_of(check) if check else samples(ASSETS))]
    return same_labels(before, OnnxModel(folder, threads), texts), len(texts)


def same_labels(one: TextModel, other: TextModel, texts: Sequence[tuple[str, str]]) -> float:
    """Return the share of texts that two models give the same label."""
    pairs = zip(one.probabilities(texts), other.probabilities(texts), strict=True)
    return sum(likeliest(a) == likeliest(b) for a, b in pairs) / len(texts)
