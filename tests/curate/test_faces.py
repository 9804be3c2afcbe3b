"""Faces in real photographs: found where they are, set upright, cut out, and bystanders hidden."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate.blurring import CELLS, MARGIN, blur_bystanders
from unskew.curate.curation import Face
from unskew.curate.faces import TEMPLATE, FaceDetector, align, crop, subject
from unskew.curate.find_faces import faces_in
from unskew.errors import InputError

BUILT_IN = Path(unskew.__file__).parent / "corpora" / "data"
EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def portraits():
    """Every ninth of the built-in faces of FairFace, 160 pixels with a margin."""
    images = pq.read_table(BUILT_IN / "faces.parquet")["image"].to_pylist()[::9]
    return [np.asarray(Image.open(BytesIO(image["bytes"])).convert("RGB")) for image in images]


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def meadow():
    """A picture of 900 x 600 pixels without faces: smooth noise in green."""
    noise = np.random.default_rng(0).integers(60, 160, (60, 90)).astype(np.uint8)
    grey = np.asarray(Image.fromarray(noise).resize((900, 600), Image.Resampling.BICUBIC))
    return np.stack([grey // 2, grey, grey // 3], axis=2)


def with_faces(meadow, *placed):
    """`placed`: (portrait, left, top, side)."""
    scene = Image.fromarray(meadow)
    for portrait, left, top, side in placed:
        scene.paste(Image.fromarray(portrait).resize((side, side)), (left, top))
    return np.asarray(scene)


def middle(face):
    x, y, width, height = face.box
    return np.array([x + width / 2, y + height / 2])


def test_faces_are_found_in_the_middle_of_portraits(portraits, detector):
    """Some have other people at their edges."""
    central = [
        any(np.abs(middle(face) - 80).max() < 30 for face in detector.detect(portrait))
        for portrait in portraits
    ]
    assert np.mean(central) >= 0.95


def test_landmarks_lie_as_in_a_face(portraits, detector):
    for face in (faces[0] for faces in map(detector.detect, portraits) if faces):
        points = np.array(face.landmarks)
        assert points.shape == (5, 2)
        assert points[:2, 1].mean() < points[2, 1] + 0.1 * face.box[3] < points[3:, 1].mean() + 10
        assert 0.7 <= face.score <= 1


def test_faces_of_every_size_are_found_once_and_in_their_place(portraits, detector, meadow):
    places = [(30, 40, 100), (200, 60, 180), (500, 20, 380)]
    scene = with_faces(meadow, *((portraits[3], *place) for place in places))
    faces = sorted(detector.detect(scene), key=lambda face: face.box[0])
    assert len(faces) == 3
    for face, (left, top, side) in zip(faces, places, strict=True):
        assert np.abs(middle(face) - [left + side / 2, top + side / 2]).max() < side / 5


def test_a_picture_without_faces_has_none(meadow, detector):
    assert detector.detect(meadow) == ()
    assert detector.detect(np.zeros((1, 3, 3), np.uint8)) == ()


def test_the_same_picture_has_the_same_faces(portraits):
    detector, other = FaceDetector(), FaceDetector()
    before = [detector.detect(portrait) for portrait in portraits[:5]]
    assert [other.detect(portrait) for portrait in portraits[:5]] == before
    assert [detector.detect(portrait) for portrait in portraits[4::-1]] == before[::-1]


def test_places_are_told_in_pixels_of_the_upright_file(portraits, detector, meadow):
    scene = with_faces(meadow, (portraits[3], 600, 100, 200))
    picture = Image.fromarray(scene).resize((2700, 1800))
    picture.getexif()[EXIF_ORIENTATION] = 6  # to be turned right by 90 degrees
    buffer = BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", exif=picture.getexif())
    (face,) = faces_in(buffer.getvalue(), detector.detect)
    assert np.abs(middle(face) - [2100, 600]).max() < 120
    assert np.abs(np.array(face.landmarks).mean(axis=0) - [2100, 600]).max() < 120


def test_a_damaged_file_has_no_faces(detector):
    assert faces_in(b"no picture", detector.detect) == ()


def test_aligned_portraits_have_their_features_in_one_place(portraits, detector):
    """On average: heads that look aside differ."""
    near = []
    for portrait in portraits[:12]:
        for face in detector.detect(portrait)[:1]:
            aligned = align(portrait, face, 200)
            assert aligned.shape == (200, 200, 3)
            near += [np.array(f.landmarks) / 200 - TEMPLATE for f in detector.detect(aligned)[:1]]
    assert len(near) >= 10
    assert np.abs(np.mean(near, axis=0)).max() < 0.05


@pytest.mark.parametrize("turn", [-40, 0, 25])
@pytest.mark.parametrize("scale", [90, 700])
def test_landmarks_are_brought_to_their_places(turn, scale):
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE - 0.5) @ rotation.T * scale + 500
    face = Face((0, 0, 9, 9), 0.9, tuple((x, y) for x, y in points))
    across, down = np.meshgrid(np.arange(1000), np.arange(1000))
    for (x, y), (u, v) in zip(points, TEMPLATE * 100, strict=True):
        dot = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * (scale / 30) ** 2))
        aligned = align(np.repeat((dot * 255).astype(np.uint8)[..., None], 3, axis=2), face, 100)
        top = np.unravel_index(np.argmax(aligned[..., 0].astype(float)), (100, 100))
        assert np.abs(np.array(top) - [v, u]).max() <= 3


def test_a_large_face_is_aligned_without_moire(portraits, detector):
    large = np.asarray(Image.fromarray(portraits[3]).resize((1600, 1600), Image.Resampling.BICUBIC))
    (face, *_), (small, *_) = detector.detect(large), detector.detect(portraits[3])
    aligned, expected = align(large, face, 64), align(portraits[3], small, 64)
    assert np.abs(aligned.astype(float) - expected).mean() < 12


def test_landmarks_in_one_place_cannot_be_aligned(meadow):
    with pytest.raises(InputError, match="cannot be aligned"):
        align(meadow, Face((0, 0, 9, 9), 0.9, ((4.0, 4.0),) * 5))


def test_a_crop_is_the_square_around_the_box_and_ends_with_the_picture(meadow):
    face = Face((100.0, 200.0, 80.0, 100.0), 0.9, ())
    assert np.array_equal(crop(meadow, face, margin=0.25), meadow[175:325, 65:215])
    corner = Face((0.0, 0.0, 80.0, 100.0), 0.9, ())
    assert np.array_equal(crop(meadow, corner, margin=0.5), meadow[:150, :140])


def test_the_subject_is_large_and_central():
    def face(x, y, side):
        return Face((x, y, side, side), 0.9, ())

    small, large = face(480, 480, 40), face(0, 0, 200)
    assert subject([small, large], 1000, 1000) == 1
    assert subject([face(0, 0, 100), face(450, 450, 90)], 1000, 1000) == 1
    assert subject([], 10, 10) is None


def test_bystanders_are_hidden_and_the_subject_is_not_touched(portraits, detector, meadow):
    scene = with_faces(meadow, (portraits[3], 300, 100, 380), (portraits[12], 20, 60, 150))
    faces = detector.detect(scene)
    assert len(faces) == 2
    hidden = blur_bystanders(scene, faces)
    (left,) = detector.detect(hidden)
    clear = faces[subject(faces, 900, 600)]
    assert left.box == pytest.approx(clear.box, abs=3)
    x, y, width, height = (round(v) for v in clear.box)
    assert np.array_equal(
        hidden[y : y + height, x : x + width], scene[y : y + height, x : x + width]
    )
    bystander = next(face for face in faces if face is not clear)
    x, y, width, height = bystander.box
    changed = np.argwhere((hidden != scene).any(axis=2))
    assert (changed.min(axis=0) >= [y - MARGIN * height - 2, x - MARGIN * width - 2]).all()
    assert (changed.max(axis=0) <= [y + height * 1.3 + 2, x + width * 1.3 + 2]).all()


def test_nothing_but_the_mean_of_each_cell_is_left_of_a_hidden_face(portraits):
    """Whatever the pixels within a cell were, the result is the same: no one can undo it."""
    faces = [Face((20.0, 20.0, 50.0, 50.0), 0.9, ()), Face((88.0, 88.0, 70.0, 70.0), 0.9, ())]
    assert subject(faces, 160, 160) == 1
    picture, rng = portraits[3], np.random.default_rng(0)
    shuffled, start, side = picture.copy(), 20 - int(50 * MARGIN), int(50 * (1 + 2 * MARGIN))
    cell = side // CELLS
    for top in range(start, start + side, cell):
        for left in range(start, start + side, cell):
            block = shuffled[top : top + cell, left : left + cell]
            block[:] = rng.permutation(block.reshape(-1, 3)).reshape(block.shape)
    assert (shuffled != picture).mean() > 0.1
    region = (slice(start, start + side),) * 2
    before, after = (blur_bystanders(p, faces)[region] for p in (picture, shuffled))
    assert np.array_equal(before, after)


def test_one_face_or_none_leaves_the_picture_as_it_is(meadow):
    face = Face((0.0, 0.0, 90.0, 90.0), 0.9, ())
    for faces in ([], [face]):
        assert np.array_equal(blur_bystanders(meadow, faces), meadow)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1])
def test_a_threshold_outside_of_the_scores_is_refused(threshold):
    with pytest.raises(InputError, match="between 0 and 1"):
        FaceDetector(threshold)
