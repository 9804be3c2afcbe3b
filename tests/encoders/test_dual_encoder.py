"""`DualEncoder` on lists of images and texts: what is kept, refused, repeated and prefetched."""

import threading
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image

from unskew.encoders import DualEncoder
from unskew.encoders.pipeline import ordered_map
from unskew.errors import InputError


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        photo(i).save(path)
    return paths


def test_attributes(encoder: DualEncoder) -> None:
    assert encoder.dim == 16
    assert encoder.demonstration is False
    assert encoder.name.endswith("clip0")
    assert encoder.device == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert len(encoder.fingerprint) == 32


def test_batch_size_changes_nothing(
    encoder: DualEncoder, photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = encoder.embed_images(photos, batch_size=100)
    monkeypatch.setenv("UNSKEW_CACHE", str(tmp_path / "other"))
    del encoder.__dict__["_cache"]
    np.testing.assert_allclose(encoder.embed_images(photos, batch_size=1), whole, atol=1e-6)


def test_unreadable_images_are_listed_and_the_rest_embedded(
    encoder: DualEncoder, files: list[Path]
) -> None:
    whole = encoder.embed_images(files)
    files[2].write_bytes(files[2].read_bytes()[:200])
    items = [*files[:4], b"", *files[4:], "gone.jpg", b""]
    result = encoder.embed_readable(items, batch_size=2)
    assert result.kept.tolist() == [0, 1, 3, 5, 6, 7, 8, 9]
    np.testing.assert_allclose(result.embeddings, np.delete(whole, 2, axis=0), atol=1e-6)
    assert [(u.index, u.name) for u in result.unreadable] == [
        (2, str(files[2])),
        (4, "image 4"),
        (10, "gone.jpg"),
        (11, "image 11"),
    ]
    assert "truncated" in result.unreadable[0].reason
    assert result.unreadable[2].reason == "there is no such file"


def test_embed_images_names_the_unreadable_image(encoder: DualEncoder, files: list[Path]) -> None:
    files[5].write_text("hello")
    with pytest.raises(InputError) as caught:
        encoder.embed_images(files)
    message = str(caught.value)
    assert str(files[5]) in message
    assert "item 5" in message
    assert "\n" not in message


def test_repeated_images_are_computed_once(
    encoder: DualEncoder, files: list[Path], forwards: list[int]
) -> None:
    broken = b"not an image"
    items = [files[0], files[1], files[0], broken, files[0].read_bytes(), broken]
    result = encoder.embed_readable(items * 5, batch_size=4)
    assert sum(forwards) == 2
    assert len(result.kept) == 20
    assert [u.index % 6 for u in result.unreadable] == [3, 5] * 5
    np.testing.assert_array_equal(result.embeddings[0], result.embeddings[2])
    np.testing.assert_array_equal(result.embeddings[0], result.embeddings[3])


def test_nothing_to_embed(encoder: DualEncoder) -> None:
    assert encoder.embed_images([]).shape == (0, 16)
    assert encoder.embed_texts([]).shape == (0, 16)
    nothing = encoder.embed_readable([b"x", b"y"])
    assert nothing.embeddings.shape == (0, 16)
    assert len(nothing.unreadable) == 2


def test_a_generator_of_unknown_length(encoder: DualEncoder) -> None:
    few = encoder.embed_images([photo(i % 7) for i in range(1500)])
    assert few.shape == (1500, 16)
    streamed = encoder.embed_images(photo(i % 7) for i in range(1500))
    np.testing.assert_array_equal(streamed, few)


@pytest.mark.parametrize("decode", [True, False])
def test_columns_of_datasets(encoder: DualEncoder, files: list[Path], decode: bool) -> None:
    expected = encoder.embed_images(files)
    data = datasets.Dataset.from_dict({"face": [str(f) for f in files]})
    data = data.cast_column("face", datasets.Image(decode=decode))
    np.testing.assert_allclose(encoder.embed_images(data["face"]), expected, atol=1e-6)
    np.testing.assert_allclose(encoder.embed_images(data[:]["face"]), expected, atol=1e-6)


def test_a_bad_file_in_a_dataset_column_is_listed(encoder: DualEncoder, files: list[Path]) -> None:
    files[3].write_text("hello")
    data = datasets.Dataset.from_dict({"face": [str(f) for f in files]})
    result = encoder.embed_readable(data.cast_column("face", datasets.Image())["face"])
    assert [(u.index, u.name) for u in result.unreadable] == [(3, str(files[3]))]


def test_a_dataset_transform_is_respected(encoder: DualEncoder, files: list[Path]) -> None:
    data = datasets.Dataset.from_dict({"face": [str(f) for f in files]})
    data = data.cast_column("face", datasets.Image())
    flipped = [Image.open(f).transpose(Image.Transpose.FLIP_TOP_BOTTOM) for f in files]

    def flip(rows: dict) -> dict:
        return {"face": [f.transpose(Image.Transpose.FLIP_TOP_BOTTOM) for f in rows["face"]]}

    got = encoder.embed_images(data.with_transform(flip)["face"])
    np.testing.assert_allclose(got, encoder.embed_images(flipped), atol=1e-6)


def test_one_image_or_a_whole_dataset_is_refused(encoder: DualEncoder, files: list[Path]) -> None:
    for single in (photo(0), "a.png", b"", files[0]):
        with pytest.raises(InputError, match="expected a list of images"):
            encoder.embed_images(single)  # type: ignore[arg-type]
    data = datasets.Dataset.from_dict({"face": [str(f) for f in files]})
    with pytest.raises(InputError, match=r"data set with columns \['face'\]"):
        encoder.embed_images(data)
    with pytest.raises(InputError, match="batch_size must be at least 1"):
        encoder.embed_images(files, batch_size=0)


def test_templates(encoder: DualEncoder) -> None:
    filled = encoder.embed_texts(["kind", "{}"], template="a {} person")
    plain = encoder.embed_texts(["a kind person", "a {} person"])
    np.testing.assert_array_equal(filled, plain)
    for template in ("a person", "a {} or {}", ""):
        with pytest.raises(InputError, match="exactly once"):
            encoder.embed_texts(["kind"], template=template)


def test_texts_that_are_none(encoder: DualEncoder) -> None:
    with pytest.raises(InputError, match="text 1 is a int"):
        encoder.embed_texts(["kind", 3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="single text 'kind'"):
        encoder.embed_texts("kind")


def test_repeated_texts_are_computed_once_and_in_batches(
    encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = DualEncoder._text_features
    sizes: list[int] = []

    def counted(self: DualEncoder, texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return plain(self, texts)

    assert encoder.dim > 0  # found out by a forward of its own
    monkeypatch.setattr(DualEncoder, "_text_features", counted)
    texts = [f"person number {i}" for i in range(150)]
    got = encoder.embed_texts([*texts, *texts])
    assert sizes == [64, 64, 22]
    np.testing.assert_array_equal(got[:150], got[150:])
    np.testing.assert_allclose(got[149], plain(encoder, texts[149:])[0], atol=1e-6)
    again = encoder.embed_texts([texts[3], "someone new", texts[149]])
    assert sizes == [64, 64, 22, 1]  # the known ones come from the cache
    np.testing.assert_array_equal(again[[0, 2]], got[[3, 149]])


def test_embeddings_that_are_not_finite_are_refused(
    encoder: DualEncoder, photos: list[Image.Image]
) -> None:
    with torch.no_grad():
        encoder.model.visual_projection.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="zero or not finite"):
        encoder.embed_images(photos)
    with torch.no_grad():
        encoder.model.visual_projection.weight.zero_()
    with pytest.raises(InputError, match="zero or not finite"):
        encoder.embed_images(photos)
    assert encoder._cache.get(b"x" * 32) is None


def test_two_spaces_are_no_dual_encoder(encoder: DualEncoder, photos: list[Image.Image]) -> None:
    encoder.model.visual_projection = torch.nn.Linear(32, 9)
    with pytest.raises(InputError, match="images 9 dimensions and texts 16"):
        encoder.embed_images(photos)


def test_items_are_drawn_as_they_are_needed() -> None:
    """Memory does not grow with the number of images: few are drawn ahead of their use."""
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for i in range(1000):
            drawn += 1
            yield i

    for used, result in enumerate(ordered_map(lambda _, x: x * x, items(), workers=3, ahead=8)):
        assert result == used * used
        assert drawn <= used + 8
    assert drawn == 1000


def test_a_broken_caller_stops_the_workers() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        for _ in ordered_map(lambda _, x: 1 // x, [1, 0, 1], workers=2, ahead=2):
            pass
    assert threading.active_count() == before
