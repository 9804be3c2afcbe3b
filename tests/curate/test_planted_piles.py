"""Recall and precision of the checks on a few hundred pictures with planted defects."""

from pathlib import Path

import planted_defects as planted
import planted_piles as piles
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the images of ../shared/data")
BAR = 0.95


@pytest.fixture(scope="module")
def images():
    return list(piles.pictures(DATA, 16))


def found(pile, check, wanted, clean):
    flags = {name: {f.check for f in c.flags} for name, c in pile.checked().items()}
    return piles.judged(pile, {n for n, checks in flags.items() if check in checks}, wanted, clean)


@pytest.fixture(scope="module")
def quality(images, tmp_path_factory):
    return piles.quality_pile(tmp_path_factory.mktemp("quality"), images, DATA)


@pytest.mark.parametrize(
    ("check", "recall", "precision"),
    [
        ("blurred", BAR, BAR),
        ("too_small", BAR, BAR),
        ("under_exposed", BAR, BAR),
        ("low_information", BAR, BAR),
        ("text_heavy", BAR, BAR),
        ("over_exposed", BAR, 0.9),
        ("drawing", BAR, BAR),
        # Of these few, faint ones among them; docs/curation.md has more, and tells those apart.
        ("watermark", 0.8, 0.85),
    ],
)
def test_defects_of_single_pictures(quality, check, recall, precision):
    got = found(quality, check, piles.CHECKS[check], ("clean",))
    assert got.recall >= recall, got
    assert got.precision >= precision, got


def test_damaged_files(images, tmp_path):
    pile = piles.corrupt_pile(tmp_path, images)
    got = found(pile, "unreadable", (*planted.CORRUPT, "bomb"), ("clean",))
    assert got.recall >= BAR, got
    assert got.precision == 1, got


def test_repeats(images, tmp_path):
    pile = piles.duplicate_pile(tmp_path, images)
    clean = ("original", "repeated")
    near = found(pile, "near_duplicate", planted.NEAR, clean)
    assert near.recall >= BAR, near
    assert near.precision >= BAR, near
    exact = found(pile, "exact_duplicate", ("exact",), clean)
    assert (exact.recall, exact.precision) == (1, 1)
