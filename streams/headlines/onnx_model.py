"""A headline model on onnxruntime: the one that ships, or any that was exported."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from streams.headlines.model import (
    MAX_TOKENS,
    UNREAD,
    ModelError,
    batches,
    clean,
    config_of,
    in_our_order,
    label_order,
    spoken,
    version_of,
)
from streams.headlines.probabilities import Probabilities

FILES = ("model.onnx", "tokenizer.json", "config.json")
"""What a directory holds; a `config.json` with "reads_asset": true is told the asset, too."""
_INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
_PROBE = ("Bitcoin rises", "BTC")


class OnnxModel:
    """A `TextModel` out of a directory with `FILES`."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load it and try it on one text; ModelError when it cannot be used."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            msg = f"the headline model {folder} lacks {', '.join(missing)}; copy all of its files"
            raise ModelError(msg)
        config = config_of(folder)
        self.name = str(config.get("_name_or_path") or folder.name)
        self.version = version_of(folder / name for name in FILES)
        self._order = label_order(folder, config)
        self._reads_asset = config.get("reads_asset") is True
        self._session = _session(folder / FILES[0])
        self._tokenizer = _tokenizer(folder / FILES[1])
        self._pool = ThreadPoolExecutor(threads, "headline-model") if threads > 1 else None
        self._inputs = {one.name: _INPUTS.get(one.name, "") for one in self._session.get_inputs()}
        if "" in self._inputs.values():
            msg = f"{folder}/model.onnx wants {', '.join(self._inputs)}: it reads no texts"
            raise ModelError(msg)
        self.probabilities([_PROBE])

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Return the probabilities of each (text, asset), in order."""
        found = [UNREAD] * len(texts)
        read = [(place, clean(text), asset) for place, (text, asset) in enumerate(texts)]
        read = [one for one in read if one[1]]
        encoded = [self._encoded(text, asset) for _, text, asset in read]
        parts = batches([len(one.ids) for one in encoded])
        groups = [[encoded[at] for at in part] for part in parts]
        rows = self._pool.map(self._run, groups) if self._pool else map(self._run, groups)
        for part, answers in zip(parts, rows, strict=True):
            for at, row in zip(part, answers, strict=True):
                found[read[at][0]] = row
        return found

    def _encoded(self, text: str, asset: str) -> Any:
        pair = spoken(asset) if self._reads_asset else ""
        return self._tokenizer.encode(text, pair) if pair else self._tokenizer.encode(text)

    def _run(self, encoded: list[Any]) -> list[Probabilities]:
        import numpy as np

        width = max(len(one.ids) for one in encoded)
        feed = {}
        for name, attribute in self._inputs.items():
            table = np.zeros((len(encoded), width), np.int64)  # padding is masked, whatever its id
            for row, one in zip(table, encoded, strict=True):
                values = getattr(one, attribute)
                row[: len(values)] = values
            feed[name] = table
        logits = self._session.run(None, feed)[0].astype(np.float64)
        if logits.shape != (len(encoded), len(self._order)):
            msg = (
                f"{self.name} answers {logits.shape[1:]} a text, and its config.json names "
                f"{len(self._order)} labels: the files are of two models"
            )
            raise ModelError(msg)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        table = shifted / shifted.sum(axis=1, keepdims=True)
        return [in_our_order(self.name, self._order, row) for row in table.tolist()]


def _session(path: Path) -> Any:
    """Return the network, one thread a run: several batches run side by side instead."""
    try:
        import onnxruntime
    except ImportError as error:
        msg = f"{path} needs onnxruntime ({error}): pip install onnxruntime"
        raise ModelError(msg) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        msg = f"{path} is broken ({str(error)[:200]}); copy it again"
        raise ModelError(msg) from error


def _tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
    except ImportError as error:
        msg = f"{path} needs tokenizers ({error}): pip install tokenizers"
        raise ModelError(msg) from error
    except Exception as error:  # as the library raises it
        msg = f"{path} is broken ({str(error)[:200]}); copy it again"
        raise ModelError(msg) from error
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    tokenizer.no_padding()
    return tokenizer
