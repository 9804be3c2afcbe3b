"""A classifier that the user brings: which labels count, and what is refused in one line."""

import importlib.util
import json
from pathlib import Path

import pytest
from transformers import BertConfig, BertForMaskedLM, CLIPConfig, pipeline

from unskew.curate.abuse import is_abuse, open_classifier
from unskew.curate.texts import check_texts
from unskew.errors import InputError, NotFoundError

_PLACE = Path(__file__).parents[1] / "encoders" / "tiny_classifier.py"
_SPEC = importlib.util.spec_from_file_location("tiny_classifier", _PLACE)
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

TEXTS = ["a woman reads to her son", "those people are vermin", "", "soup " * 200, "a nice day out"]


@pytest.mark.parametrize(
    ("labels", "config", "score"),
    [
        (["neutral", "toxic"], {}, lambda p: p["toxic"]),
        (["hate", "offensive", "neither"], {}, lambda p: p["hate"] + p["offensive"]),
        (
            ["toxic", "insult", "kind"],
            {"problem_type": "multi_label_classification"},
            lambda p: max(p["toxic"], p["insult"]),
        ),
        (["toxicity"], {}, lambda p: p["toxicity"]),
    ],
)
def test_the_score_is_that_of_the_labels_of_abuse(tmp_path, labels, config, score):
    folder = str(tiny.save_classifier(tmp_path / "model", labels, **config))
    found = open_classifier(folder).classify(TEXTS)
    ask = pipeline("text-classification", model=folder, top_k=None)
    assert found[TEXTS.index("")] == 0
    for text, probability in zip(TEXTS, found, strict=True):
        if not text:
            continue
        (said,) = ask([text], truncation=True, max_length=22)
        assert probability == pytest.approx(score({x["label"]: x["score"] for x in said}), abs=2e-6)
    assert len(set(found)) == len(TEXTS)


def test_no_text_changes_what_another_gets(tmp_path):
    folder = str(tiny.save_classifier(tmp_path / "model", ["fine", "hateful"]))
    classify = open_classifier(folder).classify
    many = [f"{word} {TEXTS[0]}" for word in tiny.WORDS] * 2
    assert classify(many) == [p for text in many for p in classify([text])]
    checked = check_texts(TEXTS, abuse=classify)
    assert [c.scores["abusive_by_classifier"] for c in checked] == classify(TEXTS)


@pytest.mark.parametrize("label", ["HATE", "severe_toxic", "identity-hate", "Offensive", "Abuse"])
def test_labels_of_abuse(label):
    assert is_abuse(label)


@pytest.mark.parametrize(
    "label",
    [
        *("not-hate", "NON_TOXIC", "nothate", "neutral", "inoffensive"),
        *("counter-hate", "anti-hate", "abuse-free", "CounterHate"),
    ],
)
def test_labels_of_its_absence(label):
    assert not is_abuse(label)


def test_what_is_no_classifier_of_abuse_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    CLIPConfig(architectures=["CLIPModel"]).save_pretrained(tmp_path / "clip")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    masked = BertForMaskedLM(BertConfig(vocab_size=16, num_attention_heads=2, **small))
    masked.save_pretrained(tmp_path / "masked")
    tiny.save_classifier(tmp_path / "unnamed", ["LABEL_0", "LABEL_1"])
    tiny.save_classifier(tmp_path / "every", ["hate", "insult"])
    tiny.save_classifier(tmp_path / "number", ["toxicity"], problem_type="regression")
    tiny.save_classifier(tmp_path / "headless", ["fine", "toxic"])
    config = tmp_path / "headless" / "config.json"
    said = json.loads(config.read_text())
    config.write_text(json.dumps(said | {"num_hidden_layers": 2}))
    tiny.save_classifier(tmp_path / "wordless", ["fine", "toxic"])
    for path in (tmp_path / "wordless").glob("tokenizer*"):
        path.unlink()
    for name, kind, says in (
        ("nowhere", NotFoundError, "nowhere is not a folder here"),
        ("empty", NotFoundError, "is a folder without a config.json"),
        ("clip", InputError, r"clip is a clip model \(CLIPModel\), not a text classifier"),
        ("masked", InputError, r"\(BertForMaskedLM\), not a text classifier"),
        ("unnamed", InputError, "its labels are LABEL_0, LABEL_1, and by their names no one is"),
        ("every", InputError, "its labels are hate, insult, and by their names every one is"),
        ("number", InputError, "gives a number and no label"),
        ("headless", InputError, r"lack \d+ parameters of BertForSequenceClassification"),
        ("wordless", NotFoundError, "tokenizer files"),
    ):
        with pytest.raises(kind, match=says) as told:
            open_classifier(name if name == "nowhere" else str(tmp_path / name))
        assert "\n" not in str(told.value), name
