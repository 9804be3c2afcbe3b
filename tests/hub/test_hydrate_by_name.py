"""`unskew dataset hydrate you/set`: from the addresses of a set on the Hub to one with images."""

import json
import sys
from pathlib import Path

import pytest

from unskew.corpora import load_images
from unskew.curate import hydrate
from unskew.curate.build import build_set
from unskew.curate.download import Downloader
from unskew.curate.sets.assemble import Plan

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
from loopback import Reply, loopback
from small_curation import curated, face_files


@pytest.fixture
def hub(hub, monkeypatch):
    """One that files can be downloaded from, too: their address is made up at import."""
    from huggingface_hub import constants

    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return hub


@pytest.fixture(autouse=True)
def private_hosts(monkeypatch):
    """The web of these tests is on this machine."""
    monkeypatch.setattr(hydrate, "Downloader", lambda **_: Downloader())


@pytest.fixture
def web(tmp_path):
    """Twelve faces on the loopback, and the set of their addresses."""
    with loopback() as server:
        for number, (content, _) in enumerate(face_files(12)):
            server.on(f"/{number}.jpg", Reply(content))
        where = {"url": lambda n: f"{server.url}/{n}.jpg", "author": str}
        folder = curated(tmp_path, 12, **where)
        build_set(folder, tmp_path / "set", Plan("urls-only"))
        server.asked.clear()
        yield server


def test_a_set_of_the_hub_gets_its_images_and_keeps_its_labels(unskew, hub, web, tmp_path):
    published = unskew("publish", "dataset", tmp_path / "set", "--repo", "you/addresses")
    assert published[0] == 0, published[2]
    card = hub.repository("you/addresses", "datasets").files()["README.md"].decode()
    command = card.partition("`unskew ")[2].partition("`")[0].split()
    assert command == ["dataset", "hydrate", "you/addresses", "--out", "with-images"]
    code, out, err = unskew(*command[:-1], tmp_path / "out")
    assert code == 0, err
    lines = (tmp_path / "set" / "metadata.jsonl").read_text().splitlines()
    rows = len(lines)
    assert rows > 8
    assert f"{rows} rows of {rows} images" in out
    assert len(web.asked) == rows
    # Which of them a set so small has hangs on its addresses, and so on the server's port.
    splits = {json.loads(line)["split"] for line in lines}
    found = {
        split: load_images(tmp_path / "out", split).labels("gender").tolist() for split in splits
    }
    assert sum(map(len, found.values())) == rows
    unskew("dataset", "hydrate", tmp_path / "set", "--out", tmp_path / "local")
    for split, labels in found.items():
        assert load_images(tmp_path / "local", split).labels("gender").tolist() == labels
    asked = [request for request in hub.faults.requests if "/resolve/" in request]
    assert {request.rsplit("/", 1)[1] for request in asked} == {"metadata.jsonl", "build.json"}
    web.asked.clear()
    again = unskew("dataset", "hydrate", "you/addresses", "--out", tmp_path / "out")
    assert (again[0], again[1], web.asked) == (0, out, [])


def test_names_that_lead_nowhere_are_one_line(unskew, hub, tmp_path):
    hub.create("datasets", "you/pictures", False, None)
    for name, says in (
        ("you/none", "'you/none': there is no such folder, and the Hub has no such data set"),
        ("no/such/folder", "'no/such/folder': there is no such folder, and no data set is called"),
        ("you/pictures", "the data set you/pictures of the Hub has no build.json"),
    ):
        code, out, err = unskew("dataset", "hydrate", name, "--out", tmp_path / "out")
        assert (code, out) == (2, ""), name
        assert f"unskew: {says}" in err
        assert err.strip().count("\n") == 0 or err.count("unskew: ") == 1
    assert not (tmp_path / "out").exists()


def test_a_hub_out_of_reach_is_one_line(unskew, tmp_path):
    code, out, err = unskew("dataset", "hydrate", "you/elsewhere", "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "'you/elsewhere': there is no such folder, and it was not loaded from the Hub" in err
    assert err.count("\n") == 1


def test_a_cache_that_lacks_a_file_is_not_taken_for_the_set(
    unskew, hub, web, tmp_path, monkeypatch
):
    """Who has looked at the card alone, and is offline now, is told that, and not a falsehood."""
    from huggingface_hub import constants, hf_hub_download

    published = unskew("publish", "dataset", tmp_path / "set", "--repo", "you/card")
    assert published[0] == 0, published[2]
    hf_hub_download("you/card", "README.md", repo_type="dataset")
    with monkeypatch.context() as offline:
        offline.setattr(constants, "HF_HUB_OFFLINE", True)
        code, out, err = unskew("dataset", "hydrate", "you/card", "--out", tmp_path / "out")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "metadata.jsonl is not in the local cache, and the Hub was not reached" in err
    assert unskew("dataset", "hydrate", "you/card", "--out", tmp_path / "out")[0] == 0
