"""`quantiva sentiment train`: from labelled files to a directory that scores headlines.

Each seed is trained from the same start. Their mean teaches the last epochs: it labels, softly, the
headlines that nobody labelled. Which of seeds, mean weights and pupil is kept is decided on the
development sets; what the card says was measured on texts that none of them saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from streams.headlines.evaluation import Verdict, measure, verdicts
from streams.headlines.labelled import Labelled
from streams.headlines.model import LABELS
from streams.headlines.training.data import Data, Example, gather
from streams.headlines.training.export import export, same_labels, write_config
from streams.headlines.training.fit import Recipe, class_weights, encode, fit
from streams.headlines.training.net import BASE_PACKAGE, Net, base_folder, predict, tensors

Tell = Callable[[str, int, int], None]
"""What is done, steps done, steps in all."""
State = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What is to be trained, from what."""

    files: Sequence[Path]
    out: Path
    held_back: Sequence[Path] = ()
    base: Path | None = None
    name: str = "quantiva-headlines"
    seeds: int = 1
    soft: bool = True
    threads: int = 2
    recipe: Recipe = field(default_factory=Recipe)


class _Training:
    """One order at work: its data, tokenizer and progress."""

    def __init__(self, order: Order, tell: Tell) -> None:
        torch.set_num_threads(order.threads)
        self.order, self.tell = order, tell
        self.base = order.base or base_folder()
        self.tokenizer = Tokenizer.from_file(str(self.base / "tokenizer.json"))
        self.data: Data = gather(order.files, order.held_back)
        self.scores: dict[str, dict[str, float]] = {}
        torch.manual_seed(0)
        self.net = Net(self.base)
        self.start = _copy(self.net.state_dict())

    def seed(self, seed: int) -> State:
        """Return the weights of a seed; those of an earlier run on the same data are taken."""
        digests = [one["sha256"] for one in self.data.files]
        content = json.dumps([digests, asdict(self.order.recipe), len(self.data.train), seed])
        key = sha256(content.encode()).hexdigest()[:12]
        path = self.order.out / "seeds" / f"{seed}-{key}.pt"
        if not path.exists():
            self.net.load_state_dict(self.start)
            weights = class_weights(self.data.train, self.order.recipe.class_weight_power)
            self._fit(f"seed {seed}", self.data.train, weights, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(self.net.state_dict(), path)
        state: State = torch.load(path, weights_only=True)
        self.measure_on_dev(f"seed {seed}", state)
        return state

    def pupil(self, start: State, teachers: Sequence[State]) -> State:
        """Return the weights after the last epochs, with the teachers' labels of all titles."""
        texts = self.data.unlabelled
        encoded = encode(self.tokenizer, [(text, "") for text in texts])
        said = sum(self._predicted(state, encoded) for state in teachers) / len(teachers)
        soft = [
            Example(text, ("",), (row[0], row[1], row[2]))
            for text, row in zip(texts, said.tolist(), strict=True)
        ]
        weights = class_weights(self.data.train, self.order.recipe.class_weight_power)
        self.net.load_state_dict(start)
        every = weights + [self.order.recipe.soft_weight] * len(soft)
        self._fit("pupil", self.data.train + soft, every, len(teachers), soft=True)
        state = _copy(self.net.state_dict())
        self.measure_on_dev("pupil", state)
        return state

    def _fit(
        self,
        what: str,
        examples: Sequence[Example],
        weights: Sequence[float],
        seed: int,
        *,
        soft: bool = False,
    ) -> None:
        def told(done: int, steps: int) -> None:
            self.tell(what, done, steps)

        recipe = self.order.recipe
        fit(
            self.net, examples, weights, self.tokenizer, recipe,
            seed=seed, soft=soft, on_progress=told,
        )  # fmt: skip

    def _predicted(self, state: State, encoded: Sequence[Any]) -> Any:
        self.net.load_state_dict(state)
        return predict(self.net, encoded)

    def measure_on_dev(self, what: str, state: State) -> float:
        """Note the macro-F1 of weights on each development set, and return the mean."""
        found = {}
        for name, texts in self.data.dev.items():
            if texts:
                encoded = encode(self.tokenizer, [(one.text, one.asset) for one in texts])
                said = [
                    Verdict(LABELS[row.index(max(row))], max(row))
                    for row in self._predicted(state, encoded).tolist()
                ]
                found[name] = round(measure(what, texts, said).macro_f1, 4)
        found["mean"] = round(sum(found.values()) / max(1, len(found)), 4)
        self.scores[what] = found
        return found["mean"]

    def calibrate(self) -> float:
        """Divide the logits by what makes the development sets likeliest, and return it."""
        rows = [one for texts in self.data.dev.values() for one in texts]
        if not rows:
            return 1.0
        encoded = encode(self.tokenizer, [(one.text, one.asset) for one in rows])
        logits = predict(self.net, encoded).clamp_min(1e-9).log()
        true = torch.tensor([LABELS.index(one.label) for one in rows])
        loss = {
            tenths / 10: float(torch.nn.functional.cross_entropy(logits / (tenths / 10), true))
            for tenths in range(5, 41)
        }
        temperature = min(loss, key=loss.__getitem__)
        with torch.no_grad():
            self.net.head.weight /= temperature
            self.net.head.bias /= temperature
        return temperature


def train(order: Order, tell: Tell) -> dict[str, Any]:
    """Train, write the directory, and return its card; ModelError or LabelledFileError."""
    work = _Training(order, tell)
    order.out.mkdir(parents=True, exist_ok=True)
    states = {f"seed {seed}": work.seed(seed) for seed in range(order.seeds)}
    teachers = list(states.values())
    if order.seeds > 1:
        states["mean of seeds"] = {
            name: sum(state[name] for state in teachers) / len(teachers)
            if value.is_floating_point()
            else value
            for name, value in teachers[0].items()
        }
        work.measure_on_dev("mean of seeds", states["mean of seeds"])
    if order.soft and work.data.unlabelled:
        start = states[_best(work, states)]
        states["pupil"] = work.pupil(start, teachers)
    chosen = _best(work, states)
    work.net.load_state_dict(states[chosen])
    return _written(work, chosen, work.calibrate())


def _best(work: _Training, states: dict[str, State]) -> str:
    return max(states, key=lambda name: work.scores[name]["mean"])


def _copy(state: State) -> State:
    return {name: value.detach().clone() for name, value in state.items()}


def _written(work: _Training, chosen: str, temperature: float) -> dict[str, Any]:
    """Export the network as int8, measure it beside fp32, and write all files."""
    from streams.headlines.onnx_model import OnnxModel

    order, data = work.order, work.data
    work.net.encoder.config._attn_implementation = "eager"  # what the exporter knows
    example = tensors(encode(work.tokenizer, [("Bitcoin rises", "BTC"), ("Up", "")]))
    inputs = dict(zip(("input_ids", "attention_mask", "token_type_ids"), example, strict=True))
    whole = order.out / "fp32"
    for folder, int8 in ((order.out, True), (whole, False)):
        export(work.net, inputs, folder, int8=int8)
        write_config(folder, order.name, reads_asset=True)
        work.tokenizer.no_truncation()
        work.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    small, large = (OnnxModel(folder, order.threads) for folder in (order.out, whole))
    dev = [(one.text, one.asset) for texts in data.dev.values() for one in texts]
    card = {
        "name": order.name,
        "version": small.version,
        "base": {"package": BASE_PACKAGE if order.base is None else str(order.base.name)},
        "recipe": {
            **asdict(order.recipe),
            "seeds": order.seeds,
            "kept": chosen,
            "temperature": temperature,
        },
        "files": data.files,
        "examples": len(data.train),
        "titles_labelled_softly": len(data.unlabelled) if order.soft else 0,
        "development_macro_f1": work.scores,
        "same_label_as_fp32": round(same_labels(small, large, dev), 4) if dev else None,
        "held_back": {name: _scores(texts, small) for name, texts in data.held.items() if texts},
    }
    (order.out / "card.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return card


def _scores(texts: Sequence[Labelled], model: Any) -> dict[str, Any]:
    found = verdicts(texts, model)
    rows = {voice: measure(voice, texts, said) for voice, said in found.items()}
    return {
        "texts": len(texts),
        **{
            voice: {"macro_f1": round(one.macro_f1, 4), "accuracy": round(one.accuracy, 4)}
            for voice, one in rows.items()
        },
    }
