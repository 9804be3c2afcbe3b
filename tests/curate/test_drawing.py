"""The check of drawings: drawings made here and emoji that ship, photographs that ship."""

from io import BytesIO
from pathlib import Path

import numpy as np
import planted_drawings as drawings
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate.drawing import FEATURES, drawn, features
from unskew.curate.flags import load_rules
from unskew.curate.pixels import small_copy
from unskew.curate.tones import background

DATA = Path(unskew.__file__).parent / "corpora" / "data"
THRESHOLD = load_rules()["drawing"].threshold


def shipped(name, step):
    rows = pq.read_table(DATA / f"{name}.parquet", columns=["image"])["image"].to_pylist()[::step]
    return [Image.open(BytesIO(row["bytes"])).convert("RGBA") for row in rows]


def flagged(images, rng):
    copies = [small_copy(drawings.stored(image.convert("RGB"), rng)).rgb for image in images]
    return np.mean([drawn(copy, background(copy)) >= THRESHOLD for copy in copies])


def test_cartoons_are_told_however_they_are_stored():
    rng = np.random.default_rng(0)
    images = [drawings.laid(drawings.cartoon(rng), rng) for _ in range(60)]
    assert flagged(images, rng) >= 0.9


def test_emoji_on_any_ground_are_told():
    rng = np.random.default_rng(1)
    images = [drawings.laid(image, rng) for image in shipped("emoji", 12)]
    assert flagged(images, rng) >= 0.85


def test_photographs_are_not_drawings_however_they_are_stored():
    rng = np.random.default_rng(2)
    faces = [image.convert("RGB") for image in shipped("faces", 9)]
    assert flagged(faces, rng) <= 0.02
    assert flagged([drawings.photograph(face, rng) for face in faces], rng) <= 0.05


@pytest.mark.parametrize("side", [1, 3, 64])
def test_a_plain_surface_has_no_edges_to_judge(side):
    rgb = np.full((side, side, 3), 130, np.uint8)
    ground = np.zeros((side, side), bool)
    found = features(rgb, ground)
    assert len(found) == len(FEATURES)
    assert np.isnan(found[-4:]).all()
    assert 0 <= drawn(rgb, ground) <= 1


def test_only_the_subject_is_judged():
    """A photograph before white keeps its score when the white around it grows."""
    face = np.asarray(shipped("faces", 200)[0].convert("RGB"))
    scores = []
    for margin in (20, 40, 60):
        page = np.pad(face, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
        ground = background(page)
        assert ground[0, 0]
        scores.append(drawn(page, ground))
    assert np.ptp(scores) < 0.01


def test_the_score_knows_no_colour():
    """Tinted skin, hair or paper is the same to it, where the tones stay what they are."""
    face = np.asarray(shipped("faces", 150)[1].convert("RGB"))
    ground = np.zeros(face.shape[:2], bool)
    assert np.allclose(features(face, ground)[:6], features(255 - face, ground)[:6])
    grey = np.repeat(np.asarray(Image.fromarray(face).convert("L"))[..., None], 3, axis=2)
    assert np.allclose(features(grey, ground), features(255 - grey, ground))
