"""`unskew publish` as people meet it: what it says, what it uploads, and what it refuses."""

import pytest
from loopback_hub import WRITES
from loopback_hub.store import Commit, File

from unskew.corpora.published import features
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
    assert "README.md has a blank for a person to fill in: whom to write to" in err
    for column in features():
        assert f"`{column}`" in files["README.md"].decode()


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
