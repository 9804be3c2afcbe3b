"""Aligned crops of a curation's faces: of every face, once, and the same however often stopped."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate import face_crops as module
from unskew.curate.curation import open_curation
from unskew.curate.face_crops import ALIGNED, MADE, SIDE, aligned_path, crop_faces
from unskew.curate.faces import TEMPLATE, FaceDetector
from unskew.curate.pipeline import curate
from unskew.errors import InputError

BUILT_IN = Path(unskew.__file__).parent / "corpora" / "data" / "faces.parquet"


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    """Faces: one twice, one turned by 25 degrees, two in one picture, one large, one by EXIF."""
    root = tmp_path_factory.mktemp("pile")
    raw = root / "raw" / "female"
    raw.mkdir(parents=True)
    images = pq.read_table(BUILT_IN)["image"].to_pylist()
    (raw / "face.jpg").write_bytes(images[90]["bytes"])
    (raw / "twice.jpg").write_bytes(images[90]["bytes"])
    face, other = (Image.open(BytesIO(images[n]["bytes"])).convert("RGB") for n in (180, 270))
    face.rotate(25, Image.Resampling.BICUBIC, fillcolor="grey").save(raw / "turned.png")
    both = Image.new("RGB", (2 * face.width, face.height))
    both.paste(face, (0, 0))
    both.paste(other.resize(face.size), (face.width, 0))
    both.save(raw / "two.png")
    face.resize((4300, 4300)).save(raw / "large.jpg", quality=80)
    exif = Image.Exif()
    exif[0x0112] = 6
    face.rotate(90, expand=True).save(raw / "exif.jpg", exif=exif)
    Image.new("RGB", (300, 200), "teal").save(raw / "plain.png")
    done = curate(root / "raw", root / "out", face_crops=True)
    return root / "raw", root / "out", done


def content(folder):
    files = (path for path in sorted((folder / ALIGNED).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_face_has_its_crop_by_the_key_of_the_image(curated):
    _, out, done = curated
    curation = open_curation(out)
    wanted = {
        aligned_path(curation.checked[i].key, place).as_posix()
        for i, faces in curation.faces.items()
        for place in range(len(faces))
    }
    assert set(content(out)) == wanted | {f"{ALIGNED}/{MADE}"}
    assert done.face_crops == curation.about["face_crops"] == len(wanted) == 6
    assert done.with_faces == 6


def test_a_crop_is_upright_and_shows_the_face(curated):
    _, out, _ = curated
    detector = FaceDetector()
    curation = open_curation(out)
    for record in curation.records:
        for place in range(len(curation.faces[record.id])):
            with Image.open(out / aligned_path(curation.checked[record.id].key, place)) as image:
                assert (image.size, image.mode, dict(image.getexif())) == ((SIDE, SIDE), "RGB", {})
                found = detector.detect(np.asarray(image))
            assert found, record.url
            off = np.array(found[0].landmarks) / SIDE - TEMPLATE
            assert np.abs(off).max() < 0.12, record.url


def test_stopped_anywhere_the_bytes_are_the_same_and_nothing_is_made_twice(curated, monkeypatch):
    raw, out, _ = curated
    whole = content(out)
    times = {name: (out / name).stat().st_mtime_ns for name in whole}
    assert curate(raw, out).face_crops == 6  # without the option: the folder is there
    assert {name: (out / name).stat().st_mtime_ns for name in whole} == times
    names = [name for name in whole if not name.endswith(MADE)]
    for gone in (names[:1], names[2:5]):
        for name in gone:
            (out / name).unlink()
        (out / ALIGNED / names[0].split("/")[1] / ".unskew-1-cut.jpg").write_bytes(b"half")
        assert crop_faces(out) == 6
        assert content(out) == whole
    shutil.rmtree(out / ALIGNED)
    assert crop_faces(out) == 6
    assert content(out) == whole


def test_other_settings_make_all_of_them_anew(curated, monkeypatch):
    _, out, _ = curated
    whole = content(out)
    (out / ALIGNED / "00").mkdir(exist_ok=True)
    (out / ALIGNED / "00" / "old.jpg").write_bytes(b"of another version")
    (out / ALIGNED / MADE).write_text(json.dumps({**module._SETTINGS, "version": 0}))
    assert crop_faces(out) == 6
    assert content(out) == whole


def test_stopped_while_old_ones_are_removed_it_goes_on(curated, monkeypatch):
    """The file that says whose the folder is may be the first to go."""
    _, out, _ = curated
    whole = content(out)
    (out / ALIGNED / MADE).write_text(json.dumps({**module._SETTINGS, "version": 0}))
    remove = shutil.rmtree

    def stopped(place, **options):
        if (place / MADE).is_file():
            (place / MADE).unlink()
            raise KeyboardInterrupt
        remove(place, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            crop_faces(out)
    assert crop_faces(out) == 6
    assert content(out) == whole
    assert not list(out.glob(".unskew-*"))


def test_a_folder_of_other_things_is_left_alone(curated, tmp_path):
    raw, *_ = curated
    (tmp_path / "out" / ALIGNED).mkdir(parents=True)
    (tmp_path / "out" / ALIGNED / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else than faces"):
        curate(raw, tmp_path / "out", face_crops=True)
    assert (tmp_path / "out" / ALIGNED / "mine.txt").read_text() == "mine"
