"""`unskew cka`: classifiers and dual encoders, their files, and bad input."""

import numpy as np
import pytest
from labelled_pictures import save_faces
from transformers import ResNetConfig, ResNetForImageClassification, ViTImageProcessorPil

from unskew.classify.network import resnet18
from unskew.classify.presets import preset
from unskew.classify.trained import Trained
from unskew.inside import LayerCka


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Faces; our own classifier; one of transformers, with its preprocessing, and without."""
    base = tmp_path_factory.mktemp("cka")
    save_faces(base / "faces")
    resnet18(2, 32, width=4).save_pretrained(base / "ours")
    config = ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic", num_labels=2
    )
    ResNetForImageClassification(config).save_pretrained(base / "plain")
    ResNetForImageClassification(config).save_pretrained(base / "bare")
    ViTImageProcessorPil(size={"height": 40, "width": 40}).save_pretrained(base / "plain")
    return base


def test_one_classifier_against_itself(unskew, folder, tmp_path):
    code, out, err = unskew(
        "cka", folder / "ours", "--data", folder / "faces", "--out", tmp_path, "--batch-size", 8
    )
    assert code == 0, err
    assert "24 examples in 3 batches" in out
    assert "progressive dissimilarity" in out
    assert "block structure" in out
    found = LayerCka.load(tmp_path / "cka.json")
    assert found.same_model
    assert "classifier.1" in found.layers_a
    np.testing.assert_allclose(np.diag(found.matrix), 1)
    assert (tmp_path / "cka.png").read_bytes().startswith(b"\x89PNG")


def test_two_models_with_preprocessing_of_their_own(unskew, folder, tmp_path):
    code, out, err = unskew(
        "cka", folder / "ours", folder / "plain", "--data", folder / "faces", "--out", tmp_path,
        "--layers", "convolution$", "--limit", 12, "--split", "train",
    )  # fmt: skip
    assert code == 0, err
    assert "12 examples in 1 batch\n" in out
    assert "block structure undefined: a block is a range of layers of one model" in out
    found = LayerCka.load(tmp_path / "cka.json")
    assert found.matrix.shape == (len(found.layers_a), len(found.layers_b))
    assert found.layers_a != found.layers_b


def test_the_towers_of_a_dual_encoder(unskew, folder, tmp_path):
    code, _, err = unskew(
        "cka", "unskew/mini", "--data", folder / "faces", "--out", tmp_path,
        "--layers", "project$", "--limit", 8,
    )  # fmt: skip
    assert code == 0, err
    assert len(LayerCka.load(tmp_path / "cka.json").layers_a) > 10


def test_a_trained_classifier_under_another_kernel_and_estimator(unskew, folder, tmp_path):
    found = {"train_loss": 1.0, "accuracy": 0.5}
    settings = preset("objectives", "smoke")
    Trained(
        resnet18(2, 32, dropout=0.1, width=4).eval(), (found,), 0, "accuracy", settings,
        "softmax-cross-entropy", "none", 0, (),
    ).save_pretrained(tmp_path / "trained")  # fmt: skip
    code, out, err = unskew(
        "cka", tmp_path / "trained", "--data", folder / "faces", "--out", tmp_path,
        "--kernel", "rbf", "--estimator", "biased", "--limit", 16, "--layers", "convolution$",
    )  # fmt: skip
    assert code == 0, err
    assert "16 examples in 1 batch\n" in out
    found = LayerCka.load(tmp_path / "cka.json")
    assert (found.kernel, found.estimator) == ("rbf", "biased")
    np.testing.assert_allclose(np.diag(found.matrix), 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ours", "--layers", "nothing"), "has a name that matches 'nothing'"),
        (("ours", "--tower", "text"), "classifies images: it has no text tower"),
        (("ours", "--batch-size", "3"), "batch_size is 3; CKA needs at least 4"),
        (("ours", "--limit", "2"), "limit is 2; CKA needs at least 4"),
        (("ours", "--device", "nowhere"), "device 'nowhere' cannot be used"),
        (("bare",), "has no preprocessor_config.json"),
        (("nowhere",), "is neither a folder here nor a valid Hub id"),
    ],
)
def test_bad_input_is_one_line(unskew, folder, tmp_path, arguments, message):
    model, *rest = arguments
    code, _, err = unskew(
        "cka", folder / model, "--data", folder / "faces", "--out", tmp_path, *rest
    )
    assert code == 2
    last = err.splitlines()[-1]  # after the bars of what was loaded
    assert last.startswith("unskew: ")
    assert message in last
