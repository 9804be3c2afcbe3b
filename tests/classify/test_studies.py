"""Cells are trained and kept, failures told, and the study of objectives follows its figures."""

import json
import math
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest
from datasets import DatasetDict, Value
from study_cells import broken, calls, refused, squared
from study_sets import SIZE, ByAttribute, biased

from unskew.classify.presets import PRESETS
from unskew.classify.studies import cells, objectives
from unskew.classify.studies.cells import FAILURE, Cell, run_cells
from unskew.classify.studies.data import fingerprint, judged, study_data
from unskew.classify.studies.named import objective_sets
from unskew.classify.studies.objective_report import document, in_words, save, tables
from unskew.classify.studies.objectives import ObjectiveRow, ObjectiveStudy, study_objectives
from unskew.classify.studies.tables import Table, spread, to_csv, to_markdown
from unskew.errors import InputError
from unskew.kept import Kept


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


def test_a_failure_is_not_kept_and_is_tried_again(tmp_path):
    kept = Kept(tmp_path / "cells", {}, cells.ROOMS)
    assert FAILURE in run_cells([Cell("a", refused, {})], kept, jobs=1)["a"]
    again = run_cells([Cell("a", squared, {"value": 2})], kept, jobs=1)
    assert again["a"]["figures"] == {"square": 4}


def test_a_killed_process_is_told(tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *arguments):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def submit(self, *arguments):
            future = Future()
            future.set_exception(BrokenProcessPool("terminated abruptly"))
            return future

    monkeypatch.setattr(cells, "ProcessPoolExecutor", Broken)
    with pytest.raises(InputError, match=r"one of 2 processes was killed.*call again with fewer"):
        run_cells([Cell("a", squared, {"value": 2})], Kept(tmp_path, {}, cells.ROOMS), jobs=2)


def test_a_result_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(InputError, match=r"cannot read .*a\.json"):
        Kept(tmp_path, {}, cells.ROOMS).load("a")


def test_names_of_files():
    assert cells.file_name("UTKFace: age by race-VLM-debias, alpha 0.1-2") == (
        "utkface-age-by-race-vlm-debias-alpha-0.1-2"
    )
    assert "/" not in cells.file_name("my/set")


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
    assert a.conflicting == (a.train.targets != a.train.attributes).sum() > 0
    assert a.notes == ()


def test_a_missing_split_is_named(data):
    with pytest.raises(InputError, match="Squares has no split 'test', only train, validation"):
        study_data("Squares", DatasetDict({k: data[k] for k in ("train", "validation")}), SIZE)


@pytest.mark.parametrize("column", ["attribute", "alignment"])
def test_a_missing_column_is_named(data, column):
    less = DatasetDict({**data, "test": data["test"].remove_columns(column)})
    with pytest.raises(InputError, match=f"Squares: the split 'test' has no column '{column}', on"):
        study_data("Squares", less, SIZE)


def test_an_empty_split_is_named(data):
    with pytest.raises(InputError, match="Squares: the split 'test' holds no images"):
        study_data("Squares", DatasetDict({**data, "test": data["test"].select([])}), SIZE)


def test_an_alignment_without_names_is_refused(data):
    plain = data["train"].cast_column("alignment", Value("int64"))
    with pytest.raises(InputError, match="Squares: the column 'alignment' is no ClassLabel"):
        study_data("Squares", DatasetDict({**data, "train": plain}), SIZE)


def test_a_group_that_is_empty_in_the_test_images_leaves_group_figures_undefined(data):
    test = data["test"].filter(lambda row: (row["target"], row["attribute"]) != (1, 0))
    study = study_data("Squares", DatasetDict({**data, "test": test}), SIZE)
    found = judged(ByAttribute(), study, 32)
    assert found["conflicting_accuracy"] == 0 < found["accuracy"]
    for name in ("unbiased_accuracy", "worst_group_accuracy", "group_std"):
        assert math.isnan(found[name])
    [note] = study.notes
    assert note.startswith("Squares: the test images have none of the group bright, red, so unb")


def test_judged_by_hand(data):
    """A network that answers by the attribute is right where both go together, and only there."""
    study = study_data("s", data, SIZE)
    found = judged(ByAttribute(), study, 32)
    assert found["aligned_accuracy"] == 1
    assert found["conflicting_accuracy"] == 0
    assert found["accuracy"] == pytest.approx(study.aligned.mean())
    assert (found["unbiased_accuracy"], found["group_std"]) == (0.5, 0.5)


# --- Objectives ---


def test_objectives_are_studied_kept_and_told(data, tmp_path, quick, monkeypatch):
    study = objective_study(data, tmp_path)
    assert [r.objective for r in study.rows] == list(objectives.OBJECTIVES)
    for row in study.rows:
        assert row.seeds == (0, 1)
        assert not row.failure
        assert all(0 <= a <= 1 for a in row.figures["accuracy"])
        assert row.cka.shape == (len(row.layers),) * 2
        np.testing.assert_allclose(np.diag(row.cka)[~np.isnan(np.diag(row.cka))], 1, atol=1e-9)
    monkeypatch.setattr(objectives, "_run", None)  # nothing is trained again
    again = objective_study(data, tmp_path)
    assert [r.figures for r in again.rows] == [r.figures for r in study.rows]
    save(study, tmp_path)
    said = json.loads((tmp_path / "objectives.json").read_text())
    assert said["rows"][0]["figures"]["accuracy"] == list(study.rows[0].figures["accuracy"])
    assert (tmp_path / "cka-squares.png").read_bytes()[:4] == b"\x89PNG"
    report = (tmp_path / "objectives.md").read_text()
    assert "| softmax-cross-entropy |" in report
    share = 100 * (np.array(data["train"]["alignment"]) == 1).mean()
    pairs = zip(data["test"]["target"], data["test"]["attribute"], strict=True)
    assert (
        f"Squares: 160 training images ({share:.1f} % conflicting), 80 of validation and 80 of "
        f"test (smallest group: {min(Counter(pairs).values())}); mean"
    ) in report
    assert len((tmp_path / "objectives.csv").read_text().splitlines()) == 7


def test_another_set_is_not_taken_from_the_kept_results(data, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(objectives, "OBJECTIVES", {"l2": objectives.OBJECTIVES["l2"]})
    one = objective_study(data, tmp_path)
    other = objective_study(biased(seed=1), tmp_path)
    assert one.rows[0].figures != other.rows[0].figures


def test_layers_are_compared_on_images_of_all_classes(data):
    """Batches of a set that is sorted by class would hold one class each."""
    sorted_ = DatasetDict({**data, "test": data["test"].sort("target")})
    study = study_data("s", sorted_, SIZE)
    means = []
    for batch in objectives._batches(ByAttribute(), study.test, 40):
        assert len(batch) == 40
        means += batch.mean(dim=(1, 2, 3)).tolist()
    bright = np.array(means) > 0.35
    assert 10 < bright.sum() < 30


def test_only_sets_of_the_papers_ratio_have_its_figures(monkeypatch):
    for name in ("colored_mnist", "corrupted_cifar10"):
        monkeypatch.setattr(f"unskew.corpora.biased.{name}", lambda source, ratio: DatasetDict())
    sources = {"colored_mnist": "digits", "corrupted_cifar10": "objects"}
    assert all(name in objectives.PUBLISHED for name in objective_sets("smoke", 0.05, **sources)[0])
    sets, sizes = objective_sets("smoke", 0.01, **sources)
    assert list(sets) == ["Colored MNIST, 1 % conflicting", "Corrupted CIFAR-10, 1 % conflicting"]
    assert sizes == dict(zip(sets, (28, 32), strict=True))


def test_nothing_to_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="no biased set"):
        study_objectives({}, tmp_path, image_sizes={})


def row(objective, accuracy, published=math.nan):
    figures = {"accuracy": accuracy} if accuracy else {}
    return ObjectiveRow(
        "Colored MNIST", objective, (0, 1), figures, (), np.empty((0, 0)), published, ""
    )


def said(*rows):
    sizes = {"train": 9, "conflicting": 1, "validation": 9, "test": 9, "smallest_group": 2}
    sets = {"Colored MNIST": sizes}
    return ObjectiveStudy("smoke", PRESETS["objectives"]["smoke"], sets, rows)


def test_the_order_in_words():
    study = said(
        row("l1", (0.5, 0.6), 95.0), row("sos", (0.9, 0.82), 90.0), row("l2", (0.82, 0.88), 80.0)
    )
    words = in_words(study, "Colored MNIST")
    assert "from the best to the worst: sos, l2, l1." in words
    assert "In the paper: l1, sos, l2." in words
    assert "Within the larger standard deviation of the best: l2." in words
    assert "Kendall's tau between the two orders is -0.33" in words


def test_what_failed_is_in_the_document():
    failed = replace(row("l1", None), failure="seed 0: diverged")
    study = said(failed, row("l2", (0.5, 0.5)), row("sos", (0.4, 0.4)))
    assert "l1: seed 0: diverged" in document(study)
    assert tables(study)[0].rows[0][:2] == ("l1", "")
    assert "The paper has no figures" in in_words(study, "Colored MNIST")


# --- Tables ---


def test_tables():
    table = Table("numbers", ("a", "b"), (("x|y", "1"),))
    assert to_markdown(["Hello.", table]) == (
        "Hello.\n\n**numbers**\n\n| a | b |\n| --- | --- |\n| x\\|y | 1 |\n"
    )
    assert to_markdown(["a", "", "b"]) == "a\n\nb\n"
    assert to_csv([table]) == "table,a,b\nnumbers,x|y,1\n"
    assert spread((0.5, 0.7)) == "60.0 ± 14.1"
    assert spread((0.5,)) == "50.0"
    assert spread(()) == ""
    assert spread((0.5, math.nan)) == "-"
