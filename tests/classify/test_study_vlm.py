"""The study of VLM-debias: its rows, what they gain, and what is told of them."""

import json
import math

import numpy as np
import pytest
from datasets import DatasetDict
from study_sets import SIZE, Colours

from unskew.classify.presets import PRESETS
from unskew.classify.studies import vlm_debias
from unskew.classify.studies.cells import FAILURE
from unskew.classify.studies.vlm_debias import Seen, Task, VlmRow, VlmStudy, study_vlm_debias
from unskew.classify.studies.vlm_methods import NONE, OURS, TRUE, Variant, chosen, variants_of
from unskew.classify.studies.vlm_report import FIGURES, document, gains, save, tables
from unskew.errors import InputError
from unskew.measures import adjusted_rand_index


def some_fail(cells, *_):
    """No network without intervention, and none of JTT, could be trained."""
    figures = {name: 0.5 for name, *_ in FIGURES}
    return {
        c.name: {FAILURE: "cannot"}
        if "no-intervention" in c.name or "jtt" in c.name
        else {"figures": figures}
        for c in cells
    }


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
    save(study, tmp_path)
    report = (tmp_path / "vlm-debias.md").read_text()
    assert "for demonstration" in report
    assert "| GroupDRO |" in report
    assert "| red | red |" in report  # the losses
    assert all(1 <= b <= 2 for r in study.rows for b in r.figures["best_epoch"])
    assert (tmp_path / "features-squares-dark.png").read_bytes()[:4] == b"\x89PNG"
    [gain] = gains(study, OURS, "accuracy")
    ours, none = (study.row("squares", m).figures["accuracy"][0] for m in (OURS, NONE))
    assert gain == pytest.approx(ours - none)


class Blind(Colours):
    """Sees no blue."""

    def embed_images(self, images, batch_size=32):
        return np.tile(np.float32([1, 0]), (len(images), 1))


def test_a_group_that_no_image_was_seen_in_is_told(data, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(vlm_debias, "run_cells", some_fail)
    tasks = [Task("squares", data, "gender")]
    study = study_vlm_debias(tasks, Blind(), tmp_path, scale="smoke", seeds=(0,), jobs=1)
    assert study.notes == ("squares: no image of 160 was seen as 'female'.",)
    save(study, tmp_path)
    assert study.notes[0] in (tmp_path / "vlm-debias.md").read_text()
    assert "squares, JTT: seed 0: cannot" in (tmp_path / "vlm-debias.md").read_text()
    assert json.loads((tmp_path / "vlm-debias.json").read_text())["notes"] == list(study.notes)


def test_without_a_model_the_labelled_groups_are_studied(data, tmp_path, quick):
    tasks = [Task("squares", data, None, image_size=SIZE)]
    study = study_vlm_debias(tasks, Colours(), tmp_path, scale="smoke", seeds=(0,), jobs=1)
    assert not study.agreements
    assert not study.seen
    save(study, tmp_path)
    assert "GroupDRO, true groups" in (tmp_path / "vlm-debias.md").read_text()


def test_a_study_of_failures_alone_is_refused(data, tmp_path, quick):
    validation = data["validation"].filter(lambda row: row["attribute"] == 0)
    tasks = [Task("squares", DatasetDict({**data, "validation": validation}), None, SIZE)]
    message = r"none of 7 trainings succeeded; first squares-no-intervention-0: the validation ima"
    with pytest.raises(InputError, match=message):
        study_vlm_debias(tasks, Colours(), tmp_path, scale="smoke", seeds=(0,), jobs=1)


def test_an_unknown_method_is_named(data, tmp_path, quick):
    with pytest.raises(InputError, match="no method 'magic'; there are no intervention, class-"):
        study_vlm_debias(
            [Task("squares", data, None, SIZE)],
            Colours(),
            tmp_path,
            scale="smoke",
            methods=["magic"],
        )


def test_rows_are_chosen_among_those_of_all_tasks():
    rows = {
        "a": [Variant(m, "none") for m in (NONE, "GroupDRO", "JTT")],
        "b": [Variant(m, "none") for m in (NONE, "GroupDRO, true groups")],
    }
    some = chosen(rows, ["GroupDRO", "GroupDRO, true groups"])
    assert {task: [v.method for v in of_task] for task, of_task in some.items()} == {
        "a": [NONE, "GroupDRO"],
        "b": [NONE, "GroupDRO, true groups"],
    }
    assert chosen(rows, None) == rows
    with pytest.raises(InputError, match="no method 'LfF'; there are no intervention, GroupDRO, J"):
        chosen(rows, ["LfF"])


def vlm_said(*rows, seen=None):
    sets = {"train": 9, "conflicting": 1, "validation": 9, "test": 9, "smallest_group": 2}
    tasks = dict.fromkeys((r.task for r in rows), sets)
    settings = PRESETS["vlm-debias"]["smoke"]
    return VlmStudy("smoke", settings, "m", True, tasks, {}, rows, seen or {})


def test_gains_are_over_the_tasks_that_have_the_method():
    def vlm_row(task, method, *accuracies):
        figures = {name: accuracies for name, *_ in FIGURES}
        return VlmRow(task, method, math.nan, tuple(range(len(accuracies))), figures)

    study = vlm_said(
        vlm_row("faces", NONE, 0.5, 0.6),
        vlm_row("faces", OURS, 0.7),
        vlm_row("faces", "JTT", 0.5, 0.7),
        vlm_row("digits", NONE, 0.1, 0.2),
        vlm_row("digits", "JTT", 0.3, 0.3),
    )
    assert gains(study, OURS, "accuracy") == pytest.approx([0.2])
    assert gains(study, "JTT", "accuracy") == pytest.approx([0.0, 0.1, 0.2, 0.1])
    table = next(t for t in tables(study) if t.caption.startswith("Over no intervention"))
    assert [line[:3] for line in table.rows] == [(OURS, "1", "20.0"), ("JTT", "2", "10.0 ± 8.2")]
    assert "for demonstration" not in document(study)  # no pseudo-groups, so nothing to beware


def test_losses_of_no_or_one_image_say_so():
    n = np.zeros(3, dtype=np.int64)
    losses = np.array([0.5, 1.5, 4.0])
    true, pseudo = np.array([0, 0, 1]), np.array([0, 0, 1])
    seen = Seen(np.ones((3, 2), dtype=np.float32), losses, n, true, pseudo, ("a",), ("x", "y"))
    study = vlm_said(VlmRow("faces", NONE, math.nan, (0,), {}), seen={"faces": seen})
    told = [row[2:] for row in tables(study)[-1].rows]
    assert told[0][1].startswith("1.000 [")
    assert told[1:] == [
        ("0", "no such image"),
        ("0", "no such image"),
        ("1", "4.000 [one image has no spread]"),
    ]


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


@pytest.mark.parametrize(
    ("tasks", "seeds", "message"),
    [((), (0,), "at least one task, a biased set"), ((None,), (), "at least one seed")],
)
def test_nothing_to_study_is_refused(tasks, seeds, message, tmp_path):
    with pytest.raises(InputError, match=message):
        study_vlm_debias(tasks, Colours(), tmp_path, seeds=seeds)
