"""Sequence classifiers of FinBERT's shape, made here: what is loaded, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification, BertModel

from streams.headlines.model import (
    SHIPPED,
    UNREAD,
    HeadlineModelSettings,
    ModelError,
    TextModel,
    load_model,
)
from streams.headlines.transformers_model import TransformersModel

pytestmark = pytest.mark.slow
FINBERT = {"0": "positive", "1": "negative", "2": "neutral"}
TONE = {"0": "Neutral", "1": "Positive", "2": "Negative"}
TEXTS = [("Exchange hacked", "BTC"), ("Bitcoin soars on record inflows", ""), ("A word", "ETH")]


def network(
    labels: dict[str, str], spread: float = 50.0, **shape: Any
) -> BertForSequenceClassification:
    """Return a network whose answers depend on the text; the same one at every call."""
    torch.manual_seed(0)
    config = BertConfig(
        id2label={int(at): name for at, name in labels.items()},
        label2id={name: int(at) for at, name in labels.items()},
        **shape,
    )
    made = BertForSequenceClassification(config)
    with torch.no_grad():
        made.classifier.weight *= spread
        made.bert.pooler.dense.bias.normal_()
    return made


def small(folder: Path, labels: dict[str, str] = FINBERT, **saving: Any) -> Path:
    """Write a network of the same kind in small, with its tokenizer; return the directory."""
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    network(labels, intermediate_size=128, **shape).save_pretrained(folder, **saving)
    shutil.copy(SHIPPED / "tokenizer.json", folder)
    tokenizer = {"tokenizer_class": "BertTokenizerFast", "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.fixture(scope="module")
def finbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory like ProsusAI/finbert's: 110 million weights in one file."""
    folder = tmp_path_factory.mktemp("finbert")
    network(FINBERT, 5.0).save_pretrained(folder)
    shutil.copy(SHIPPED / "tokenizer.json", folder)
    return folder


def loaded(folder: Path) -> TextModel:
    model = load_model(HeadlineModelSettings(model=str(folder)))
    assert model is not None
    return model


def scores(folder: Path) -> list[float]:
    return [one.score for one in loaded(folder).probabilities(TEXTS)]


def edit(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_finbert_s_shape_is_loaded_and_answers_in_order(finbert: Path) -> None:
    model = loaded(finbert)
    assert isinstance(model, TransformersModel)
    assert len(model.version) == 12
    odd = [*TEXTS, ("", ""), ("https://t.co/x", ""), ("\ud800 " * 500, "BTC")]
    said = model.probabilities(odd * 12)
    assert len(said) == 12 * len(odd)
    assert said[3] == said[4] == UNREAD
    assert all(sum(one) == pytest.approx(1.0) for one in said)
    assert len({round(one.score, 5) for one in said[:3]}) == 3
    for n, one in enumerate(said):
        assert one == pytest.approx(said[n % len(odd)], abs=1e-4)
    assert model.probabilities([]) == []


def test_the_same_weights_with_another_order_of_labels(tmp_path: Path) -> None:
    one = small(tmp_path / "a", FINBERT)
    other = small(tmp_path / "b", {"0": "negative", "1": "positive", "2": "neutral"})
    assert scores(one) == pytest.approx([-score for score in scores(other)])
    assert loaded(one).version != loaded(other).version
    small(tmp_path / "c", TONE)
    said = loaded(tmp_path / "c").probabilities(TEXTS)[0]
    wanted = loaded(one).probabilities(TEXTS)[0]
    assert (said.neutral, said.bullish, said.bearish) == pytest.approx(
        (wanted.bullish, wanted.bearish, wanted.neutral)
    )


def test_sharded_weights_are_those_of_one_file(tmp_path: Path) -> None:
    whole = small(tmp_path / "whole")
    sharded = small(tmp_path / "sharded", max_shard_size="2MB")
    shards = sorted(sharded.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert scores(sharded) == scores(whole)
    shards[0].unlink()
    with pytest.raises(ModelError, match=rf"lacks {shards[0].name} of its weights"):
        loaded(sharded)


def test_weights_of_the_old_kind_are_read(tmp_path: Path) -> None:
    folder = small(tmp_path / "new")
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    assert scores(old) == scores(folder)


@pytest.mark.parametrize("size", [0, 20, 100_000])
def test_a_broken_file_is_refused(tmp_path: Path, size: int) -> None:
    weights = small(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*; copy it again"):
        loaded(tmp_path)


def test_weights_that_are_missing_are_refused(tmp_path: Path) -> None:
    (small(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        loaded(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_config_is_refused(tmp_path: Path, content: str) -> None:
    (small(tmp_path) / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config.json .*copy the model again"):
        loaded(tmp_path)


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = small(tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer: copy its tokenizer.json"):
        loaded(folder)


def test_a_broken_tokenizer_is_refused(tmp_path: Path) -> None:
    (small(tmp_path) / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        loaded(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = small(tmp_path)
    other = network(FINBERT, hidden_size=64, num_hidden_layers=1, num_attention_heads=2,
                    intermediate_size=64, vocab_size=1000)  # fmt: skip
    other.save_pretrained(folder)
    with pytest.raises(ModelError, match="they are of two models"):
        loaded(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    path = small(tmp_path) / "model.safetensors"
    weights = load_file(path)
    weights["bert.encoder.layer.1.output.dense.weight"][3, 5] = value
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"no numbers \(NaN\) in bert.encoder.layer.1"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
        {"0": "joy", "1": "anger", "2": "fear"},
    ],
)
def test_unknown_labels_are_refused(tmp_path: Path, labels: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="needs an id2label of bearish, bullish and neutral"):
        loaded(small(tmp_path, labels))


def test_a_base_without_a_head_is_refused(tmp_path: Path) -> None:
    folder = small(tmp_path)
    config = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=128)  # fmt: skip
    BertModel(config).save_pretrained(folder)
    edit(folder, "config.json", id2label=FINBERT, architectures=["BertModel"])
    with pytest.raises(ModelError, match="no trained classifier: its weights lack classifier"):
        loaded(folder)


def test_a_classifier_of_several_labels_at_once_is_refused(tmp_path: Path) -> None:
    edit(small(tmp_path), "config.json", problem_type="multi_label_classification")
    with pytest.raises(ModelError, match="no sentiment classifier"):
        loaded(tmp_path)


def test_the_cache_is_asked_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "models--Some--finbert"
    commit = "0" * 40
    small(cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    model = load_model(HeadlineModelSettings(model="Some/finbert"))
    assert model is not None
    assert model.name == "Some/finbert"
    with pytest.raises(ModelError, match=r"nothing is downloaded unasked: `hf download ProsusAI"):
        load_model(HeadlineModelSettings(model="ProsusAI/finbert"))


def test_exported_it_runs_without_torch_and_says_the_same(tmp_path: Path) -> None:
    from streams.headlines.onnx_model import OnnxModel
    from streams.headlines.training.export import export_classifier

    folder = small(tmp_path / "torch", TONE)
    same, texts = export_classifier(str(folder), tmp_path / "onnx", None)
    assert texts > 1000
    assert same > 0.9
    model = loaded(tmp_path / "onnx")
    assert isinstance(model, OnnxModel)
    for one, other in zip(
        model.probabilities(TEXTS), loaded(folder).probabilities(TEXTS), strict=True
    ):
        assert one == pytest.approx(other, abs=0.1)


def test_exported_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from streams.headlines.onnx_model import OnnxModel
    from streams.headlines.training.export import export_classifier

    folder = small(tmp_path / "torch")
    export_classifier(str(folder), tmp_path / "onnx", None)
    weights = (tmp_path / "onnx" / "model.onnx").read_bytes()
    bias = load_file(folder / "model.safetensors")["bert.pooler.dense.bias"].numpy().tobytes()
    assert weights.count(bias) == 1
    broken = weights.replace(bias, b"\x00\x00\xc0\x7f" * (len(bias) // 4))
    (tmp_path / "onnx" / "model.onnx").write_bytes(broken)
    with pytest.raises(ModelError, match=r"no number \(NaN\); its weights are broken"):
        OnnxModel(tmp_path / "onnx", 1)
