"""Adversarial LoRA: what it changes, what it leaves, and that it can be stopped at any moment."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import adversarial_setup as setup
import numpy as np
import pytest
import torch
import transformers as hf

from unskew.debias.adversarial import AdversarialSettings, prepared, train_adversarial
from unskew.encoders import Debiaser, DualEncoder
from unskew.errors import InputError

QUICK = AdversarialSettings(**setup.QUICK)


@pytest.fixture(scope="module")
def encoder():
    return setup.tiny_encoder()


@pytest.fixture(scope="module")
def data(encoder):
    return setup.tiny_data(encoder)


def values(out):
    return np.array([list(step.values()) for step in setup.losses(out)])


def in_process(out, options, *more, launcher=()):
    """Run `adversarial_setup` in a process of its own."""
    folder = Path(setup.__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{folder}:{folder.parent}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, setup.__file__, str(out), json.dumps(options), *more]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_difference_goes_and_the_rest_stays(encoder, data, tmp_path):
    settings = replace(QUICK, steps=60, learning_rate=5e-2)
    debiased = train_adversarial(encoder, data, settings, out=tmp_path).apply(encoder)

    def gap(e):
        faces = e.embed_images(data.validation.images.images)
        means = [faces[data.validation.labels == s].mean(0) for s in range(2)]
        return np.linalg.norm(means[0] - means[1])

    assert gap(debiased) < 0.35 * gap(encoder)
    texts = ["a photo of a man", "the old woman"]
    np.testing.assert_allclose(debiased.embed_texts(texts), encoder.embed_texts(texts), atol=1e-6)


def test_general_images_are_kept(encoder, data):
    things = data.preserve_images[0].images
    alone = replace(data, preserve=data.preserve[:0], preserve_images=())
    settings = replace(QUICK, steps=40, learning_rate=2e-2)
    cosines = []
    for given in (data, alone):
        debiased = train_adversarial(encoder, given, settings).apply(encoder)
        cosines.append((debiased.embed_images(things) * encoder.embed_images(things)).sum(1).mean())
    assert 1 - cosines[0] < 0.6 * (1 - cosines[1])


def test_base_weights_are_untouched(encoder, data):
    before = {k: v.clone() for k, v in encoder.model.state_dict().items()}
    train_adversarial(encoder, data, QUICK)
    after = encoder.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_under_a_trained_adapter_the_towers_are_the_original_ones(encoder, data):
    training = prepared(encoder, data, replace(QUICK, learning_rate=5e-2), seed=0)
    training.run(None, 50, None, 50, 3)
    pixels = torch.randn(3, 3, 32, 32)

    def features(model):
        return model.get_image_features(pixel_values=pixels).pooler_output

    original = features(encoder.model)
    assert (features(training.model) - original).abs().max() > 1e-2
    with training.model.disable_adapter():
        assert torch.equal(features(training.model), original)
    trained = training.model.base_model.model.state_dict()
    trained = {name.replace(".base_layer.", "."): value for name, value in trained.items()}
    for name, value in encoder.model.state_dict().items():
        assert torch.equal(trained[name], value), name


def test_disabled_is_the_original_and_merged_is_the_adapter(encoder, data, tmp_path):
    from peft import PeftModel

    debiaser = train_adversarial(encoder, data, replace(QUICK, learning_rate=5e-2))
    encoder.model.save_pretrained(tmp_path / "base")
    replace(debiaser, base=str(tmp_path / "base")).save_pretrained(tmp_path / "adapter")
    pixels = torch.randn(3, 3, 32, 32)

    def features(model):
        return model.get_image_features(pixel_values=pixels).pooler_output

    base = hf.CLIPModel.from_pretrained(tmp_path / "base")
    original = features(base)
    adapted = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with adapted.disable_adapter():
        assert torch.equal(features(adapted), original)
    changed = features(adapted)
    assert (changed - original).abs().max() > 1e-2
    plain = hf.CLIPModel.from_pretrained(tmp_path / "adapter")
    torch.testing.assert_close(features(plain), changed, atol=1e-5, rtol=0)
    merged = debiaser.apply(encoder).model
    torch.testing.assert_close(features(merged), changed, atol=1e-5, rtol=1e-5)


def zero(candidate):
    return 0.0


def test_a_killed_run_goes_on_as_if_nothing_had_happened(encoder, data, tmp_path):
    options = setup.QUICK | {"evaluate_every": 1, "patience": 99, "dropout": 0.1}
    train_adversarial(encoder, data, AdversarialSettings(**options), out=tmp_path / "a", score=zero)
    killed = in_process(tmp_path / "b", options, "5")
    assert killed.returncode == -signal.SIGKILL
    assert len(setup.losses(tmp_path / "b")) == 5
    assert max(p.name for p in (tmp_path / "b").glob("step-*")) == "step-000004.safetensors"
    train_adversarial(encoder, data, AdversarialSettings(**options), out=tmp_path / "b", score=zero)
    straight, resumed = values(tmp_path / "a"), values(tmp_path / "b")
    assert straight.shape == (6, 6)
    np.testing.assert_allclose(resumed, straight, atol=5e-7)


@pytest.mark.slow
def test_two_processes_are_one(tmp_path):
    options = setup.QUICK | {"steps": 4}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    two = in_process(tmp_path / "two", options, launcher=launcher)
    assert two.returncode == 0, two.stderr
    assert in_process(tmp_path / "one", options).returncode == 0
    np.testing.assert_allclose(values(tmp_path / "two"), values(tmp_path / "one"), atol=1e-5)


def test_accumulated_halves_are_one_batch(encoder, data, tmp_path):
    train_adversarial(encoder, data, QUICK, out=tmp_path / "one")
    halves = replace(QUICK, gradient_accumulation=2)
    train_adversarial(encoder, data, halves, out=tmp_path / "two")
    np.testing.assert_allclose(values(tmp_path / "two"), values(tmp_path / "one"), atol=1e-5)


def test_the_seed_decides(encoder, data, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train_adversarial(encoder, data, replace(QUICK, steps=2), seed=seed, out=tmp_path / name)
    np.testing.assert_array_equal(values(tmp_path / "a"), values(tmp_path / "b"))
    assert not np.allclose(values(tmp_path / "a"), values(tmp_path / "c"))


def test_bfloat16_is_near(encoder, data, tmp_path):
    train_adversarial(encoder, data, QUICK, out=tmp_path / "a")
    train_adversarial(encoder, data, replace(QUICK, mixed_precision="bf16"), out=tmp_path / "b")
    full, half = values(tmp_path / "a"), values(tmp_path / "b")
    assert not np.array_equal(full, half)
    scale = np.abs(full).max(axis=0)  # of every loss, the smallest of which are thousandths
    assert (np.abs(half - full) <= 0.2 * scale).all()


def test_several_attributes_at_once(encoder, tmp_path):
    data = setup.tiny_data(encoder, ("gender", "race"))
    debiaser = train_adversarial(encoder, data, QUICK, out=tmp_path)
    assert debiaser.attributes == ("gender", "race")
    kept = (tmp_path / "step-000006.safetensors").read_bytes()
    assert b"adversary.image.gender." in kept
    assert b"adversary.image.race." in kept


@pytest.mark.parametrize("towers", [("text",), ("image", "text")])
def test_the_text_tower_by_choice(encoder, data, towers):
    settings = replace(QUICK, steps=60, learning_rate=5e-2, towers=towers)
    debiased = train_adversarial(encoder, data, settings).apply(encoder)
    both = ["a photo of a man", "a photo of a woman"]
    apart = [e.embed_texts(both) for e in (encoder, debiased)]
    before, after = (np.linalg.norm(a - b) for a, b in apart)
    assert after < 0.5 * before
    pictures = data.preserve_images[0].images
    same = np.allclose(debiased.embed_images(pictures), encoder.embed_images(pictures), atol=1e-6)
    assert same == ("image" not in towers)


def test_texts_are_drawn_together_by_counterfactuals_alone(encoder, data, tmp_path):
    quiet = replace(
        QUICK,
        steps=40,
        learning_rate=1e-1,
        towers=("text",),
        mean_weight=0,
        network_weight=0,
        labelled_weight=10,
    )
    both = ["a photo of a man", "a photo of a woman"]
    apart = {}
    for on in (True, False):
        settings = replace(quiet, counterfactual=on)
        a, b = train_adversarial(encoder, data, settings).apply(encoder).embed_texts(both)
        apart[on] = np.linalg.norm(a - b)
    assert apart[True] < 0.6 * apart[False]


def test_the_best_score_is_kept_and_ends_the_run(encoder, data, tmp_path):
    scores = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    seen = []

    def score(candidate):
        assert isinstance(candidate, DualEncoder)
        seen.append(candidate.embed_images(data.validation.images.images))
        return next(scores)

    settings = replace(QUICK, steps=20, evaluate_every=2, patience=2)
    debiaser = train_adversarial(encoder, data, settings, score=score, out=tmp_path)
    assert debiaser.settings["score"] == 0.9
    assert debiaser.settings["steps_taken"] == 8
    best = debiaser.apply(encoder).embed_images(data.validation.images.images)
    np.testing.assert_allclose(best, seen[1], atol=1e-5)
    again = train_adversarial(encoder, data, settings, score=score, out=tmp_path)
    assert again.settings["steps_taken"] == 8
    assert all(torch.equal(again.adapter.state[k], v) for k, v in debiaser.adapter.state.items())


def test_of_equal_scores_the_last_is_kept(encoder, data):
    found = iter([0.80, 0.79, 0.785, 0.77])
    settings = replace(QUICK, steps=8, evaluate_every=2, patience=9)
    debiaser = train_adversarial(encoder, data, settings, score=lambda candidate: next(found))
    assert debiaser.settings["score"] == 0.785


def test_tensorboard_gets_the_losses(encoder, data, tmp_path):
    pytest.importorskip("tensorboard")
    settings = replace(QUICK, tracker="tensorboard")
    train_adversarial(encoder, data, settings, out=tmp_path)
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_what_cannot_be_trained_is_said(encoder, data, tmp_path):
    with pytest.raises(InputError, match="multiple of 12"):
        train_adversarial(encoder, data, replace(QUICK, gradient_accumulation=3))
    with pytest.raises(InputError, match="tracker=tensorboard needs a folder"):
        train_adversarial(encoder, data, replace(QUICK, tracker="tensorboard"))
    debiased = train_adversarial(encoder, data, replace(QUICK, steps=1)).apply(encoder)
    with pytest.raises(InputError, match="is debiased already"):
        train_adversarial(debiased, data, QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": 0}, "rank is 0; it must be above 0"),
        ({"mean_weight": -1.0}, "mean_weight is -1.0; it must be 0 or more"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"towers": ()}, "towers is"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_settings_that_make_no_sense(change, message):
    with pytest.raises(InputError, match=message):
        AdversarialSettings(**change)


def test_a_debiaser_of_it_is_saved_and_read(encoder, data, tmp_path):
    debiaser = train_adversarial(encoder, data, QUICK)
    debiaser.save_pretrained(tmp_path)
    read = Debiaser.from_pretrained(tmp_path)
    assert read.method == "adversarial"
    assert read.settings == json.loads(json.dumps(debiaser.settings))
    assert all(torch.equal(read.adapter.state[k], v) for k, v in debiaser.adapter.state.items())
