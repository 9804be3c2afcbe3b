"""`to_rgb`: every form and mode an image comes in, and the ones that are none."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import photo
from PIL import Image

from unskew.encoders.images import UnreadableImageError, name_of, read_picture, to_rgb


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(item: Any) -> np.ndarray:
    image = to_rgb(item)
    assert image.mode == "RGB"
    return np.asarray(image)


def test_every_form_of_the_same_file_is_the_same_image(tmp_path: Path) -> None:
    image = photo(1)
    data = encoded(image, "PNG")
    path = tmp_path / "face.png"
    path.write_bytes(data)
    forms = [image, np.asarray(image), data, bytearray(data), path, str(path), io.BytesIO(data)]
    forms += [{"bytes": data, "path": None}, {"bytes": None, "path": str(path)}]
    for form in forms:
        np.testing.assert_array_equal(pixels(form), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    stored = Image.new("RGB", (60, 40), "white")
    stored.paste("black", (0, 0, 30, 20))  # the corner that is stored first
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = pixels(encoded(stored, kind, exif=exif)).mean(axis=2)
    size = (40, 60) if orientation <= 4 else (60, 40)
    assert shown.shape == size
    # Where each orientation puts the first stored corner: (bottom?, right?), by the EXIF standard.
    corner = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1)}
    bottom, right = corner.get(orientation, (1, 0))
    for row in (0, 1):
        for column in (0, 1):
            value = shown[5 if row == 0 else -5, 5 if column == 0 else -5]
            assert (value < 50) == ((row, column) == (bottom, right))


def test_alpha_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert (pixels(clear) == 255).all()
    assert (np.abs(pixels(encoded(half, "PNG")).astype(int) - 127) <= 1).all()
    grey = Image.new("LA", (8, 8), (0, 0))
    assert (pixels(grey) == 255).all()
    assert (pixels(Image.new("La", (8, 8), (0, 0))) == 255).all()


def test_palettes_keep_their_colours_and_their_transparency() -> None:
    plain = Image.new("P", (8, 8), 3)
    plain.putpalette([0, 0, 0] * 3 + [10, 200, 30])
    np.testing.assert_array_equal(pixels(encoded(plain, "PNG"))[0, 0], [10, 200, 30])
    np.testing.assert_array_equal(pixels(encoded(plain, "GIF"))[0, 0], [10, 200, 30])
    np.testing.assert_array_equal(pixels(encoded(plain, "PNG", transparency=3))[0, 0], [255] * 3)


def test_a_transparent_colour_key_is_laid_over_white() -> None:
    data = encoded(Image.new("RGB", (8, 8), (9, 8, 7)), "PNG", transparency=(9, 8, 7))
    assert (pixels(data) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_greys_are_scaled_not_clipped(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (4, 1))
    expected = np.rint(ramp / 257).astype(int)
    for form in (encoded(Image.fromarray(ramp), kind), Image.fromarray(ramp), ramp):
        shown = pixels(form)
        assert np.abs(shown[:, :, 0].astype(int) - expected).max() <= 1
        assert (shown[:, :, 0] == shown[:, :, 2]).all()


def test_wide_integer_and_float_greys() -> None:
    eight = np.tile(np.arange(0, 256, 4, dtype=np.int32), (4, 1))
    np.testing.assert_array_equal(pixels(Image.fromarray(eight))[0, :, 0], eight[0])
    wide = eight * 257
    np.testing.assert_array_equal(pixels(Image.fromarray(wide))[0, :, 0], eight[0])
    floats = (eight / 255).astype(np.float32)
    np.testing.assert_array_equal(pixels(Image.fromarray(floats))[0, :, 0], eight[0])
    np.testing.assert_array_equal(
        pixels(encoded(Image.fromarray(floats), "TIFF"))[0, :, 0], eight[0]
    )


def test_cmyk_and_bilevel() -> None:
    cyan = encoded(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG")
    assert Image.open(io.BytesIO(cyan)).mode == "CMYK"
    shown = pixels(cyan).mean(axis=(0, 1))
    assert shown[0] < 20
    assert shown[1:].min() > 235
    assert (pixels(Image.new("1", (4, 4), 1)) == 255).all()


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(pixels(data)[0, 0], [255, 0, 0])


def test_arrays() -> None:
    colour = np.asarray(photo(2))
    np.testing.assert_array_equal(pixels(colour / 255), colour)
    np.testing.assert_array_equal(pixels(colour.astype(np.int64)), colour)
    np.testing.assert_array_equal(pixels(colour[:, ::-1]), colour[:, ::-1])
    np.testing.assert_array_equal(pixels(colour[:, :, :1])[:, :, 1], colour[:, :, 0])
    opaque = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(pixels(opaque), colour)
    assert (pixels(np.ones((4, 4), bool)) == 255).all()


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"", "empty"),
        (b"<svg></svg>", "not in an image format"),
        ("nowhere/at all.png", "no such file"),
        (None, "missing"),
        (7, "a int is not an image"),
        ({"label": 3}, "neither bytes nor path"),
        (np.zeros((3, 8, 8), np.uint8), "shape (3, 8, 8)"),
        (np.zeros((0, 8, 3), np.uint8), "shape (0, 8, 3)"),
        (Image.new("L", (1, 101)), "a line rather than a picture"),
        (np.full((8, 8, 3), 1.5), "not all in [0, 1]"),
        (np.full((8, 8, 3), np.nan), "not all in [0, 1]"),
        (np.full((8, 8), 300), "not all in [0, 255]"),
        (Image.fromarray(np.full((4, 4), 1e9, np.float32)), "greys run from 1e+09"),
    ],
)
def test_what_is_no_image_says_why(item: Any, reason: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        to_rgb(item)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_smallest_and_narrowest_images_are_read() -> None:
    assert to_rgb(Image.new("L", (1, 1))).size == (1, 1)
    assert to_rgb(Image.new("L", (1, 100))).size == (1, 100)


def test_one_lazily_opened_image_in_many_threads(tmp_path: Path) -> None:
    """Pillow reads the file at the first use, and two threads would share its position."""
    path = tmp_path / "x.jpg"
    photo(1, 640, 480).save(path, quality=95)
    expected = np.asarray(Image.open(path))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            image, file = Image.open(path), path.open("rb")
            for got in pool.map(pixels, [image, file] * 8):
                np.testing.assert_array_equal(got, expected)
            file.close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_truncated_files_are_unreadable(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableImageError):
        to_rgb(data[: len(data) // 2])


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="it is a folder"):
        to_rgb(tmp_path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [20_000_000, 1_000_000])
def test_decompression_bombs_are_refused(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow itself warns above its limit, and refuses only above twice that."""
    data = encoded(Image.new("1", (5000, 5000)), "PNG")
    assert len(data) < 10_000
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UnreadableImageError, match="exceed"):
        to_rgb(data)


def test_keys_name_content() -> None:
    image = photo(3)
    data = encoded(image, "PNG")
    assert read_picture(data).key == hashlib.sha256(data).digest()
    assert read_picture(image).key == read_picture(np.asarray(image)).key
    assert read_picture(image).key != read_picture(image.transpose(Image.Transpose.ROTATE_90)).key
    # Same bytes in another shape, same indices under another palette: other images.
    flat = np.arange(24 * 3, dtype=np.uint8)
    assert read_picture(flat.reshape(4, 6, 3)).key != read_picture(flat.reshape(6, 4, 3)).key
    palettes = []
    for green in (10, 20):
        indexed = Image.new("P", (8, 8), 1)
        indexed.putpalette([0, 0, 0, 0, green, 0])
        palettes.append(read_picture(indexed).key)
    assert palettes[0] != palettes[1]


def test_names_for_messages(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    photo(0).save(path)
    with Image.open(path) as opened:
        assert name_of(opened, 4) == str(path)
    assert name_of({"bytes": b"", "path": "d/e.jpg"}, 4) == "d/e.jpg"
    assert name_of(photo(0), 4) == "image 4"
    assert name_of(io.BytesIO(b""), 4) == "image 4"
