"""Lines of writing: found where they were laid, the same whoever asks, and none where none is."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import planted_defects as planted
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw, ImageFont

import unskew
from unskew.curate.flags import load_rules
from unskew.curate.writing import logits, writing

FACES = Path(unskew.__file__).parent / "corpora" / "data" / "faces.parquet"


@pytest.fixture(scope="module")
def faces():
    rows = pq.read_table(FACES, columns=["image"])["image"].to_pylist()[1::90]
    return [Image.open(BytesIO(row["bytes"])).convert("RGB") for row in rows]


def marked(image, turn=0, ink=(255, 255, 255, 230), letters=8):
    """With one line over its middle, turned by so many degrees; `letters`: how many of their height
    make the picture's width."""
    layer = Image.new("RGBA", image.size, (*ink[:3], 0))
    font = ImageFont.load_default(image.width // letters)
    centre = (image.width / 2, image.height / 2)
    ImageDraw.Draw(layer).text(centre, "STOCK PHOTO", ink, font, anchor="mm")
    return Image.alpha_composite(image.convert("RGBA"), layer.rotate(turn)).convert("RGB")


@pytest.mark.parametrize("turn", [0, 30, -45])
def test_a_line_laid_over_a_face_is_found_at_any_slant(faces, turn):
    limit = load_rules()["watermark"]
    told = [limit.judge(writing(np.asarray(marked(face, turn))).laid_over) for face in faces]
    assert all(flag is not None for flag in told)
    unmarked = [limit.judge(writing(np.asarray(face)).laid_over) for face in faces]
    # One wears a printed shirt, which may be taken for it.
    assert sum(flag is not None for flag in unmarked) <= 1


def test_it_is_found_where_it_lies():
    ground = Image.new("RGB", (256, 192), (90, 120, 90))
    for written in logits(np.asarray(marked(ground))):
        rows, columns = np.nonzero(written > -1)
        assert abs(rows.mean() / written.shape[0] - 0.5) < 0.05
        assert abs(columns.mean() / written.shape[1] - 0.5) < 0.05
        assert np.ptp(rows) < 0.25 * written.shape[0]
        assert np.ptp(columns) > 0.7 * written.shape[1]


def test_a_page_is_covered_by_writing_and_a_watermarked_face_is_not(faces):
    page = planted.screenshot(faces[0], np.random.default_rng(4))
    limit = load_rules()["text_heavy"]
    assert limit.judge(writing(np.asarray(page)).share)
    assert not any(limit.judge(writing(np.asarray(marked(f, letters=10))).share) for f in faces)


@pytest.mark.parametrize("shape", [(1, 1), (1, 256), (256, 3), (40, 31)])
def test_tiny_and_narrow_pictures_have_no_writing(shape):
    found = writing(np.full((*shape, 3), 200, np.uint8))
    assert found.share == 0
    assert load_rules()["watermark"].judge(found.laid_over) is None


def test_any_number_of_threads_sees_the_same_bytes(faces):
    pictures = [np.asarray(marked(face)) for face in faces]
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = [logits(picture).tobytes() for picture in pictures]
        cv2.setNumThreads(3)
        assert [logits(picture).tobytes() for picture in pictures] == alone
    finally:
        cv2.setNumThreads(before)
    with ThreadPoolExecutor(3) as pool:
        together = pool.map(lambda picture: logits(picture).tobytes(), pictures)
    assert list(together) == alone
