"""`unskew debias` as people meet it: what it leaves, what it says, and what it refuses."""

import errno
import json
import os
from pathlib import Path

import labelled_pictures as pictures
import numpy as np
import pytest
from folders import contents

from unskew import AuditReport, DualEncoder, debias_model
from unskew.debias.run import parts
from unskew.encoders import Debiaser
from unskew.errors import InputError


def test_a_debiased_model_and_what_changed(debias, unskew, things, stimuli, faces, tmp_path):
    code, out, err = debias("leace-preserve", "--preserve", things, "--set", "weight=0.5")
    assert code == 0, err
    folder = tmp_path / "out"
    assert f"unskew.DualEncoder.from_pretrained('{folder}')" in out
    assert "demonstrates the tool" in out
    assert "MaxSkew before" in out
    assert "arXiv 2306.03819" in out
    report = AuditReport.load(folder / "report")
    (row,) = report.changes()
    assert row.category == "gender"
    assert abs(row.after) < abs(row.before)
    assert report.datasets[0].counts == {"gender": {"Female": 12, "Male": 12}}
    made = Debiaser.from_pretrained(folder)
    assert made.settings["options"] == {"weight": 0.5}
    assert made.settings["data"]["fit"]["n"] == 48

    again = ("--stimuli", stimuli, "--out", tmp_path / "audit", "--category", "gender")
    asked = ("audit", folder, "--before", "unskew/mini", "--dataset", faces, *again)
    code, out, err = unskew(*asked)
    assert code == 0, err
    assert "Before: unskew/mini" in out
    (same,) = AuditReport.load(tmp_path / "audit").changes()
    assert same.after == pytest.approx(row.after, abs=1e-5)


def test_several_attributes_with_ages_as_groups(debias, tmp_path):
    options = ("--attribute", "gender", "--attribute", "age", "--exclude", "age=60+")
    code, out, err = debias("leace", *options)
    assert code == 0, err
    made = Debiaser.from_pretrained(tmp_path / "out")
    assert made.attributes == ("gender", "age_group")
    report = AuditReport.load(tmp_path / "out" / "report")
    assert report.datasets[0].counts == {
        "gender": {"Female": 8, "Male": 8},
        "age_group": {"0-29": 8, "30-59": 8},
        "gender × age_group": dict.fromkeys(made.settings["data"]["subgroups"], 4),
    }
    assert {r.k for r in report.rankings} == {4}
    assert (made.settings["data"]["fit"]["n"], made.settings["data"]["fit"]["of"]) == (32, 48)
    (note,) = [n for n in report.notes if "are fitted on" in n]
    assert note.startswith("32 of 48 images of ")
    assert note in made.settings["data"]["notes"]
    assert note in out
    assert "16 of 24 images" in out


def test_the_same_folder_again(preserved, debias, refused, things, tmp_path):
    """The same method replaces its result; another one does not."""
    assert debias("leace-preserve", "--preserve", things, "--set", "weight=9")[0] == 0
    assert Debiaser.from_pretrained(tmp_path / "out").settings["options"] == {"weight": 9.0}
    refused(
        "holds unskew/mini debiased by leace-preserve for gender: choose another --out", "leace"
    )
    aged = ("--attribute", "age", "--preserve", things)
    refused("debiased by leace-preserve for gender: choose", "leace-preserve", *aged)


def test_what_it_cost(preserved, tmp_path):
    """On the part of the general images that is not preserved, printed and saved."""
    saved = json.loads((tmp_path / "out" / "report" / "utility.json").read_text("utf-8"))
    measures = ["R@5 image to text", "R@5 text to image", "mean"]
    assert [u["measure"] for u in saved] == measures
    kept = Debiaser.from_pretrained(tmp_path / "out").settings["data"]["preserve"][0]["n"]
    for u in saved:
        assert u["n"] == 20 - kept
        assert u["low"] <= u["after"] - u["before"] <= u["high"]
        assert (
            f"Utility, {u['measure']} ({u['dataset']}, {u['n']} images): {u['before']:.3f}"
            in preserved
        )
    assert saved[2]["before"] == pytest.approx((saved[0]["before"] + saved[1]["before"]) / 2)


def test_without_general_images_no_cost_is_known(fitted, tmp_path):
    fitted("leace")
    assert not (tmp_path / "out" / "report" / "utility.json").exists()
    report = AuditReport.load(tmp_path / "out" / "report")
    assert any("not measured" in n and "`unskew compare`" in n for n in report.notes)


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ("k is 24; ", ("--k", "24")),
        ("k is 0; ", ("--k", "0")),
        ("no_such.json", ("--stimuli", "no_such.json")),
    ],
)
def test_what_the_report_cannot_be_made_of_is_said_before_the_fit(
    refused, monkeypatch, message, extra
):
    monkeypatch.setattr("unskew.debias.run.fit_method", lambda *_, **__: pytest.fail("too late"))
    refused(message, "leace", *extra)


def test_no_old_report_beside_a_new_model(preserved, debias, monkeypatch, things, tmp_path):
    """The model is written while no report is there; a failure before that keeps both."""
    general, folder = ("--preserve", things), tmp_path / "out"
    before, save, seen = contents(folder), Debiaser.save_pretrained, []

    def fail(debiaser, out):
        seen.append(sorted(p.name for p in (folder / "report").glob("report.*")))
        raise InputError("no space")

    monkeypatch.setattr(Debiaser, "save_pretrained", fail)
    assert debias("leace-preserve", *general, "--set", "weight=9")[0] == 2
    assert (seen, contents(folder)) == ([[]], before)
    monkeypatch.setattr(Debiaser, "save_pretrained", save)
    assert debias("leace-preserve", *general, "--set", "weight=9")[0] == 0
    assert (
        contents(folder)[str(folder / "report" / "report.json")]
        != before[str(folder / "report" / "report.json")]
    )


def test_only_the_main_process_writes(faces, stimuli, monkeypatch, tmp_path):
    monkeypatch.setenv("RANK", "1")
    out = tmp_path / "out"
    assert debias_model("leace", "unskew/mini", faces, ["gender"], out, stimuli=stimuli) is None
    assert not out.exists()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("there is no method 'leece'; there are orth-proj,", ("leece",)),
        ("has no category 'faith'", ("leace", "--attribute", "faith")),
        ("no subgroup 'Divers' of 'gender'", ("leace", "--exclude", "gender=Divers")),
        ("race is not among the attributes", ("leace", "--exclude", "race=Others")),
        ("--exclude 'Male': write it as", ("leace", "--exclude", "Male")),
        ("leace has no option 'rank'", ("leace", "--set", "rank=8")),
        ("--set 'dimensions': write it as", ("sfid", "--set", "dimensions")),
        ("option dimensions=many", ("sfid", "--set", "dimensions=many")),
        ("dimensions is 0; it must be between 1 and 383", ("sfid", "--set", "dimensions=0")),
        ("needs general images", ("leace-preserve",)),
        ("seed is -1", ("leace", "--seed", "-1")),
        ("no_such_set", ("leace", "--preserve", "no_such_set/no")),
        ("no_such_words.json", ("leace", "--identities", "no_such_words.json")),
        ("there are no identity words for 'Another race'", ("orth-proj", "--attribute", "race")),
    ],
)
def test_what_cannot_be_used(refused, message, arguments):
    refused(message, *arguments)


def test_one_class_only(refused, tmp_path):
    women = pictures.faces(24, 0).filter(lambda row: row["gender"] == "Female")
    men_too = pictures.faces(24, 1)
    data = pictures.save_splits(
        tmp_path / "women", train=women, validation=men_too, test=pictures.faces(24, 2)
    )
    refused("'gender' has one subgroup only: 'Female'", data=data)


def test_images_without_labels(refused, tmp_path):
    bare = {
        name: pictures.faces(24, seed).remove_columns(["gender", "age", "race"])
        for seed, name in enumerate(pictures.SPLITS)
    }
    refused("has no category 'gender'", data=pictures.save_splits(tmp_path / "bare", **bare))


def test_a_file_in_the_way(refused, tmp_path):
    (tmp_path / "out").write_text("mine")
    refused("out is a file")


def test_a_folder_of_other_content(refused, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    refused("holds files of other origin")


def test_images_to_preserve_that_are_judged_on(refused, tmp_path):
    test = pictures.faces(pictures.SPLITS["test"], 2)
    copies = pictures.save_splits(tmp_path / "copies", train=test)
    refused("an image is both in", "leace-preserve", "--preserve", copies)


def test_a_full_disk_leaves_the_last_result(preserved, refused, monkeypatch, things, tmp_path):
    write = Path.write_bytes

    def full(path, content):
        if "heads" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    changed = ("--preserve", things, "--set", "weight=9")
    refused("out: No space left on device", "leace-preserve", *changed)
    loaded = Debiaser.from_pretrained(tmp_path / "out")
    assert loaded.settings["options"] == {"weight": 1.0}


def test_the_encoder_saved_is_the_one_returned(faces, stimuli, tmp_path):
    out = tmp_path / "out"
    done = debias_model("leace", "unskew/mini", faces, ["gender"], out, stimuli=stimuli)
    image = pictures.faces(4, 9)["image"]
    loaded = DualEncoder.from_pretrained(out)
    assert done is not None
    assert np.allclose(done.encoder.embed_images(image), loaded.embed_images(image), atol=1e-6)
    assert done.report == AuditReport.load(out / "report")


def test_one_configuration_of_several_is_fitted_on(debias, tmp_path):
    """The folder is as a data set with two configurations is on the Hub."""
    folder = tmp_path / "both"
    for name, shift in (("near", 0), ("far", 50)):
        pictures.save_faces(folder / name, first_seed=shift)
    listed = "\n".join(
        f"- config_name: {name}\n  data_files:\n"
        + "\n".join(f"  - split: {s}\n    path: {name}/{s}*.parquet" for s in pictures.SPLITS)
        for name in ("near", "far")
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{listed}\n---\n")
    code, _, errors = debias(data=folder)
    assert code == 2
    assert "near" in errors
    assert "far" in errors
    first = [parts(folder, ["gender"], n)[0].images[0]["bytes"] for n in ("near", "far")]
    assert first[0] != first[1]
    code, _, errors = debias("leace", "--config", "near", data=folder)
    assert code == 0, errors


def test_a_folder_without_configurations_says_so(debias):
    code, _, errors = debias("leace", "--config", "near")
    assert code == 2
    assert "near" in errors.splitlines()[-1]
