"""`unskew dataset hydrate`, from an export of addresses through curation to a set with images."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from datasets import load_dataset

from unskew.curate import hydrate
from unskew.curate.download import Downloader

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
from loopback import Reply, loopback


@pytest.fixture(autouse=True)
def private_hosts(monkeypatch):
    """The web of these tests is on this machine."""
    monkeypatch.setattr(hydrate, "Downloader", lambda **_: Downloader())


@pytest.fixture
def web(shared_data):
    """Images of two folders of the pile on the loopback, by their path there."""
    with loopback() as server:
        for label in ("female", "male"):
            for path in sorted((shared_data / "raw_pile" / label).iterdir())[:15]:
                server.on(f"/{label}/{path.name}", Reply(path.read_bytes()))
        yield server


@pytest.fixture
def addresses(unskew, web, shared_data, tmp_path):
    """A set of addresses that the commands before have made."""
    rows = [
        {"id": f"{label}/{path.name}", "url": f"{web.url}/{label}/{path.name}", "subgroup": label}
        for label in ("female", "male")
        for path in sorted((shared_data / "raw_pile" / label).iterdir())[:15]
    ]
    export = tmp_path / "export.jsonl"
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for arguments in (
        ("collect", export, "--out", tmp_path / "raw"),
        ("curate", tmp_path / "raw", "--out", tmp_path / "curated"),
        ("dataset", "build", tmp_path / "curated", "--out", tmp_path / "set", "--urls-only"),
    ):
        code, _, wrong = unskew(*arguments)
        assert (code, wrong) == (0, "")
    web.asked.clear()
    return tmp_path / "set"


def test_from_addresses_to_images(unskew, web, addresses, shared_data, tmp_path):
    rows = [json.loads(line) for line in (addresses / "metadata.jsonl").read_text().splitlines()]
    assert len(rows) > 15
    gone, changed = rows[0]["url"], rows[1]["url"]
    web.on(gone.removeprefix(web.url), Reply(status=404))
    other = min((shared_data / "raw_pile" / "gay").iterdir())
    web.on(changed.removeprefix(web.url), Reply(other.read_bytes()))
    out = tmp_path / "out"
    code, said, wrong = unskew("dataset", "hydrate", addresses, "--out", out)
    assert (code, wrong) == (0, "")
    assert f"{out}: {len(rows) - 2} rows of {len(rows) - 2} images" in said
    assert "  1: another image at its address\n" in said
    assert "  1: gone from its address\n" in said
    assert f"Which ones: {out}/missing.jsonl\n" in said
    assert "Not to be published" in said
    lines = (out / "missing.jsonl").read_text().splitlines()
    assert [(r["what"], r["url"]) for r in map(json.loads, lines)] == [
        ("gone", gone),
        ("changed", changed),
    ]
    data = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    names = data["test"].features["subgroup"]
    found = Counter(names.int2str(n) for part in data.values() for n in part["subgroup"])
    assert set(found) == {"Female", "Male"}
    assert found.total() == len(rows) - 2
    assert all(min(image.size) >= 64 for part in data.values() for image in part["image"])
    web.asked.clear()
    again = unskew("dataset", "hydrate", addresses, "--out", out)
    assert (again[1], web.asked) == (said, [])
    for folder, new, says in (
        (tmp_path / "raw", tmp_path / "new", "is no set: name a folder"),
        (out, tmp_path / "new", "holds its images already"),
        (addresses, tmp_path / "curated", "curated holds something else"),
    ):
        code, said, wrong = unskew("dataset", "hydrate", folder, "--out", new)
        assert (code, said, wrong.count("\n")) == (2, "", 1)
        assert says in wrong
    assert not (tmp_path / "new").exists()
