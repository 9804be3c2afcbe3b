"""`unskew dataset build` and `import`: what they print, leave on disk, and refuse in one line."""

import json
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
from small_curation import curated, face_files, metadata

from unskew.curate.curation import open_curation


@pytest.fixture(scope="module")
def curation(tmp_path_factory):
    """Faces of which the checks flag some, and nobody has decided."""
    return curated(tmp_path_factory.mktemp("curation"), 18)


def test_from_faces_to_a_set(unskew, curation, tmp_path):
    out = tmp_path / "set"
    code, said, wrong = unskew("dataset", "build", curation, "--out", out)
    assert (code, wrong) == (0, "")
    rows = metadata(out)
    assert f"{out}: {len(rows)} rows of {len(rows)} images" in said
    assert ": LicenseRef-all-rights-reserved does not allow to pass the image on\n" in said
    flagged = sum(bool(c.flags) for c in open_curation(curation).checked.values())
    assert f"  {flagged}: flagged, and nobody has decided\n" in said
    assert f"fill in the blanks of {out}/README.md" in said
    loaded = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert sum(len(split) for split in loaded.values()) == len(rows)


def test_removals_are_counted_and_unknown_ones_named(unskew, curation, tmp_path):
    code, *_ = unskew("dataset", "build", curation, "--out", tmp_path / "before", "--urls-only")
    assert code == 0
    first, second = metadata(tmp_path / "before")[:2]
    elsewhere = "https://elsewhere.example/1.jpg"
    listed = tmp_path / "removals.txt"
    listed.write_text(f"{first['sha256']}\n{second['page']}  # by mail\n{elsewhere}\n")
    arguments = ("--urls-only", "--removals", listed)
    code, said, wrong = unskew("dataset", "build", curation, "--out", tmp_path / "set", *arguments)
    assert (code, wrong) == (0, "")
    assert "Removed on request: 2 (3 listed)\n" in said
    assert f"  nothing here is {elsewhere}\n" in said
    gone = {row["id"] for row in metadata(tmp_path / "before")}
    gone -= {row["id"] for row in metadata(tmp_path / "set")}
    assert gone == {first["id"], second["id"]}


def test_a_list_of_the_curation_itself_is_always_kept_to(unskew, tmp_path):
    folder = curated(tmp_path, 12)
    assert unskew("dataset", "build", folder, "--out", tmp_path / "before", "--private")[0] == 0
    first = metadata(tmp_path / "before")[0]
    (folder / "removals.txt").write_text(first["url"])
    code, said, _ = unskew("dataset", "build", folder, "--out", tmp_path / "set", "--private")
    assert code == 0
    assert "Removed on request: 1 (1 listed)" in said
    assert first["id"] not in {row["id"] for row in metadata(tmp_path / "set")}


def test_what_is_refused(unskew, curation, tmp_path):
    out = tmp_path / "set"
    (tmp_path / "file").write_text("")
    everything = tmp_path / "everything.txt"
    everything.write_text("".join(r.url + "\n" for r in open_curation(curation).records))
    for arguments, said in (
        ((tmp_path / "nowhere",), "there is no such folder"),
        ((tmp_path,), "unskew curate RAW --out"),
        ((curation, "--urls-only", "--private"), "give one of the two"),
        ((curation, "--blur-bystanders"), f"run unskew curate {curation} --out {curation} --faces"),
        ((curation, "--urls-only", "--blur-bystanders"), "leave out one of"),
        ((curation, "--shares", "80:20"), "write train:validation:test"),
        ((curation, "--removals", tmp_path / "none"), "no such file"),
        ((curation, "--removals", everything), "nothing is left for the set"),
    ):
        code, printed, wrong = unskew("dataset", "build", *arguments, "--out", out)
        assert (code, printed) == (2, "")
        assert said in wrong
        assert wrong.count("\n") == 1
    code, _, wrong = unskew("dataset", "build", curation, "--out", tmp_path / "file")
    assert code == 2
    assert "is a file" in wrong
    assert sorted(path.name for path in tmp_path.iterdir()) == ["everything.txt", "file"]


def test_a_set_of_others(unskew, tmp_path):
    folder = tmp_path / "utkface"
    folder.mkdir()
    for number, (content, gender) in enumerate(face_files(4)):
        (folder / f"30_{int(gender == 'Female')}_0_{number}.jpg").write_bytes(content)
    out = tmp_path / "set"
    code, said, wrong = unskew("dataset", "import", "utkface", folder, "--out", out)
    assert (code, wrong) == (0, "")
    assert "12 rows of 4 images" in said
    assert "  gender: Female 2, Male 2\n" in said
    assert "Not to be published" in said
    assert json.loads((out / "build.json").read_text())["mode"] == "private"
    code, _, wrong = unskew("dataset", "import", "imagenet", folder, "--out", tmp_path / "other")
    assert (code, wrong.count("\n")) == (2, 1)
