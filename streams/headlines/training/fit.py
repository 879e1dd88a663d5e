"""One run of training: AdamW, warm-up and a straight line to 0, the rarer label counting more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import nn

from streams.headlines.model import LABELS, MAX_TOKENS, clean, spoken
from streams.headlines.training.data import Example
from streams.headlines.training.net import Net, by_length, tensors

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """How it is trained; each value was measured against its neighbours."""

    learning_rate: float = 2e-4
    epochs: int = 2
    batch: int = 32
    weight_decay: float = 0.01
    warm_up: float = 0.1
    gradient_clip: float = 1.0
    class_weight_power: float = 0.5
    """A label's weight is its frequency to minus this."""
    soft_learning_rate: float = 1e-4
    soft_epochs: int = 1
    """The last epochs on the mean of all seeds, with their labels for what nobody labelled."""
    soft_weight: float = 1.0
    half_precision: bool = False
    """Multiply in bfloat16: two to three times as fast where the processor knows it."""


def encode(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[Any]:
    """Return the tokens of (text, asset) as `OnnxModel` reads them."""
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    tokenizer.no_padding()
    told = [(clean(text), spoken(asset)) for text, asset in pairs]
    found: list[Any] = tokenizer.encode_batch([pair if pair[1] else pair[0] for pair in told])
    return found


def fit(
    net: Net,
    examples: Sequence[Example],
    weights: Sequence[float],
    tokenizer: Any,
    recipe: Recipe,
    *,
    seed: int,
    soft: bool = False,
    on_progress: OnProgress = lambda done, steps: None,
) -> None:
    """Train the network on examples with a weight each, in place."""
    torch.manual_seed(seed)
    epochs = recipe.soft_epochs if soft else recipe.epochs
    rate = recipe.soft_learning_rate if soft else recipe.learning_rate
    steps = epochs * ceil(len(examples) / recipe.batch)
    optimizer, schedule = _optimizer(net, recipe, rate, steps)
    targets = torch.tensor([one.target for one in examples])
    loss_weights = torch.tensor(weights, dtype=torch.float32)
    net.train()
    done = 0
    for epoch in range(epochs):
        encoded = encode(tokenizer, _asked(examples, epoch, seed))
        order = torch.randperm(len(examples)).tolist()
        parts = list(by_length(encoded, recipe.batch, order))
        for place in torch.randperm(len(parts)).tolist():
            part = parts[place]
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half_precision):
                logits = net(*tensors([encoded[at] for at in part])).float()
            loss = -(targets[part] * logits.log_softmax(1)).sum(1) * loss_weights[part]
            loss.mean().backward()
            nn.utils.clip_grad_norm_(net.parameters(), recipe.gradient_clip)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            done += 1
            on_progress(done, steps)


def class_weights(examples: Sequence[Example], power: float) -> list[float]:
    """Return the weight of each example: that of its labels, 1 in the mean."""
    share = torch.tensor([one.target for one in examples]).mean(0).clamp_min(1e-3)
    by_label = share**-power
    by_label /= (by_label * share).sum()
    return [
        sum(float(by_label[at]) * one.target[at] for at in range(len(LABELS))) for one in examples
    ]


def _asked(examples: Sequence[Example], epoch: int, seed: int) -> list[tuple[str, str]]:
    """Return what each example is asked about in an epoch: its assets by turns."""
    return [
        (one.text, one.assets[(at + epoch + seed) % len(one.assets)])
        for at, one in enumerate(examples)
    ]


def _optimizer(net: Net, recipe: Recipe, rate: float, steps: int) -> tuple[Any, Any]:
    trained = [one for one in net.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in trained if one.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [one for one in trained if one.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, fused=True)
    warm = max(1, round(steps * recipe.warm_up))

    def factor(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
