"""`unskew debias` as people meet it: what it leaves, what it says, and what it refuses."""

import errno
import json
import os
from pathlib import Path

import datasets
import labelled_pictures as pictures
import numpy as np
import pytest

from unskew import AuditReport, DualEncoder, debias_model
from unskew.debias.run import parts
from unskew.encoders import Debiaser
from unskew.errors import InputError


@pytest.fixture(autouse=True)
def quiet():
    """Reading a table draws a bar, which is no part of what a command says."""
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    return pictures.save_faces(tmp_path_factory.mktemp("data") / "faces")


@pytest.fixture(scope="session")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "things"
    return pictures.save_splits(folder, train=pictures.things(20, 7))


@pytest.fixture
def stimuli(tmp_path):
    file = tmp_path / "warmth.json"
    file.write_text(json.dumps(pictures.STIMULI))
    return file


@pytest.fixture
def debias(unskew, faces, stimuli, tmp_path):
    """Run the command with these arguments in place of those that work."""

    def run(method="leace", *extra, model="unskew/mini", data=faces, out=tmp_path / "out"):
        attributes = () if "--attribute" in extra else ("--attribute", "gender")
        return unskew(
            "debias",
            method,
            model,
            *("--data", data, "--out", out, "--stimuli", stimuli, *attributes, *extra),
        )

    return run


@pytest.fixture
def refused(debias, tmp_path):
    """One line that says what is wrong, exit code 2, and a folder as it was."""

    def run(message, *arguments, **changes):
        before = contents(tmp_path)
        code, _, err = debias(*arguments, **changes)
        assert (code, len(err.strip().splitlines())) == (2, 1), err
        assert err.startswith("unskew: ")
        assert message in err
        assert contents(tmp_path) == before

    return run


def contents(folder):
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


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


def test_the_same_folder_again(debias, refused, things, tmp_path):
    """The same method replaces its result; another one does not."""
    assert debias("leace-preserve", "--preserve", things)[0] == 0
    assert debias("leace-preserve", "--preserve", things, "--set", "weight=9")[0] == 0
    assert Debiaser.from_pretrained(tmp_path / "out").settings["options"] == {"weight": 9.0}
    refused(
        "holds unskew/mini debiased by leace-preserve for gender: choose another --out", "leace"
    )
    aged = ("--attribute", "age", "--preserve", things)
    refused("debiased by leace-preserve for gender: choose", "leace-preserve", *aged)


def test_what_it_cost(debias, things, tmp_path):
    """On the part of the general images that is not preserved, printed and saved."""
    code, out, err = debias("leace-preserve", "--preserve", things)
    assert code == 0, err
    saved = json.loads((tmp_path / "out" / "report" / "utility.json").read_text("utf-8"))
    measures = ["R@5 image to text", "R@5 text to image", "mean"]
    assert [u["measure"] for u in saved] == measures
    kept = Debiaser.from_pretrained(tmp_path / "out").settings["data"]["preserve"][0]["n"]
    for u in saved:
        assert u["n"] == 20 - kept
        assert u["low"] <= u["after"] - u["before"] <= u["high"]
        assert (
            f"Utility, {u['measure']} ({u['dataset']}, {u['n']} images): {u['before']:.3f}" in out
        )
    assert saved[2]["before"] == pytest.approx((saved[0]["before"] + saved[1]["before"]) / 2)
    assert debias("leace", out=tmp_path / "other")[0] == 0
    assert not (tmp_path / "other" / "report" / "utility.json").exists()
    report = AuditReport.load(tmp_path / "other" / "report")
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


def test_no_old_report_beside_a_new_model(debias, monkeypatch, things, tmp_path):
    """The model is written while no report is there; a failure before that keeps both."""
    general, folder = ("--preserve", things), tmp_path / "out"
    assert debias("leace-preserve", *general)[0] == 0
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


def test_a_full_disk_leaves_the_last_result(debias, refused, monkeypatch, things, tmp_path):
    assert debias("leace-preserve", "--preserve", things)[0] == 0
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


class TestDamaged:
    """What a debiased model's folder can suffer, told by the commands that load it."""

    @pytest.fixture
    def made(self, debias, tmp_path):
        assert debias("leace")[0] == 0
        return tmp_path / "out"

    @pytest.fixture
    def loaded(self, unskew, faces, stimuli, tmp_path):
        def run(folder):
            where = ("--dataset", faces, "--stimuli", stimuli, "--out", tmp_path / "audit")
            code, _, err = unskew("audit", folder, *where)
            assert (code, len(err.strip().splitlines())) == (2, 1), err
            assert not (tmp_path / "audit").exists()
            return err

        return run

    def test_weights_cut_in_half(self, made, loaded):
        file = made / "heads.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        assert "heads.safetensors of" in (err := loaded(made))
        assert "damaged or incomplete" in err

    def test_another_base_model(self, made, loaded):
        file = made / "unskew_encoder.json"
        described = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps(described | {"base_fingerprint": "0" * 32}))
        assert "another base model" in loaded(made)

    def test_debiasers_do_not_stack(self, made, refused, tmp_path):
        refused("is debiased already", model=made, out=tmp_path / "second")


def test_the_encoder_saved_is_the_one_returned(faces, stimuli, tmp_path):
    out = tmp_path / "out"
    done = debias_model("leace", "unskew/mini", faces, ["gender"], out, stimuli=stimuli)
    image = pictures.faces(4, 9)["image"]
    loaded = DualEncoder.from_pretrained(out)
    assert done is not None
    assert np.allclose(done.encoder.embed_images(image), loaded.embed_images(image), atol=1e-6)
    assert done.report == AuditReport.load(out / "report")


class TestTraining:
    """A method that takes long enough to be stopped."""

    SHORT = ("steps=4", "batch_size=8", "checkpoint_every=2", "blocks=1", "rank=2")

    @pytest.fixture
    def train(self, debias):
        def run(*settings):
            options = [part for s in (*self.SHORT, *settings) for part in ("--set", s)]
            return debias("adversarial", *options)

        return run

    @pytest.fixture
    def trained(self, train, tmp_path):
        code, _, err = train()
        assert code == 0, err
        return tmp_path / "out"

    def test_the_same_command_again_goes_on(self, trained, train):
        """From the last checkpoint that is whole, to the same adapter."""
        first = (trained / "adapter_model.safetensors").read_bytes()
        *_, newest = sorted((trained / "checkpoints").glob("step-*"))
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
        with pytest.warns(UserWarning, match=f"{newest.name} is damaged"):
            code, out, err = train()
        assert code == 0, err
        assert "adversarial" in out
        losses = (trained / "checkpoints" / "losses.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["step"] for line in losses] == [1, 2, 3, 4]
        assert (trained / "adapter_model.safetensors").read_bytes() == first
        assert DualEncoder.from_pretrained(trained).embed_texts(["a person"]).shape == (1, 384)

    def test_other_settings_and_damage_are_refused(self, trained, train):
        before = contents(trained)
        code, _, err = train("rank=3")
        assert code == 2
        assert "holds checkpoints of another run: its rank is 2, not 3" in err
        for file in (trained / "checkpoints").glob("step-*"):
            before[str(file)] = file.read_bytes()[:99]
            file.write_bytes(before[str(file)])
        with pytest.warns(UserWarning, match="is damaged"):
            code, _, err = train()
        assert code == 2
        assert f"every checkpoint in {trained / 'checkpoints'} is damaged" in err
        assert contents(trained) == before

    def test_an_adapter_for_another_model(self, trained, unskew, tmp_path):
        file = trained / "unskew_encoder.json"
        described = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps(described | {"base_fingerprint": "0" * 32}))
        code, _, err = unskew("audit", trained, "--out", tmp_path / "audit")
        assert (code, len(err.strip().splitlines())) == (2, 1)
        assert "another base model" in err

    def test_an_adapter_cut_in_half(self, trained, unskew, tmp_path):
        file = trained / "adapter_model.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        code, _, err = unskew("audit", trained, "--out", tmp_path / "audit")
        assert (code, len(err.strip().splitlines())) == (2, 1)
        assert "adapter_model.safetensors of" in err
        assert "damaged or incomplete" in err


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
