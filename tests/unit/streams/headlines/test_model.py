"""What a headline model reads, what its labels are, and which one is taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streams.headlines.model import (
    SHIPPED,
    UNREAD,
    HeadlineModelSettings,
    ModelError,
    batches,
    clean,
    in_our_order,
    label_order,
    likeliest,
    load_model,
    spoken,
    version_of,
)
from streams.headlines.onnx_model import FILES, OnnxModel


@pytest.fixture(scope="module")
def shipped() -> OnnxModel:
    return OnnxModel(SHIPPED, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped model, to break."""
    for name in FILES:
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Bitcoin &amp; Ether rise", "Bitcoin & Ether rise"),
        ("Up 5%  https://t.co/abc pic.twitter.com/x", "Up 5%"),
        ("a\n\tb", "a b"),
        ("https://t.co/abc", ""),
        ("half a pair \ud800", "half a pair ?"),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_what_is_read_of_a_text(text: str, read: str) -> None:
    assert clean(text) == read


def test_an_asset_is_told_by_name_and_ticker() -> None:
    assert spoken("BTC") == "Bitcoin BTC"
    assert spoken("XRP") == "XRP"
    assert spoken("QQQQ") == "QQQQ"
    assert spoken("") == ""


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ({"0": "positive", "1": "negative", "2": "neutral"}, (1, 0, 2)),
        ({"0": "Neutral", "1": "Bullish", "2": "Bearish"}, (2, 1, 0)),
        ({"2": "NEG", "0": "NEU", "1": "POS"}, (2, 1, 0)),
        ({"0": "NEGATIVE", "1": "POSITIVE"}, (0, 1)),
    ],
)
def test_the_labels_order_is_the_config_s(labels: dict[str, str], order: tuple[int, ...]) -> None:
    assert label_order(Path("m"), {"id2label": labels}) == order


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}, id="numbers"),
        pytest.param({"0": "positive", "1": "neutral"}, id="no bad side"),
        pytest.param({"0": "positive", "1": "negative", "2": "bullish"}, id="one twice"),
        pytest.param({"0": "1 star", "1": "5 stars"}, id="stars"),
        pytest.param({"zero": "positive", "one": "negative"}, id="keys"),
        pytest.param(["positive", "negative"], id="a list"),
        pytest.param(None, id="none"),
    ],
)
def test_labels_that_mean_nothing_are_refused(labels: Any) -> None:
    with pytest.raises(ModelError, match="needs an id2label of bearish, bullish and neutral"):
        label_order(Path("m"), {"id2label": labels})


def test_a_row_is_put_in_our_order() -> None:
    assert in_our_order("m", (1, 0, 2), (0.7, 0.2, 0.1)) == (0.2, 0.7, 0.1)
    assert in_our_order("m", (0, 1), (0.9, 0.1)) == (0.9, 0.1, 0.0)
    with pytest.raises(ModelError, match=r"m answers with what is no number"):
        in_our_order("m", (0, 1, 2), (0.1, float("nan"), 0.1))


def test_batches_hold_texts_of_a_length() -> None:
    found = batches([9, 1, 5] * 20)
    assert sorted(place for part in found for place in part) == list(range(60))
    assert [len(part) for part in found] == [16, 16, 16, 12]
    assert found[0] == list(range(1, 48, 3))


def test_the_version_is_a_digest_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ab")
    (tmp_path / "b").write_bytes(b"c")
    assert version_of([tmp_path / "a", tmp_path / "b"]) == "ba7816bf8f01"  # SHA-256 of abc


def test_without_a_setting_the_shipped_one_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUANTIVA_HEADLINE_MODEL", raising=False)
    model = load_model(HeadlineModelSettings())
    assert model is not None
    card = json.loads((SHIPPED / "card.json").read_text("utf-8"))
    assert (model.name, model.version) == (card["name"], card["version"])


def test_none_is_no_model() -> None:
    assert load_model(HeadlineModelSettings(model="none")) is None


def test_the_environment_names_the_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUANTIVA_HEADLINE_MODEL", str(SHIPPED))
    monkeypatch.setenv("QUANTIVA_HEADLINE_THREADS", "2")
    model = load_model(HeadlineModelSettings())
    assert isinstance(model, OnnxModel)


@pytest.mark.parametrize(
    ("text", "asset", "label"),
    [
        ("Bitcoin surges to a record high as ETF inflows soar", "", "bullish"),
        ("Exchange hacked, $200 million stolen", "", "bearish"),
        ("What is a blockchain? A guide for beginners", "", "neutral"),
        ("Bitcoin surges to a record high as ETF inflows soar", "BTC", "bullish"),
    ],
)
def test_the_shipped_model_knows_good_from_bad(
    shipped: OnnxModel, text: str, asset: str, label: str
) -> None:
    said = shipped.probabilities([(text, asset)])[0]
    assert likeliest(said) == label
    assert sum(said) == pytest.approx(1.0)


def test_one_headline_is_judged_apart_for_two_coins(shipped: OnnxModel) -> None:
    text = "Solana soars 20% while Dogecoin crashes"
    sol, doge = shipped.probabilities([(text, "SOL"), (text, "DOGE")])
    assert sol.score > doge.score


def test_odd_texts_are_answered_in_order(shipped: OnnxModel) -> None:
    odd = ["", "https://t.co/x", "\ud800", "\0", "₿" * 3000, "word " * 900, "比特币暴跌"]
    known = "Exchange hacked, $200 million stolen"
    texts = [(text, "") for one in odd for text in (one, known)]
    said = shipped.probabilities(texts)
    assert len(said) == len(texts)
    assert said[0] == said[2] == UNREAD
    assert all(likeliest(one) == "bearish" for one in said[1::2])
    assert shipped.probabilities([]) == []


def test_threads_change_no_answer(shipped: OnnxModel) -> None:
    texts = [(f"Bitcoin rises {n}% after {'a word ' * (n % 7)}", "BTC") for n in range(150)]
    assert OnnxModel(SHIPPED, 2).probabilities(texts) == shipped.probabilities(texts)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"lacks {name}; copy all of its files"):
        OnnxModel(folder, 1)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\x00\xff" * 50, b"[1]"])
def test_a_broken_file_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}.*; copy (it|the model) again"):
        OnnxModel(folder, 1)


def test_half_of_the_weights_are_refused(folder: Path) -> None:
    weights = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelError, match=r"model.onnx is broken"):
        OnnxModel(folder, 1)


def test_a_config_of_another_model_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text('{"id2label": {"0": "negative", "1": "positive"}}')
    with pytest.raises(ModelError, match="names 2 labels: the files are of two models"):
        OnnxModel(folder, 1)


def test_the_labels_order_turns_the_answer_round(folder: Path, shipped: OnnxModel) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "positive", "1": "negative", "2": "neutral"}
    (folder / "config.json").write_text(json.dumps(config))
    turned = OnnxModel(folder, 1)
    texts = [("Exchange hacked, $200 million stolen", "")]
    assert turned.probabilities(texts)[0].score == -shipped.probabilities(texts)[0].score
    assert turned.version != shipped.version  # scores under another order are other scores


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no directory|needs torch and transformers"):
        load_model(HeadlineModelSettings(model=str(tmp_path / "gone")))
