"""faces.jsonl of a curation: of every record, once, and the same however often it was stopped."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate.curation import FACES, open_curation
from unskew.curate.find_faces import FOUND, find_faces
from unskew.curate.pipeline import curate
from unskew.errors import InputError

BUILT_IN = Path(unskew.__file__).parent / "corpora" / "data"
PILE = Path(__file__).parents[3] / "shared" / "data" / "raw_pile"


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    """Four faces, one of them twice, a picture without, a damaged file, and a large photograph."""
    root = tmp_path_factory.mktemp("pile")
    raw = root / "raw" / "female"
    raw.mkdir(parents=True)
    images = pq.read_table(BUILT_IN / "faces.parquet")["image"].to_pylist()
    for number in (0, 90, 180, 270):
        (raw / f"face{number}.jpg").write_bytes(images[number]["bytes"])
    (raw / "twice.jpg").write_bytes(images[90]["bytes"])
    (raw / "damaged.jpg").write_bytes(images[0]["bytes"][:900])
    Image.new("RGB", (300, 200), "teal").save(raw / "plain.png")
    large = Image.open(BytesIO(images[180]["bytes"])).resize((1920, 1920))
    large.save(raw / "large.jpg")
    done = curate(root / "raw", root / "out", faces=True)
    return root / "raw", root / "out", done


def by_name(folder):
    curation = open_curation(folder)
    return {Path(r.url).stem: curation.faces[r.id] for r in curation.records}


def test_every_record_has_its_faces(curated):
    _, out, done = curated
    faces = by_name(out)
    assert len(faces) == 8
    assert done.with_faces == open_curation(out).about["with_faces"] == 6
    assert faces["damaged"] == faces["plain"] == ()
    assert faces["twice"] == faces["face90"] != ()
    (small, *_), (large, *_) = faces["face180"], faces["large"]
    assert np.array(large.box) / 12 == pytest.approx(np.array(small.box), abs=8)
    assert len(large.landmarks) == 5


def test_a_second_run_looks_at_no_image_again(curated, monkeypatch):
    raw, out, _ = curated
    before = [(out / name).read_bytes() for name in (FACES, FOUND)]
    monkeypatch.setattr("unskew.curate.find_faces.small_copy", None)
    assert curate(raw, out).with_faces == 6
    assert [(out / name).read_bytes() for name in (FACES, FOUND)] == before


def test_stopped_anywhere_the_bytes_are_the_same(curated):
    _, out, _ = curated
    faces, found = (out / FACES).read_bytes(), (out / FOUND).read_bytes()
    for cut in np.random.default_rng(0).integers(0, len(found), 4):
        (out / FACES).unlink()
        (out / FOUND).write_bytes(found[:cut])
        assert find_faces(out) == 6
        assert (out / FACES).read_bytes() == faces
        assert (out / FOUND).read_bytes() == found


def test_a_file_that_is_no_log_is_refused(curated):
    _, out, _ = curated
    found = (out / FOUND).read_bytes()
    (out / FOUND).write_text("hello\n")
    with pytest.raises(InputError, match="no log of found faces"):
        find_faces(out)
    (out / FOUND).write_bytes(found)


@pytest.mark.skipif(not PILE.is_dir(), reason="needs the images of ../shared/data")
def test_faces_of_scraped_portraits_are_found_and_churches_have_none(tmp_path):
    for name in ("christianity", "disabled-people", "native"):
        shutil.copytree(PILE / name, tmp_path / "raw" / name)
    curate(tmp_path / "raw", tmp_path / "out", faces=True)
    curation = open_curation(tmp_path / "out")
    of = {name: [] for name in ("christianity", "disabled-people", "native")}
    for record in curation.records:
        of[Path(record.url).parent.name].append(len(curation.faces[record.id]))
    assert np.mean(np.array(of["disabled-people"] + of["native"]) > 0) >= 0.9
    assert of["christianity"].count(0) == 4  # a book, a cross and two churches
