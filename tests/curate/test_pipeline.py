"""From a pile to a folder with flags: every kind of pile, killed runs, and what is refused."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import planted_defects as planted
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate import pipeline
from unskew.curate.curation import open_curation
from unskew.curate.pipeline import curate
from unskew.errors import InputError, NotFoundError

PACKAGE = Path(unskew.__file__).parent
DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def pictures():
    rows = pq.read_table(PACKAGE / "corpora" / "data" / "faces.parquet", columns=["image"])
    contents = [row["bytes"] for row in rows["image"].to_pylist()[::9]]
    return [Image.open(BytesIO(content)).convert("RGB") for content in contents]


@pytest.fixture
def raw(pictures, tmp_path):
    """A folder with a subgroup, a repeat, a thumbnail, and half a file."""
    folder = tmp_path / "raw"
    good = [planted.encoded(picture, quality=95) for picture in pictures[:4]]
    files = {f"Muslim/{i}.jpg": content for i, content in enumerate(good)}
    files["Sikh/0.jpg"] = good[0]
    files["Sikh/1.png"] = planted.encoded(pictures[1], "PNG")
    files["Sikh/2.jpg"] = planted.encoded(planted.thumbnail(pictures[9], None))
    files["Sikh/3.jpg"] = good[3][: len(good[3]) // 2]
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def flags(folder):
    """The checks that failed, by the path of the image in its pile."""
    curation = open_curation(folder)
    return {r.url: {flag.check for flag in curation.flags(r.id)} for r in curation.records}


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_folder_is_flagged_and_nothing_is_left_out(raw, tmp_path):
    done = curate(raw, tmp_path / "out")
    found = flags(tmp_path / "out")
    assert {name: f for name, f in found.items() if name.startswith("Sikh")} == {
        "Sikh/0.jpg": {"exact_duplicate"},
        "Sikh/1.png": {"near_duplicate"},
        "Sikh/2.jpg": {"too_small"},
        "Sikh/3.jpg": {"unreadable"},
    }
    assert not any(f for name, f in found.items() if name.startswith("Muslim"))
    assert (done.new, done.total, done.unflagged) == (8, 8, 4)
    assert done.flagged["exact_duplicate"] == 1
    assert done.flagged["blurred"] == 0
    assert "text_too_short" not in done.flagged


def test_a_reason_names_the_record_that_is_repeated(raw, tmp_path):
    curate(raw, tmp_path / "out")
    curation = open_curation(tmp_path / "out")
    ids = {record.url: record.id for record in curation.records}
    (flag,) = curation.flags(ids["Sikh/0.jpg"])
    assert ids["Muslim/0.jpg"] in flag.reason


def test_what_is_read_back_is_what_the_file_says(raw, tmp_path):
    curate(raw, tmp_path / "out")
    curation = open_curation(tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out/flags.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [record.id for record in curation.records]
    for row, record in zip(rows, curation.records, strict=True):
        checked = curation.checked[record.id]
        assert row["key"] == checked.key == Path(record.image).stem
        assert row["scores"] == checked.scores
        assert [flag["check"] for flag in row["flags"]] == [flag.check for flag in checked.flags]
        assert curation.image(record).is_file()
    assert curation.faces is None
    assert curation.about["raw"] == "raw"
    assert curation.about["records"] == 8


def test_texts_are_checked_where_a_pile_has_texts(raw, tmp_path):
    lines = [
        {"image": "Muslim/0.jpg", "text": "A Muslim woman reads to her son", "subgroup": "Muslim"},
        {"image": "Muslim/1.jpg", "text": "A soup of red lentils", "subgroup": "Muslim"},
        {"image": "Muslim/2.jpg", "text": "A soup of red lentils"},
        {"image": "Muslim/3.jpg", "subgroup": "Muslim"},
        {"image": "gone.jpg", "text": "Muslims vote for a senator", "subgroup": "Muslim"},
    ]
    export = raw / "export.jsonl"
    export.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curate(export, tmp_path / "out")
    assert flags(tmp_path / "out") == {
        "Muslim/0.jpg": set(),
        "Muslim/1.jpg": {"off_topic"},
        "Muslim/2.jpg": set(),
        "Muslim/3.jpg": {"text_too_short", "off_topic"},
        "gone.jpg": {"unreadable", "political"},
    }
    gone = open_curation(tmp_path / "out").records[-1]
    assert gone.problem in open_curation(tmp_path / "out").flags(gone.id)[0].reason


def test_a_collection_is_taken_over(raw, tmp_path):
    curate(raw, tmp_path / "first")
    curate(tmp_path / "first", tmp_path / "second")
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert first.pop("curation.json") != second.pop("curation.json")  # the name of the pile
    assert first == second
    assert (tmp_path / "second/salt").stat().st_mode & 0o777 == 0o600
    curate(tmp_path / "second", tmp_path / "second")
    assert open_curation(tmp_path / "second").about["raw"] == "first"


def test_an_image_that_is_gone_from_a_collection_is_told(raw, tmp_path):
    curate(raw, tmp_path / "first")
    record = open_curation(tmp_path / "first").records[0]
    (tmp_path / "first" / record.image).unlink()
    curate(tmp_path / "first", tmp_path / "second")
    checked = open_curation(tmp_path / "second").checked[record.id]
    assert checked.key is None
    assert "No such file" in checked.flags[0].reason


def test_a_second_run_changes_no_byte_and_thresholds_measure_nothing_anew(
    raw, tmp_path, monkeypatch
):
    curate(raw, tmp_path / "out")
    before = contents(tmp_path / "out")
    monkeypatch.setattr("unskew.curate.checks.measure", lambda *_: pytest.fail("again"))
    assert curate(raw, tmp_path / "out").new == 0
    assert contents(tmp_path / "out") == before
    changed = tmp_path / "thresholds.json"
    changed.write_text('{"too_small": {"below": 5000}, "drawing": null}')
    curate(raw, tmp_path / "out", thresholds=changed)
    assert sum("too_small" in found for found in flags(tmp_path / "out").values()) == 7
    about = open_curation(tmp_path / "out").about
    assert about["thresholds_changed"] == {"too_small": {"below": 5000.0}, "drawing": None}


def killed(raw, out, times):
    """Files that each kill has left."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_runs.py"), raw, out, str(times), "7"],
        capture_output=True,
        text=True,
        env={**os.environ, "UNSKEW_SALT": "salt", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_killed_at_ten_moments_and_resumed_the_bytes_are_the_same(pictures, raw, tmp_path):
    (raw / "Jewish").mkdir()
    for i, picture in enumerate(pictures[:40]):
        (raw / "Jewish" / f"{i}.jpg").write_bytes(planted.encoded(picture.resize((48, 48))))
    left = killed(raw, tmp_path / "out", 10)
    assert len(left) == 10
    # Not all come before or after it has stored what it collects.
    assert len(set(left)) >= 2


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the images of ../shared/data")
def test_killed_on_the_scraped_pile(tmp_path):
    left = killed(DATA / "raw_pile", tmp_path / "out", 20)
    assert len(left) == 20


@pytest.mark.parametrize("name", ["flags.jsonl", "curation.json"])
def test_a_folder_that_is_not_curated_to_its_end_is_refused(raw, tmp_path, name):
    curate(raw, tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    with pytest.raises(InputError, match=f"no {name}: unskew curate RAW"):
        open_curation(tmp_path / "out")


def test_flags_of_other_records_are_refused(raw, tmp_path):
    curate(raw, tmp_path / "out")
    path = tmp_path / "out" / "flags.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="not of these records"):
        open_curation(tmp_path / "out")
    path.write_text('{"id": 1}\n')
    with pytest.raises(InputError, match=r"flags\.jsonl line 1"):
        open_curation(tmp_path / "out")


def test_piles_that_cannot_be_used_are_refused_before_anything_is_made(raw, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        curate(tmp_path / "empty", tmp_path / "out1")
    with pytest.raises(NotFoundError, match="nowhere"):
        curate(tmp_path / "nowhere", tmp_path / "out2")
    with pytest.raises(InputError, match="lies within"):
        curate(raw, raw / "out")
    with pytest.raises(NotFoundError, match="thresholds"):
        curate(raw, tmp_path / "out3", thresholds=tmp_path / "none.json")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]
    assert not (raw / "out").exists()


def test_an_image_outside_of_a_collection_is_refused(raw, tmp_path):
    curate(raw, tmp_path / "first")
    path = tmp_path / "first" / "records.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**row, "image": "images/../salt"}) + "\n")
    with pytest.raises(InputError, match="does not lie in images"):
        curate(tmp_path / "first", tmp_path / "second")
    path.write_text(json.dumps({**row, "image": ""}) + "\n")
    with pytest.raises(InputError, match="does not lie in images"):
        curate(tmp_path / "first", tmp_path / "second")


def test_one_run_at_a_time_curates_a_folder(raw, tmp_path, monkeypatch):
    curate(raw, tmp_path / "out")
    before = contents(tmp_path / "out")
    refused = []

    check_images = pipeline.check_images

    def meanwhile(*pile, **how):
        with pytest.raises(InputError, match="another run is writing") as error:
            curate(raw, tmp_path / "out")
        refused.append(error)
        return check_images(*pile, **how)

    monkeypatch.setattr(pipeline, "check_images", meanwhile)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on some systems
    curate(raw, tmp_path / "out")
    assert len(refused) == 1
    assert contents(tmp_path / "out") == before
