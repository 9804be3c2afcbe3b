"""`unskew publish` as people meet it: what it says, what it uploads, and what it refuses."""

import json
import shutil

import pytest
from loopback_hub import WRITES
from loopback_hub.store import Commit, File

from unskew.hub.register import metric_names, metrics_root, shipped


def uploaded(hub, repo, kind):
    return hub.repository(repo, kind).files()


def test_a_model(unskew, hub, debiased):
    code, out, err = unskew("publish", "model", debiased, "--repo", "you/fair", "--private")
    assert code == 0, err
    assert f"Published: {hub.endpoint}/you/fair" in out
    assert hub.repository("you/fair").private
    files = uploaded(hub, "you/fair", "models")
    assert {"README.md", "unskew_encoder.json", "heads.safetensors", "results.json"} <= set(files)
    assert "report/report.json" in files
    assert not [name for name in files if name.startswith(("checkpoints", "card.yaml"))]
    assert all(f" {name}\n" in out for name in files)
    assert "has a blank for a person to fill in" in err
    assert WRITES not in out + err
    assert "hf_" not in out + err

    code, out, _ = unskew("publish", "model", debiased, "--repo", "you/fair")
    assert code == 0
    assert "all of it is there already" in out


def test_a_dry_run_asks_nothing_of_the_hub(unskew, hub, debiased):
    code, out, err = unskew("publish", "model", debiased, "--repo", "you/fair", "--dry-run")
    assert code == 0, err
    assert "unskew_encoder.json" in out
    assert "## What changed" in out
    assert "blank for a person" in err
    assert (hub.faults.requests, hub.repositories) == ([], {})


def test_a_set(unskew, hub, small_set):
    code, out, err = unskew("publish", "dataset", small_set, "--repo", "lab/faces")
    assert code == 0, err
    assert f"{hub.endpoint}/datasets/lab/faces" in out
    files = uploaded(hub, "lab/faces", "datasets")
    assert b'load_dataset("lab/faces"' in files["README.md"]
    assert b"PATH_OR_ID" not in files["README.md"]
    assert {"DATASHEET.md", "metadata.jsonl", "build.json"} <= set(files)
    assert "DATASHEET.md has a blank" in err


@pytest.mark.parametrize("name", metric_names())
def test_a_metric(unskew, hub, name):
    code, _, err = unskew("publish", "metric", name, "--repo", "you/mine", "--create-pr")
    assert code == 2
    assert "no such repository to open a pull request in" in err
    code, _, err = unskew("publish", "metric", name, "--repo", "you/mine")
    assert code == 0, err
    files = uploaded(hub, "you/mine", "spaces")
    assert hub.repository("you/mine", "spaces").sdk == "gradio"
    module = (metrics_root() / name / f"{name}.py").read_bytes()
    assert files["mine.py"] == module
    assert set(files) == {"README.md", "app.py", "mine.py", "requirements.txt", f".unskew-{name}"}


def test_the_demo(unskew, hub):
    code, _, err = unskew("publish", "space", "--repo", "you/explorer", "--revision", "next")
    assert code == 0, err
    explorer = hub.repository("you/explorer", "spaces")
    app = (shipped("spaces") / "bias_explorer" / "app.py").read_bytes()
    assert explorer.files("next")["app.py"] == app
    assert explorer.files("main") == {}


def test_what_people_added_to_a_space_stays(unskew, hub):
    assert unskew("publish", "space", "--repo", "you/explorer")[0] == 0
    explorer = hub.repository("you/explorer", "spaces")
    shown = explorer.files()
    added = {"mine.py": File(b"1"), "notes.txt": File(b"2"), "app.py": File(b"older")}
    explorer.add("main", Commit(explorer.find("main")[1].files | added, "by hand", None))
    code, _, err = unskew("publish", "space", "--repo", "you/explorer")
    assert code == 0, err
    assert explorer.files() == shown | {"mine.py": b"1", "notes.txt": b"2"}


class TestRefused:
    """One line, exit code 2, and nothing asked of the Hub or changed on it."""

    @pytest.fixture
    def refused(self, unskew, hub):
        def run(message, *arguments, repo="you/fair"):
            before = {key: r.files() for key, r in hub.repositories.items()}
            code, _, err = unskew("publish", *arguments, "--repo", repo)
            lines = [line for line in err.splitlines() if not line.startswith("Note: ")]
            assert (code, len(lines)) == (2, 1), err
            assert lines[0].startswith("unskew: ")
            assert message in lines[0]
            assert {key: r.files() for key, r in hub.repositories.items()} == before

        return run

    def test_without_a_name_nothing_is_uploaded(self, unskew, hub, debiased):
        code, _, err = unskew("publish", "model", debiased)
        assert code == 2
        assert "--repo" in err
        assert hub.faults.requests == []

    def test_names(self, refused, debiased, hub):
        refused("say whose it is", "model", debiased, repo="fair")
        refused("cannot publish", "space", repo="you/a b")
        refused("letters, digits and _", "metric", "cka", repo="you/my-cka")
        refused("call the metric otherwise", "metric", "cka", repo="you/app")
        assert hub.faults.requests == []

    def test_no_such_thing(self, refused, tmp_path):
        refused("there is no folder", "model", tmp_path / "nothing")
        refused("holds no debiased model", "model", tmp_path)
        refused("so it is no set", "dataset", tmp_path)
        refused("there is no metric bleu; there are", "metric", "bleu")

    def test_a_model_that_is_no_dual_encoder(self, refused, tmp_path):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
        refused("is a bert model, not a dual encoder", "model", tmp_path)

    def test_a_model_without_weights_to_merge(self, refused, debiased):
        refused("has no adapter to merge", "model", debiased, "--merged")

    def test_a_model_without_its_report(self, refused, debiased, tmp_path):
        copy = shutil.copytree(debiased, tmp_path / "copy")
        shutil.rmtree(copy / "report")
        refused("has no report/report.json", "model", copy)

    def test_a_card_with_missing_fields(self, refused, small_set, tmp_path):
        copy = shutil.copytree(small_set, tmp_path / "set")
        card = (copy / "README.md").read_text()
        (copy / "README.md").write_text(card.replace("pretty_name:", "pretty:", 1))
        refused("lacks pretty_name in its metadata", "dataset", copy)
        (copy / "README.md").write_text("# no metadata")
        refused("lacks pretty_name, license, configs", "dataset", copy)
        (copy / "README.md").write_text(card)
        parquet = next(copy.glob("*/*.parquet"))
        parquet.write_bytes(parquet.read_bytes()[:-40])
        refused("is damaged", "dataset", copy)
        for file in copy.glob("*/*.parquet"):
            file.unlink()
        refused("has no such file", "dataset", copy)

    def test_a_set_for_private_use(self, refused, small_set, tmp_path):
        copy = shutil.copytree(small_set, tmp_path / "set")
        numbers = json.loads((copy / "build.json").read_text())
        (copy / "build.json").write_text(json.dumps(numbers | {"mode": "private"}))
        refused("do not allow to pass them on", "dataset", copy)

    def test_somebody_elses_space(self, refused, hub):
        hub.create("spaces", "you/fair", private=False, sdk="gradio")
        theirs = Commit({"app.py": File(b"print()"), "README.md": File(b"# x")}, "theirs", None)
        hub.repository("you/fair", "spaces").add("main", theirs)
        refused("that repository holds something else", "space")
        refused("that repository holds something else", "metric", "cka")
