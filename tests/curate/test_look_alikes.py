"""Embeddings as a second look for repeats: in blocks from the disk, as in one piece."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unskew.corpora import load_images
from unskew.curate import look_alikes as module
from unskew.curate.checks import check_images
from unskew.curate.look_alikes import look_alikes, open_embedder
from unskew.errors import InputError, NotFoundError


def rows_of(rows):
    """An encoder that has these embeddings of the files 0, 1, ..."""
    return lambda paths: rows[[int(path.name) for path in paths]]


def expected(rows):
    """By the definition, in float64."""
    found = []
    for place, row in enumerate(rows.astype(float)):
        cosines = rows[:place].astype(float) @ row
        if np.isnan(row).any():
            found.append((place, float("nan")))
        elif np.isnan(cosines).all():
            found.append((place, 0.0))
        else:
            found.append((int(np.nanargmax(cosines)), float(np.nanmax(cosines))))
    return found


@pytest.mark.parametrize("silent", [(), (3,), (0, 1, 40)])
def test_blocks_find_what_the_definition_says(tmp_path, monkeypatch, silent):
    monkeypatch.setattr(module, "TOGETHER", 7)
    monkeypatch.setattr(module, "BLOCK", 16)
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[list(silent)] = np.nan
    paths = [Path(str(n)) for n in range(50)]
    found = list(look_alikes(paths, rows_of(rows), tmp_path))
    wanted = expected(rows)
    assert [other for other, _ in found] == [other for other, _ in wanted]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in wanted], atol=1e-6)
    assert not list(tmp_path.iterdir())


def test_embeddings_that_change_their_size_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TOGETHER", 2)
    sizes = iter((3, 4))
    with pytest.raises(InputError, match="have 3 dimensions and then 4"):
        list(look_alikes([Path("0")] * 4, lambda p: np.ones((len(p), next(sizes))), tmp_path))


def test_an_encoder_finds_what_fingerprints_do_not(tmp_path):
    """The same face turned by 15 degrees: fingerprints know crops and mirrors alone."""
    for number, row in enumerate(load_images("faces").images[::45]):
        face = Image.open(BytesIO(row["bytes"])).convert("RGB")
        face.save(tmp_path / f"a{number:02}.png")
        grey = (128, 128, 128)
        face.rotate(15, Image.Resampling.BICUBIC, fillcolor=grey).save(
            tmp_path / f"b{number:02}.png"
        )
    (tmp_path / "c.png").write_bytes(b"no image")
    names = sorted(path.name for path in tmp_path.iterdir())
    embed = open_embedder("unskew/mini")
    found = {c.name: c for c in check_images(names, tmp_path / "log", root=tmp_path, embed=embed)}
    turned = [c.scores["look_alike"] for name, c in found.items() if name[0] == "b"]
    others = [c.scores["look_alike"] for name, c in found.items() if name[0] == "a"]
    assert len(turned) == len(others) > 10
    assert min(turned) > 0.75
    assert max(others) < 0.6
    assert all(found[name].scores["near_duplicate"] < 0.94 for name in names if name[0] == "b")
    assert "look_alike" not in found["c.png"].scores


def test_what_the_encoder_cannot_read_has_no_score(tmp_path):
    """A strip of 300 to 1 is a picture, but encoders refuse it."""
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "a.png")
    Image.new("RGB", (1800, 6), "red").save(tmp_path / "b.png")
    embed = open_embedder("unskew/mini")
    _, strip = check_images(["a.png", "b.png"], tmp_path / "log", root=tmp_path, embed=embed)
    assert np.isnan(strip.scores["look_alike"])
    assert "look_alike" not in {flag.check for flag in strip.flags}


def test_a_name_that_is_no_encoder_is_one_line(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere is not a folder here"):
        open_embedder("nowhere")
