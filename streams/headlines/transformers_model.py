"""A headline model on torch and transformers: any sequence classifier that is on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
    version_of,
)
from streams.headlines.probabilities import Probabilities

_TOKENIZERS = (
    *("tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "spiece.model"),
    *("sentencepiece.bpe.model", "tokenizer.model"),
)
_PROBE = "Bitcoin rises after a record inflow"


class TransformersModel:
    """A `TextModel` out of a directory, or of the local Hugging Face cache by its name."""

    def __init__(self, place: str, threads: int) -> None:
        """Load it and try it on one text; ModelError when it cannot be used."""
        try:
            import torch
            import transformers
        except ImportError as error:
            msg = (
                f"the headline model {place} needs torch and transformers ({error}): pip install "
                "'quantiva-streams[finbert]', or unset QUANTIVA_HEADLINE_MODEL for the one that "
                "ships with the project"
            )
            raise ModelError(msg) from error
        self._torch = torch
        torch.set_num_threads(threads)
        folder = _folder(place)
        config = config_of(folder)
        self.order = label_order(folder, config)
        weights = _weights(folder)
        tokens = [folder / name for name in _TOKENIZERS if (folder / name).is_file()]
        if not tokens:
            msg = (
                f"{place} has no tokenizer: copy its tokenizer.json, or vocab.txt and "
                "tokenizer_config.json, beside the weights"
            )
            raise ModelError(msg)
        self.name = place if folder != Path(place).expanduser() else folder.name
        self.version = version_of((*weights, *tokens, folder / "config.json"))
        self.tokenizer = _loaded(transformers.AutoTokenizer, folder)
        self.network = _checked(place, torch, transformers, folder, len(self.order))
        if len(self.tokenizer) > self.network.config.vocab_size:
            msg = (
                f"{place}: the tokenizer has {len(self.tokenizer)} words and the weights "
                f"{self.network.config.vocab_size}; they are of two models"
            )
            raise ModelError(msg)
        self.probabilities([(_PROBE, "")])

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Return the probabilities of each text, in order; it is not told the asset."""
        found = [UNREAD] * len(texts)
        read = [(place, words) for place, (text, _) in enumerate(texts) if (words := clean(text))]
        if not read:
            return found
        ids = self.tokenizer([words for _, words in read], truncation=True, max_length=MAX_TOKENS)[
            "input_ids"
        ]
        for part in batches([len(one) for one in ids]):
            padded = self.tokenizer.pad(
                {"input_ids": [ids[at] for at in part]}, return_tensors="pt"
            )
            with self._torch.inference_mode():
                logits = self.network(**padded).logits
            rows = logits.double().softmax(dim=1).tolist()
            for at, row in zip(part, rows, strict=True):
                found[read[at][0]] = in_our_order(self.name, self.order, row)
        return found


def _folder(place: str) -> Path:
    """Return the directory of a model; one of the cache is looked up there and nowhere else."""
    folder = Path(place).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1:
        msg = f"there is no directory {folder}; QUANTIVA_HEADLINE_MODEL names the headline model"
        raise ModelError(msg)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(place, local_files_only=True))
    except Exception as error:  # of the hub or of the name: in both cases it is not here
        msg = (
            f"the headline model {place} is neither a directory nor in the local Hugging Face "
            f"cache, and nothing is downloaded unasked: `hf download {place}` fetches it"
        )
        raise ModelError(msg) from error


def _weights(folder: Path) -> list[Path]:
    """Return the files of the weights, all shards; ModelError when there are none or one lacks."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return [folder / name]
        if not index.is_file():
            continue
        try:
            shards = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            msg = f"{index} is broken ({error}); copy it again"
            raise ModelError(msg) from error
        missing = [shard for shard in shards if not (folder / shard).is_file()]
        if missing:
            msg = f"{folder} lacks {', '.join(missing)} of its weights; copy all of its files"
            raise ModelError(msg)
        return [folder / shard for shard in shards]
    msg = f"{folder} has no weights: there is neither model.safetensors nor pytorch_model.bin"
    raise ModelError(msg)


def _loaded(kind: Any, folder: Path, **more: Any) -> Any:
    """Return what `from_pretrained` makes of a directory, without asking any other machine."""
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, **more)
    except Exception as error:  # of the file format, of torch, of the configuration
        msg = (
            f"{folder} cannot be loaded ({type(error).__name__}: {str(error)[:200]}); copy it again"
        )
        raise ModelError(msg) from error


def _checked(place: str, torch: Any, transformers: Any, folder: Path, labels: int) -> Any:
    """Return the network after looking at every weight."""
    kind = transformers.AutoModelForSequenceClassification
    model, info = _loaded(kind, folder, output_loading_info=True, dtype=torch.float32)
    lacking = sorted(info["missing_keys"]) + sorted(map(str, info.get("mismatched_keys", ())))
    if lacking:  # transformers would fill them with random numbers
        msg = (
            f"{place} is no trained classifier: its weights lack {', '.join(lacking[:3])}; "
            "name a model that was tuned for sentiment"
        )
        raise ModelError(msg)
    broken = [name for name, one in model.named_parameters() if not torch.isfinite(one).all()]
    if broken:
        msg = f"{place} has weights that are no numbers (NaN) in {broken[0]}; copy it again"
        raise ModelError(msg)
    if model.config.num_labels != labels or model.config.problem_type not in (
        None,
        "single_label_classification",
    ):
        msg = f"{place} does not choose one label of {labels}: it is no sentiment classifier"
        raise ModelError(msg)
    return model.eval()
