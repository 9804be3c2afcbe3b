"""What `unskew publish` refuses: one line, exit code 2, and nothing changed on the Hub."""

import functools
import json
import shutil

import pytest
from loopback_hub import READS, WRITES, Fault
from loopback_hub.here import connect
from loopback_hub.store import Commit, File

import unskew.hub.publish
from unskew.hub.register import metrics_root, shipped

KINDS = {"model": "models", "dataset": "datasets", "metric": "spaces", "space": "spaces"}
once = functools.cache(unskew.hub.publish.model_bundle)
"""Its card takes a second, and is the same for every refusal."""


def state(hub):
    return {key: (dict(r.refs), r.files(), r.pulls) for key, r in hub.repositories.items()}


@pytest.fixture
def refused(unskew, hub):
    """Publish, and find it refused with that message."""

    def run(message, *arguments, repo="you/fair"):
        before = state(hub)
        code, _, err = unskew("publish", *arguments, "--repo", repo)
        lines = [line for line in err.splitlines() if not line.startswith("Note: ")]
        assert (code, len(lines)) == (2, 1), err
        assert lines[0].startswith("unskew: ")
        assert message in lines[0]
        assert not {READS, WRITES} & set(lines[0].split())
        assert state(hub) == before

    return run


@pytest.fixture(params=list(KINDS))
def what(request, debiased, small_set, monkeypatch):
    """The arguments that publish one thing of each kind."""
    monkeypatch.setattr(unskew.hub.publish, "model_bundle", once)
    given = {"model": [debiased], "dataset": [small_set], "metric": ["weat_bias"]}
    return [request.param, *given.get(request.param, [])]


def test_names(refused, what, hub):
    for name in ("two words/x", "a/b/c", "x..y/z", "you/x.git", "you/", ""):
        refused("cannot publish", *what, repo=name)
    refused("say whose it is, as in you/fair", *what, repo="fair")
    assert hub.faults.requests == []


def test_tokens(refused, what, hub, monkeypatch):
    connect(monkeypatch, hub, READS)
    refused("may only read: it needs to write; nothing was published", *what)
    connect(monkeypatch, hub, "hf_nobody")
    refused("does not accept the access token: `hf auth login` with a valid one", *what)
    connect(monkeypatch, hub, None)
    refused("there is no access token: `hf auth login`", *what)


def test_other_peoples_names(refused, what):
    refused(
        "no right to write to somebody/fair; nothing was published", *what, repo="somebody/fair"
    )


def test_other_content(refused, what, hub):
    kind = KINDS[what[0]]
    hub.create(kind, "you/fair", private=False, sdk="gradio")
    theirs = {"app.py": File(b"print()"), "README.md": File(b"# x"), "config.json": File(b"{}")}
    hub.repository("you/fair", kind).add("main", Commit(theirs, "theirs", None))
    for options in ([], ["--revision", "v2"], ["--create-pr"]):
        refused("that repository holds something else (README.md, and no", *what, *options)


def test_a_public_repository_for_private_content(refused, what, hub):
    hub.create(KINDS[what[0]], "you/fair", private=False, sdk="gradio")
    refused("that repository is public: choose another name", *what, "--private")


def test_a_pull_request_to_nowhere(refused, what, hub):
    refused("no such repository to open a pull request in", *what, "--create-pr")
    hub.create(KINDS[what[0]], "you/fair", private=False, sdk="gradio")
    refused("there is no branch v2 to", *what, "--create-pr", "--revision", "v2")


def test_a_revision_that_is_no_branch(refused, what, hub):
    """The Hub knows what a branch may be called."""
    hub.create(KINDS[what[0]], "you/fair", private=False, sdk="gradio")
    hub.faults.on("POST .*/branch/", Fault("status", 400))
    refused("nothing was published", *what, "--revision", "two words")


def test_no_hub(refused, what, hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refused("the Hub at http://127.0.0.1:9 cannot be reached", *what)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused("HF_HUB_OFFLINE is set; nothing was published", *what)


def test_without_a_name_nothing_is_uploaded(unskew, hub, debiased):
    code, _, err = unskew("publish", "model", debiased)
    assert code == 2
    assert "--repo" in err
    assert hub.faults.requests == []


def test_names_that_evaluate_cannot_load(refused, hub):
    refused("letters, digits and _", "metric", "cka", repo="you/my-cka")
    refused("call the metric otherwise", "metric", "cka", repo="you/app")
    assert hub.faults.requests == []


def test_no_such_thing(refused, tmp_path):
    refused("there is no folder", "model", tmp_path / "nothing")
    refused("holds no debiased model", "model", tmp_path)
    refused("so it is no set", "dataset", tmp_path)
    refused("there is no metric bleu; there are", "metric", "bleu")


def test_a_model_that_is_no_dual_encoder(refused, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    refused("is a bert model, not a dual encoder", "model", tmp_path)


def test_a_model_that_is_not_debiased(refused, tiny_clip):
    refused("has no unskew_encoder.json, so it holds no debiased model", "model", tiny_clip)


def test_a_model_without_weights_to_merge(refused, debiased):
    refused("has no adapter to merge", "model", debiased, "--merged")


def test_a_model_without_its_report(refused, debiased, tmp_path):
    copy = shutil.copytree(debiased, tmp_path / "copy")
    shutil.rmtree(copy / "report")
    refused("has no report/report.json", "model", copy)


def test_a_card_with_missing_fields(refused, small_set, tmp_path):
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


@pytest.mark.parametrize("space", [("metric", "cka"), ("space",)], ids=str)
def test_the_card_of_a_space_with_missing_fields(refused, space, tmp_path, monkeypatch):
    """Of a checkout that somebody has changed."""
    shutil.copytree(metrics_root(), tmp_path / "metrics")
    shutil.copytree(shipped("spaces"), tmp_path / "spaces")
    for card in tmp_path.glob("*/*/README.md"):
        card.write_text(card.read_text().replace("app_file: app.py", "app_file:", 1))
    monkeypatch.setattr("unskew.hub.publish.space.metrics_root", lambda: tmp_path / "metrics")
    monkeypatch.setattr("unskew.hub.publish.space.shipped", lambda name: tmp_path / name)
    refused("lacks app_file in its metadata", *space)


def test_the_card_of_a_model_with_an_unknown_field(refused, debiased, tmp_path):
    copy = shutil.copytree(debiased, tmp_path / "copy")
    (copy / "card.yaml").write_text("autors: Ada")
    refused("card.yaml has autors; a card asks for license, authors", "model", copy)


def test_a_set_for_private_use(refused, small_set, tmp_path):
    copy = shutil.copytree(small_set, tmp_path / "set")
    numbers = json.loads((copy / "build.json").read_text())
    (copy / "build.json").write_text(json.dumps(numbers | {"mode": "private"}))
    refused("do not allow to pass them on", "dataset", copy)
