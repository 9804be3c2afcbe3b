"""`unskew audit MODEL --dataset a --dataset b`: where the two disagree, as people meet it."""

import json

import numpy as np
import pytest

from unskew.encoders import save_embeddings

WARM, COLD = ["kind", "friendly", "gentle"], ["rude", "distant", "cruel"]


@pytest.fixture
def folder(tmp_path):
    """Texts of a model, stimuli, and images in which Red is warm, or cold, or not there."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, 0.1, (6, 8))
    vectors[:, 0] += [1, 1, 1, -1, -1, -1]
    texts = [*WARM, *COLD]
    save_embeddings(tmp_path / "texts.safetensors", vectors.astype(np.float32), texts=texts)
    for name, shift, teams in (
        ("warm", 0.5, ("Red", "Blue")),
        ("cold", -0.5, ("Red", "Blue")),
        ("other", 0.5, ("Green", "White")),
    ):
        images = rng.normal(0, 0.3, (60, 8))
        images[:, 0] += np.repeat([shift, 0], 30)
        labels = {"team": [teams[0]] * 30 + [teams[1]] * 30}
        save_embeddings(tmp_path / f"{name}.safetensors", images.astype(np.float32), labels)
    stimuli = {
        "name": "warmth",
        "title": "Warm and cold",
        "source": "made for this test",
        "licence": "CC0",
        "attributes": {
            "template": "{}",
            "a": {"name": "warm", "words": WARM},
            "b": {"name": "cold", "words": COLD},
            "pleasant": "a",
        },
    }
    (tmp_path / "warmth.json").write_text(json.dumps(stimuli))
    return tmp_path


def arguments(folder, *sets):
    chosen = (x for s in sets for x in ("--dataset", folder / f"{s}.safetensors"))
    stimuli = ("--stimuli", folder / "warmth.json")
    return ("audit", folder / "texts.safetensors", *chosen, *stimuli, "--out", folder / "out")


def test_opposite_effects_are_printed_and_saved(unskew, folder):
    code, out, err = unskew(*arguments(folder, "warm", "cold"))
    assert (code, err) == (0, "")
    assert "Where data sets disagree" in out
    assert "Of 1 pair that two data sets share, 1 disagrees in sign" in out
    saved = json.loads((folder / "out" / "report.json").read_text("utf-8"))
    (row,) = saved["differences"]
    assert row["kind"] == "sign"
    assert row["ci_high"] < 0 or row["ci_low"] > 0
    page = (folder / "out" / "report.html").read_text("utf-8")
    assert "Where data sets disagree" in page
    assert "side-by-side" in " ".join(f.name for f in (folder / "out" / "figures").iterdir())


def test_sets_without_a_common_pair_say_so(unskew, folder):
    code, out, _ = unskew(*arguments(folder, "warm", "other"))
    assert code == 0
    assert "no pair of subgroups is in both" in " ".join(out.split())
    assert "differences" not in json.loads((folder / "out" / "report.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("sets", "said"), [(("warm", "nowhere"), "nowhere"), (("warm", "warm"), "give each once")]
)
def test_bad_input_is_one_line(unskew, folder, sets, said):
    code, _, err = unskew(*arguments(folder, *sets))
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (folder / "out").exists()
