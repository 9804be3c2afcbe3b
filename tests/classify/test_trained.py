"""What is saved and published: a checkpoint that transformers reads, with labels and a card."""

import json

import numpy as np
import pytest
import torch
from classify_sets import settings, squares
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

from unskew.classify import trained as module
from unskew.classify.predict import predict
from unskew.classify.train import train
from unskew.errors import InputError


@pytest.fixture(scope="module")
def trained():
    chosen = settings(epochs=2)
    return train(chosen.network(3, 12), squares(96), squares(36, seed=1), chosen)


def as_picture(tensor):
    return Image.fromarray(tensor.movedim(0, 2).numpy())


def test_transformers_gives_what_predict_gives(tmp_path, trained):
    pixels = squares(6, seed=2)
    trained.save_pretrained(tmp_path)
    model = AutoModelForImageClassification.from_pretrained(tmp_path)
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    with torch.no_grad():
        given = processor([as_picture(i) for i in pixels.images], return_tensors="pt")
        logits = model(**given).logits.numpy()
    np.testing.assert_allclose(logits, predict(trained.network, pixels).logits, atol=1e-4)
    assert model.config.id2label == {0: "red", 1: "green", 2: "blue"}
    assert model.config.label2id == {"red": 0, "green": 1, "blue": 2}


def test_a_pipeline_classifies(tmp_path, trained):
    trained.save_pretrained(tmp_path)
    pixels = squares(3, seed=2)
    found = pipeline("image-classification", model=str(tmp_path))(as_picture(pixels.images[1]))
    logits = predict(trained.network, pixels).logits[1]
    assert found[0]["label"] == trained.network.labels[logits.argmax()]


def test_the_folder_is_replaced_and_keeps_other_files(tmp_path, trained):
    (tmp_path / "notes.txt").write_text("mine")
    trained.save_pretrained(tmp_path)
    trained.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "notes.txt",
        "preprocessor_config.json",
    ]


def test_the_card_says_how_it_was_made(trained):
    card = trained.card("someone/squares")
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.tags == ["unskew", "fairness", "softmax-cross-entropy", "none"]
    assert 'from_pretrained("someone/squares")' in card.text
    assert "red, green, blue" in card.text
    made = json.loads(card.text.split("```json\n")[1].split("\n```")[0])
    assert made["settings"]["width"] == 4
    assert made["validation"] == trained.history[trained.best_epoch]


class Hub:
    """What was sent."""

    def __init__(self, token=None):
        pass

    def create_repo(self, repo_id, private, exist_ok):
        Hub.repository = repo_id, private, exist_ok
        return f"https://huggingface.co/{repo_id}"

    def create_commit(self, repo_id, operations, commit_message):
        Hub.files = {o.path_in_repo: o.path_or_fileobj for o in operations}


def test_publishing_sends_the_same_files_at_once(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(module, "HfApi", Hub)
    address = trained.push_to_hub("someone/squares", private=True)
    assert address == "https://huggingface.co/someone/squares"
    assert Hub.repository == ("someone/squares", True, True)
    trained.save_pretrained(tmp_path)
    assert sorted(Hub.files) == sorted(p.name for p in tmp_path.iterdir())
    assert Hub.files["model.safetensors"] == (tmp_path / "model.safetensors").read_bytes()
    assert b"someone/squares" in Hub.files["README.md"]


def test_a_hub_that_cannot_be_reached_is_one_line(trained):
    with pytest.raises(InputError, match="cannot publish someone/squares: ") as caught:
        trained.push_to_hub("someone/squares")
    assert "\n" not in str(caught.value)


def test_nothing_is_written_where_nothing_can_be(tmp_path, trained):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write to"):
        trained.save_pretrained(tmp_path / "file")
