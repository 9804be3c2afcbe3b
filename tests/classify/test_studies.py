"""The studies: every cell trained and kept, failures told, tables that follow the figures."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from PIL import Image as Pictures

from unskew.classify.presets import PRESETS
from unskew.classify.studies import cells, objectives, vlm_debias
from unskew.classify.studies.cells import FAILURE, Cell, run_cells
from unskew.classify.studies.data import fingerprint, judged, study_data
from unskew.classify.studies.objective_report import document, in_words, tables
from unskew.classify.studies.objective_report import save as save_objectives
from unskew.classify.studies.objectives import ObjectiveRow, ObjectiveStudy, study_objectives
from unskew.classify.studies.tables import Table, spread, to_csv, to_markdown
from unskew.classify.studies.vlm_debias import Task, study_vlm_debias
from unskew.classify.studies.vlm_methods import NONE, OURS, TRUE, variants_of
from unskew.classify.studies.vlm_report import gains
from unskew.classify.studies.vlm_report import save as save_vlm
from unskew.errors import InputError
from unskew.kept import Kept
from unskew.measures import adjusted_rand_index

SIZE = 16


def biased(sizes=(160, 80, 80), seed=0):
    """Bright or dark squares (target) that are mostly red or mostly blue (attribute)."""
    rng = np.random.default_rng(seed)
    parts = {}
    for split, n in zip(("train", "validation", "test"), sizes, strict=True):
        target = rng.integers(0, 2, n)
        follows = rng.random(n) < (0.9 if split == "train" else 0.5)
        attribute = np.where(follows, target, 1 - target)
        pixels = rng.integers(0, 60, (n, SIZE, SIZE, 3))
        pixels += 120 * target[:, None, None, None]
        pixels[np.arange(n), :, :, 2 * attribute] += 60
        parts[split] = Dataset.from_dict(
            {
                "image": [Pictures.fromarray(p.astype(np.uint8)) for p in pixels],
                "target": target,
                "attribute": attribute,
                "alignment": (target != attribute).astype(int),
            },
            Features(
                {
                    "image": Image(),
                    "target": ClassLabel(names=["dark", "bright"]),
                    "attribute": ClassLabel(names=["red", "blue"]),
                    "alignment": ClassLabel(names=["aligned", "conflicting"]),
                }
            ),
        )
    return DatasetDict(parts)


class Colours:
    """An encoder of two dimensions: how red and how blue; words likewise."""

    name, fingerprint, demonstration = "colours", "f" * 32, True

    def embed_images(self, images, batch_size=32):
        means = np.array(
            [np.asarray(i, dtype=np.float32).mean(axis=(0, 1))[[0, 2]] for i in images]
        )
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def embed_texts(self, texts, template=None):
        return np.array([[0, 1] if "woman" in t else [1, 0] for t in texts], dtype=np.float32)


@pytest.fixture
def quick(monkeypatch):
    """Both presets' smoke scale, for images of 16 pixels."""
    for name in PRESETS:
        small = replace(PRESETS[name]["smoke"], epochs=2, width=4, batch_size=32)
        monkeypatch.setitem(PRESETS[name], "smoke", small)
    monkeypatch.setitem(vlm_debias.IMAGE_SIZES, "smoke", SIZE)


@pytest.fixture(scope="module")
def data():
    return biased()


def objective_study(data, out, **options):
    return study_objectives(
        {"Squares": data},
        out,
        scale="smoke",
        seeds=(0, 1),
        image_sizes={"Squares": SIZE},
        jobs=1,
        **options,
    )


# --- Cells ---


def squared(value, checkpoints):
    return {"figures": {"square": value**2}, "folder": checkpoints}


def refused(checkpoints):
    raise InputError("the loss is\nnot finite")


def broken(checkpoints):
    raise RuntimeError("a defect")


def calls(name, path, checkpoints):
    with Path(path).open("a") as file:
        file.write(name)
    return {"name": name}


def test_results_are_kept_and_found_again(tmp_path):
    kept = Kept(tmp_path / "cells", {"scale": "smoke"}, cells.ROOMS)
    log = tmp_path / "log"
    both = [Cell(n, calls, {"name": n, "path": str(log)}) for n in "ab"]
    first = run_cells(both[:1], kept, jobs=1)
    assert run_cells(both, kept, jobs=1) == {"a": first["a"], "b": {"name": "b"}}
    assert log.read_text() == "ab"
    other = Kept(tmp_path / "cells", {"scale": "small"}, cells.ROOMS)
    run_cells(both, other, jobs=1)
    assert log.read_text() == "abab"


def test_a_cell_that_cannot_be_trained_says_why_and_a_defect_is_not_hidden(tmp_path):
    kept = Kept(tmp_path, {}, cells.ROOMS)
    assert run_cells([Cell("a", refused, {})], kept, jobs=1) == {
        "a": {FAILURE: "the loss is not finite"}
    }
    with pytest.raises(RuntimeError, match="a defect"):
        run_cells([Cell("b", broken, {})], kept, jobs=1)
    with pytest.raises(InputError, match="jobs is 0"):
        run_cells([], kept, jobs=0)


def test_side_by_side_gives_the_same(tmp_path):
    todo = [Cell(str(v), squared, {"value": v}) for v in range(4)]
    found = [run_cells(todo, Kept(tmp_path / str(j), {}, cells.ROOMS), j) for j in (1, 2)]
    assert [{n: r["figures"] for n, r in f.items()} for f in found] == [
        {str(v): {"square": v**2} for v in range(4)}
    ] * 2


# --- Data ---


def test_data_are_the_same_part_for_the_same_seed(data):
    a, b, c = (study_data("s", data, SIZE, 50, 40, seed) for seed in (0, 0, 1))
    assert fingerprint(a) == fingerprint(b) != fingerprint(c)
    assert (len(a.train), len(a.validation), len(a.test)) == (50, 40, 40)
    labels = np.asarray(data["train"]["target"])[a.rows]
    np.testing.assert_array_equal(labels, a.train.targets)
    np.testing.assert_array_equal(a.aligned, a.test.targets == a.test.attributes)


def test_a_missing_split_is_named(data):
    with pytest.raises(InputError, match="Squares has no split 'test', only train, validation"):
        study_data("Squares", DatasetDict({k: data[k] for k in ("train", "validation")}), SIZE)


def test_judged_by_hand(data):
    """A network that answers by the attribute is right where both go together, and only there."""
    import torch

    study = study_data("s", data, SIZE)

    class ByAttribute(torch.nn.Module):
        device = torch.device("cpu")
        config = type("config", (), {"image_size": SIZE})

        def normalised(self, images):
            return images

        def features(self, images):
            return images.mean(dim=(2, 3))[:, [0, 2]]

        def classifier(self, features):
            return features

    found = judged(ByAttribute(), study, 32)
    assert found["aligned_accuracy"] == 1
    assert found["conflicting_accuracy"] == 0
    assert found["accuracy"] == pytest.approx(study.aligned.mean())
    assert (found["unbiased_accuracy"], found["group_std"]) == (0.5, 0.5)


# --- Objectives ---


def test_objectives_are_studied_kept_and_told(data, tmp_path, quick):
    study = objective_study(data, tmp_path)
    assert [r.objective for r in study.rows] == list(objectives.OBJECTIVES)
    for row in study.rows:
        assert row.seeds == (0, 1)
        assert not row.failure
        assert all(0 <= a <= 1 for a in row.figures["accuracy"])
        assert row.cka.shape == (len(row.layers),) * 2
        np.testing.assert_allclose(np.diag(row.cka)[~np.isnan(np.diag(row.cka))], 1, atol=1e-9)
    again = objective_study(data, tmp_path)
    assert [r.figures for r in again.rows] == [r.figures for r in study.rows]
    save_objectives(study, tmp_path)
    said = json.loads((tmp_path / "objectives.json").read_text())
    assert said["rows"][0]["figures"]["accuracy"] == list(study.rows[0].figures["accuracy"])
    assert (tmp_path / "cka-squares.png").read_bytes()[:4] == b"\x89PNG"
    assert "| softmax-cross-entropy |" in (tmp_path / "objectives.md").read_text()
    assert len((tmp_path / "objectives.csv").read_text().splitlines()) == 7


def test_another_set_is_not_taken_from_the_kept_results(data, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(objectives, "OBJECTIVES", {"l2": objectives.OBJECTIVES["l2"]})
    one = objective_study(data, tmp_path)
    other = objective_study(biased(seed=1), tmp_path)
    assert one.rows[0].figures != other.rows[0].figures


def test_nothing_to_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="no biased set"):
        study_objectives({}, tmp_path, image_sizes={})


def row(objective, accuracy, published=math.nan):
    figures = {"accuracy": accuracy} if accuracy else {}
    return ObjectiveRow(
        "Colored MNIST", objective, (0, 1), figures, (), np.empty((0, 0)), published, ""
    )


def said(*rows):
    sets = {"Colored MNIST": {"train": 9, "validation": 9, "test": 9}}
    return ObjectiveStudy("smoke", PRESETS["objectives"]["smoke"], sets, rows)


def test_the_order_in_words():
    study = said(
        row("l1", (0.5, 0.6), 95.0), row("sos", (0.9, 0.8), 90.0), row("l2", (0.82, 0.88), 80.0)
    )
    words = in_words(study, "Colored MNIST")
    assert "from the best to the worst: sos, l2, l1." in words or "l2, sos, l1." in words
    assert "In the paper: l1, sos, l2." in words
    assert "Within one standard deviation of the best" in words
    assert "Kendall's tau between the two orders is -0.33" in words


def test_what_failed_is_in_the_document():
    failed = replace(row("l1", None), failure="seed 0: diverged")
    study = said(failed, row("l2", (0.5, 0.5)), row("sos", (0.4, 0.4)))
    assert "l1: seed 0: diverged" in document(study)
    assert tables(study)[0].rows[0][:2] == ("l1", "")
    assert "The paper has no figures" in in_words(study, "Colored MNIST")


# --- VLM-debias ---


def test_vlm_debias_is_studied_with_groups_that_were_seen(data, tmp_path, quick):
    tasks = [Task("squares", data, "gender")]
    study = study_vlm_debias(tasks, Colours(), tmp_path, scale="smoke", seeds=(0,), jobs=1)
    agreement = study.agreements["squares"]
    assert agreement.adjusted_rand_index > 0.9  # the encoder sees the colour
    methods = [r.method for r in study.rows]
    assert {NONE, OURS, TRUE, "GroupDRO", "JTT", "BPA"} <= set(methods)
    assert all(r.seeds == (0,) and not r.failure for r in study.rows)
    seen = study.seen["squares"]
    assert (seen.pseudo == seen.true).mean() > 0.95  # in the numbers of the labels
    save_vlm(study, tmp_path)
    report = (tmp_path / "vlm-debias.md").read_text()
    assert "for demonstration" in report
    assert "| GroupDRO |" in report
    assert "| red | red |" in report  # the losses
    assert (tmp_path / "features-squares-dark.png").read_bytes()[:4] == b"\x89PNG"
    [gain] = gains(study, OURS, "accuracy")
    ours, none = (study.row("squares", m).figures["accuracy"][0] for m in (OURS, NONE))
    assert gain == pytest.approx(ours - none)


def test_without_a_model_the_labelled_groups_are_studied(data, tmp_path, quick):
    tasks = [Task("squares", data, None, image_size=SIZE)]
    study = study_vlm_debias(tasks, Colours(), tmp_path, scale="smoke", seeds=(0,), jobs=1)
    assert not study.agreements
    assert not study.seen
    save_vlm(study, tmp_path)
    assert "GroupDRO, true groups" in (tmp_path / "vlm-debias.md").read_text()


def test_an_unknown_method_is_named(data, tmp_path, quick):
    with pytest.raises(InputError, match="no method 'magic'; there are no intervention, class-"):
        study_vlm_debias(
            [Task("squares", data, None, SIZE)],
            Colours(),
            tmp_path,
            scale="smoke",
            methods=["magic"],
        )


def test_ablations_vary_the_momentum_and_the_groups():
    true = np.repeat([0, 1], 200)
    pseudo = np.where(np.arange(400) % 8 == 0, 1 - true, true)
    agreement = adjusted_rand_index(pseudo, true)
    plain, more = (variants_of(true, pseudo, agreement, a) for a in (False, True))
    assert more[: len(plain)] == plain
    added = {v.method: v for v in more[len(plain) :]}
    assert [v.options["alpha"] for v in added.values() if v.options] == [0.1, 0.5, 1.0]
    wrong = [np.mean(v.attributes != true) for n, v in added.items() if "corrected" in n]
    assert wrong == sorted(wrong, reverse=True)
    assert 0 < wrong[-1] < wrong[0] < 0.125


# --- Tables ---


def test_tables():
    table = Table("numbers", ("a", "b"), (("x|y", "1"),))
    assert to_markdown(["Hello.", table]) == (
        "Hello.\n\n**numbers**\n\n| a | b |\n| --- | --- |\n| x\\|y | 1 |\n"
    )
    assert to_csv([table]) == "table,a,b\nnumbers,x|y,1\n"
    assert spread((0.5, 0.7)) == "60.0 ± 14.1"
    assert spread((0.5,)) == "50.0"
    assert spread(()) == ""
    assert spread((0.5, math.nan)) == "-"
