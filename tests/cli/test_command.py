"""The command as people meet it: its words, its exit codes, and what it leaves on disk."""

import json

import numpy as np
import pytest
from PIL import Image

from unskew.encoders import save_embeddings

WORDS = {"warm": ["kind", "friendly", "gentle"], "cold": ["rude", "distant", "cruel"]}
STIMULI = {
    "name": "warmth",
    "title": "Warm and cold",
    "source": "made for this test",
    "licence": "CC0",
    "attributes": {
        "template": "{}",
        "a": {"name": "warm", "words": WORDS["warm"]},
        "b": {"name": "cold", "words": WORDS["cold"]},
        "pleasant": "a",
    },
}
TEXTS = WORDS["warm"] + WORDS["cold"]


def planted(n=20, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 0.3, (2 * n, 8))
    vectors[:, 0] += np.repeat([shift, -shift], n)
    return vectors.astype(np.float32), {"team": ["Red"] * n + ["Blue"] * n}


@pytest.fixture
def files(tmp_path):
    """A model of given text embeddings, image embeddings with labels, and stimuli."""
    vectors = np.random.default_rng(1).normal(0, 0.1, (6, 8))
    vectors[:, 0] += [1, 1, 1, -1, -1, -1]
    save_embeddings(tmp_path / "texts.safetensors", vectors.astype(np.float32), texts=TEXTS)
    save_embeddings(tmp_path / "images.safetensors", *planted())
    (tmp_path / "warmth.json").write_text(json.dumps(STIMULI))
    return tmp_path


def audit_arguments(files, **changes):
    options = {
        "model": files / "texts.safetensors",
        "dataset": files / "images.safetensors",
        "stimuli": files / "warmth.json",
    } | changes
    return (
        "audit",
        options["model"],
        "--dataset",
        options["dataset"],
        "--stimuli",
        options["stimuli"],
        "--out",
        files / "out",
    )


def test_audit_of_own_embeddings(unskew, files):
    code, out, _ = unskew(*audit_arguments(files))
    assert code == 0
    assert "Red is closer to warm than Blue" in out
    assert (files / "out" / "report.html").is_file()
    assert "demonstrates the tool" not in out


def test_fail_above(unskew, files):
    arguments = audit_arguments(files)
    code, _, err = unskew(*arguments, "--fail-above", "0.5")
    assert code == 1
    assert "is above 0.5: Red is closer to warm than Blue" in err
    assert (files / "out" / "report.json").is_file()
    assert unskew(*arguments, "--fail-above", "1.99")[0] == 0


def test_stimuli_list_and_show(unskew, files):
    code, out, _ = unskew("stimuli", "list")
    assert code == 0
    assert "caliskan_weat [historical]" in out
    code, out, _ = unskew("stimuli", "show", files / "warmth.json")
    assert code == 0
    assert json.loads(out)["attributes"]["a"]["words"] == WORDS["warm"]


def test_version_and_help(unskew):
    assert unskew("--version")[1].startswith("unskew 0.")
    assert "install-metrics" in unskew("--help")[1]


def broken_embeddings(files, change):
    vectors, labels = planted()
    if change == "nan":
        vectors[3, 2] = np.nan
    elif change == "zero":
        vectors[3] = 0
    elif change == "dimension":
        vectors = vectors[:, :5]
    elif change == "few":
        labels["team"] = ["Pink"] * 3 + labels["team"][3:]
    elif change == "twins":
        labels["team"] = ["red "] * 10 + labels["team"][10:]
    file = files / "broken.npz"
    np.savez(file, embeddings=vectors, **{k: np.array(v) for k, v in labels.items()})
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("nan", "broken.npz: the embedding in row 3 has NaN"),
        ("zero", "broken.npz: the embedding in row 3 is all zeros"),
        ("dimension", "have 5 dimensions"),
        ("few", "subgroup 'Pink' of 'team' has 3 images, at least 4"),
        ("twins", "'Red'"),
    ],
)
def test_bad_embeddings(unskew, files, change, message):
    refused(unskew, files, message, dataset=broken_embeddings(files, change))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON, line 1"),
        (json.dumps(STIMULI | {"atributes": {}}), "atributes: this key is not known here"),
        (
            json.dumps(
                STIMULI | {"ranking": {"templates": ["{} {"], "concepts": []}},
            ),
            "ranking.concepts: has too few entries",
        ),
        (
            json.dumps(
                STIMULI
                | {"attributes": STIMULI["attributes"] | {"a": {"name": "warm", "words": []}}}
            ),
            "attributes.a.words: has too few entries",
        ),
    ],
)
def test_broken_stimuli(unskew, files, content, message):
    (files / "broken.json").write_text(content)
    refused(unskew, files, message, stimuli=files / "broken.json")


def test_missing_things(unskew, files):
    refused(unskew, files, "no_such_model", model=files / "no_such_model")
    refused(unskew, files, "no_such_set", dataset=files / "no_such_set")
    refused(unskew, files, "shipped are", stimuli="no_such_stimuli")


def test_a_folder_without_images(unskew, files):
    (files / "empty").mkdir()
    (files / "empty" / "notes.txt").write_text("nothing to see")
    refused(unskew, files, "empty", dataset=files / "empty")


def test_misspelt_options(unskew, files):
    arguments = audit_arguments(files)
    for extra, message in (
        (("--cross", "team"), "--cross 'team': write it as gender,age"),
        (("--exclude", "team"), "--exclude 'team': write it as race=Other"),
        (("--category", "faith"), "faith"),
        (("--confidence", "95"), "confidence"),
    ):
        code, _, err = unskew(*arguments, *extra)
        assert code == 2, extra
        assert message in err
        assert not (files / "out").exists()


def refused(unskew, files, message, **changes):
    """One line that names the item, exit code 2, and nothing written."""
    code, _, err = unskew(*audit_arguments(files, **changes))
    assert code == 2
    assert message in err
    assert err.startswith("unskew: ")
    assert len(err.strip().splitlines()) == 1
    assert not (files / "out").exists()


def test_model_that_is_no_file(unskew, files):
    refused(unskew, files, "someone/no-such-model", model="someone/no-such-model")


@pytest.fixture
def photos(tmp_path):
    """Forty small pictures in two folders, one of which is no picture."""
    rng = np.random.default_rng(0)
    for name in ("Red", "Blue"):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    (tmp_path / "photos" / "Red" / "7.png").write_bytes(b"this is no picture")
    return tmp_path / "photos"


def test_an_unreadable_image_is_listed_and_the_rest_audited(unskew, files, photos):
    """With the built-in model, on a real folder; then embedded to files and audited again."""
    code, out, err = unskew(
        *audit_arguments(files, model="unskew/mini", dataset=photos), "--category", "team"
    )
    assert code == 0, err
    assert "1 of 40 images" in out
    report = json.loads((files / "out" / "report.json").read_text("utf-8"))
    (unreadable,) = report["datasets"][0]["unreadable"]
    assert unreadable["name"].endswith("7.png")
    assert report["datasets"][0]["counts"] == {"team": {"Blue": 20, "Red": 19}}
    assert report["pairs"][0]["n_b"] == 19

    options = ("--stimuli", files / "warmth.json", "--category", "team")
    code, out, err = unskew("embed", "unskew/mini", photos, "--out", files / "vectors", *options)
    assert code == 0, err
    assert "left out" in err
    again = audit_arguments(
        files,
        model=files / "vectors" / "texts.safetensors",
        dataset=files / "vectors" / "images.safetensors",
    )
    code, out, _ = unskew(*again)
    assert code == 0
    assert "demonstrates the tool" in out
    second = json.loads((files / "out" / "report.json").read_text("utf-8"))
    # The files hold float32, which rounds an effect size in its seventh digit.
    assert second["pairs"][0]["effect_size"] == pytest.approx(
        report["pairs"][0]["effect_size"], abs=1e-5
    )


def test_images_twice(unskew, files):
    arguments = audit_arguments(files)
    code, _, err = unskew(*arguments, "--dataset", files / "images.safetensors")
    assert code == 2
    assert "two image sets are called" in err


def test_set_of_another_model_is_refused(unskew, files):
    vectors, labels = planted()
    save_embeddings(files / "other.safetensors", vectors[:, :7], labels=labels)
    refused(unskew, files, "7 dimensions", dataset=files / "other.safetensors")
