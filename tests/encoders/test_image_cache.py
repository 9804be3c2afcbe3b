"""The cache on disk: what is found again, and what is never trusted."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image

from unskew.encoders import DualEncoder
from unskew.encoders.cache import EmbeddingCache

FORK = multiprocessing.get_context("fork")


def test_a_second_run_costs_no_forward(
    tiny: Callable[[str], Path], encoder: DualEncoder, tmp_path: Path, forwards: list[int]
) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(10)]
    for i, path in enumerate(paths):
        photo(i).save(path)
    images = [photo(20 + i) for i in range(10)]
    first = [encoder.embed_images(paths), encoder.embed_images(images)]
    assert sum(forwards) == 20
    np.testing.assert_array_equal(encoder.embed_images(paths[::-1]), first[0][::-1])
    assert sum(forwards) == 20
    again = DualEncoder.from_pretrained(tiny("clip"))
    contents = [path.read_bytes() for path in paths]
    np.testing.assert_array_equal(again.embed_images(contents), first[0])
    np.testing.assert_array_equal(again.embed_images([np.asarray(i) for i in images]), first[1])
    assert sum(forwards) == 20


def test_other_weights_share_nothing(
    tiny: Callable[[str], Path],
    encoder: DualEncoder,
    photos: list[Image.Image],
    forwards: list[int],
) -> None:
    encoder.embed_images(photos)
    changed = DualEncoder.from_pretrained(tiny("clip"), dtype="bfloat16")
    changed.embed_images(photos)
    assert sum(forwards) == 2 * len(photos)


def cache_files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{suffix}"))


@pytest.mark.parametrize("suffix", ["keys", "vectors"])
@pytest.mark.parametrize("keep", [0.0, 0.37, 0.5, 0.99])
def test_a_truncated_file_is_redone(
    suffix: str,
    keep: float,
    tiny: Callable[[str], Path],
    encoder: DualEncoder,
    photos: list[Image.Image],
    forwards: list[int],
    tmp_path: Path,
) -> None:
    expected = encoder.embed_images(photos)
    [path] = cache_files(tmp_path, suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    again = DualEncoder.from_pretrained(tiny("clip"))
    np.testing.assert_allclose(again.embed_images(photos), expected, atol=1e-6)
    redone = sum(forwards) - len(photos)
    assert redone == len(photos) - int(keep * len(photos))
    third = DualEncoder.from_pretrained(tiny("clip"))
    third.embed_images(photos)
    assert sum(forwards) == len(photos) + redone


@pytest.mark.parametrize("suffix", ["keys", "vectors"])
def test_a_changed_byte_is_never_trusted(
    suffix: str,
    tiny: Callable[[str], Path],
    encoder: DualEncoder,
    photos: list[Image.Image],
    forwards: list[int],
    tmp_path: Path,
) -> None:
    expected = encoder.embed_images(photos)
    [path] = cache_files(tmp_path, suffix)
    content = bytearray(path.read_bytes())
    step = len(content) // len(photos)
    for row in range(0, len(photos), 2):
        content[row * step + row % step] ^= 1
    path.write_bytes(content)
    again = DualEncoder.from_pretrained(tiny("clip"))
    np.testing.assert_allclose(again.embed_images(photos), expected, atol=1e-6)
    assert sum(forwards) == len(photos) + len(photos) // 2
    third = DualEncoder.from_pretrained(tiny("clip"))
    np.testing.assert_allclose(third.embed_images(photos), expected, atol=1e-6)
    assert sum(forwards) == len(photos) + len(photos) // 2


def test_garbage_files_do_not_matter(
    tiny: Callable[[str], Path], encoder: DualEncoder, photos: list[Image.Image], tmp_path: Path
) -> None:
    expected = encoder.embed_images(photos)
    folder = cache_files(tmp_path, "keys")[0].parent
    (folder / "lonely.keys").write_bytes(b"x" * 400)
    (folder / "pair.keys").write_bytes(os.urandom(400))
    (folder / "pair.vectors").write_bytes(os.urandom(4000))
    again = DualEncoder.from_pretrained(tiny("clip"))
    np.testing.assert_array_equal(again.embed_images(photos), expected)


def test_an_unwritable_folder_warns_once_and_goes_on(
    encoder: DualEncoder,
    photos: list[Image.Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forwards: list[int],
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setenv("UNSKEW_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="embeddings are not cached: cannot write to") as caught:
        encoder.embed_images(photos, batch_size=4)
    assert len(caught) == 1
    encoder.embed_images(photos, batch_size=4)
    assert sum(forwards) == 2 * len(photos)


def test_two_processes_write_side_by_side(tmp_path: Path) -> None:
    keys = [bytes([i]) * 32 for i in range(8)]
    vectors = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)
    first, second = EmbeddingCache(tmp_path, 5), EmbeddingCache(tmp_path, 5)
    for start in range(0, 8, 2):
        first.add(keys[start : start + 2], vectors[start : start + 2])
        second.add(keys[start : start + 1], vectors[start : start + 1])
    reader = EmbeddingCache(tmp_path, 5)
    for key, vector in zip(keys, vectors, strict=True):
        found = reader.get(key)
        assert found is not None
        np.testing.assert_array_equal(found, vector)
    assert reader.get(b"z" * 32) is None


def killed_run(encoder: DualEncoder, images: list[str]) -> None:
    """In a process of its own, killed at the fourth forward."""
    torch.set_num_threads(1)  # the other threads are those of the process that this one is from
    plain, done = encoder._image_features, []

    def features(batch: dict) -> np.ndarray:
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(batch)
        return plain(batch)

    encoder._image_features = features  # type: ignore[method-assign]
    encoder.embed_images(images, batch_size=4)


def test_a_killed_run_resumes_where_it_was(
    tiny: Callable[[str], Path],
    encoder: DualEncoder,
    tmp_path: Path,
    forwards: list[int],
) -> None:
    images = [str(tmp_path / f"{i:02d}.png") for i in range(22)]
    for i, path in enumerate(images):
        photo(i).save(path)
    killed = FORK.Process(target=killed_run, args=(encoder, images))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    resumed = encoder.embed_images(images, batch_size=4)
    assert sum(forwards) == 22 - 3 * 4
    os.environ["UNSKEW_CACHE"] = str(tmp_path / "another")  # monkeypatched by `encoder`
    untouched = DualEncoder.from_pretrained(tiny("clip")).embed_images(images, batch_size=4)
    np.testing.assert_allclose(resumed, untouched, atol=1e-6)
