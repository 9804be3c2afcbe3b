"""A model published over an earlier one: what goes, what stays, and what is refused."""

import functools

import pytest
from loopback_hub.store import Commit, File

from unskew.hub import publish as publishing

REPO = "you/fair"


@pytest.fixture
def published(unskew, hub, monkeypatch):
    """Publish, and the files that lie there then."""
    monkeypatch.setattr(publishing, "model_bundle", functools.cache(publishing.model_bundle))

    def run(*arguments):
        code, _, err = unskew("publish", "model", *arguments, "--repo", REPO)
        assert code == 0, err
        return hub.repository(REPO).files()

    return run


def test_an_adapter_made_whole_and_an_adapter_again(published, unskew, hub, adapted, tmp_path):
    ours = published(adapted)
    repository = hub.repository(REPO)
    by_hand = {"preprocessor_config.json": b"{}", "tokenizer.json": b"{}", "LICENSE": b"mine"}
    added = {name: File(content) for name, content in by_hand.items()}
    older = {"heads.safetensors": File(b"\0old")}
    files = repository.find("main")[1].files | added | older
    repository.add("main", Commit(files, "by hand", None))
    assert published(adapted) == ours | by_hand

    merged = published(adapted, "--merged")
    assert {"config.json", "model.safetensors", "processor_config.json"} <= set(merged)
    assert not {name for name in merged if name.startswith("adapter")}
    assert merged["LICENSE"] == b"mine"
    for name, content in merged.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for options in ([], ["--merged"]):
        code, _, err = unskew("publish", "model", tmp_path, "--repo", REPO, *options)
        assert code == 2
        assert err.startswith(f"unskew: {tmp_path} is merged already, ")
        assert repository.files() == merged

    assert published(adapted) == ours | {"LICENSE": b"mine"}
