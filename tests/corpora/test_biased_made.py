"""Sets whose bias is made: Colored MNIST, Corrupted CIFAR-10, biased faces."""

import io

import biased_sources as sources
import numpy as np
import pytest
from datasets import DatasetDict, Image
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from unskew.corpora import biased_faces, colored_mnist, corrupted_cifar10
from unskew.corpora.biased.assignment import spread
from unskew.corpora.biased.colored_mnist import COLOUR_NOISE, COLOURS
from unskew.corpora.biased.corruptions import CORRUPTIONS, corrupted
from unskew.errors import InputError

OFF_DIAGONAL = ~np.eye(10, dtype=bool)


@pytest.fixture(scope="module")
def digits() -> DatasetDict:
    return sources.ten_classes((28, 28))


@pytest.fixture(scope="module")
def objects() -> DatasetDict:
    return sources.ten_classes((32, 32, 3))


def test_a_share_of_each_class_conflicts_in_training_and_none_is_favoured_elsewhere(digits):
    made = colored_mnist(digits, conflict_ratio=0.1)
    assert {split: len(made[split]) for split in made} == {
        "train": 1_210,
        "validation": 110,
        "test": 200,
    }
    counts = sources.table(made["train"])
    assert np.all(counts.sum(axis=1) == 121)
    assert np.all(np.diag(counts) == 121 - 12)  # round(0.1 * 121) conflict
    assert set(counts[OFF_DIAGONAL]) == {1, 2}  # twelve dealt to nine colours
    assert np.all(sources.table(made["test"]) == 2)
    assert set(sources.table(made["validation"]).ravel()) <= {1, 2}
    for split in made.values():
        differs = np.array(split["target"][:]) != np.array(split["attribute"][:])
        assert np.array_equal(np.array(split["alignment"][:]) == 1, differs)


def test_an_image_is_the_digit_times_its_colour(digits):
    made = colored_mnist(digits, severity=5)["test"]
    grey = np.stack([np.asarray(image, dtype=float) for image in digits["test"]["image"]])
    tinted = np.stack([np.asarray(image, dtype=float) for image in made["image"]])
    colour = (tinted * grey[..., None]).sum(axis=(1, 2)) / (grey**2).sum(axis=(1, 2))[:, None]
    error = colour - np.array(list(COLOURS.values()))[made["attribute"][:]]
    assert np.abs(error).max() < 5 * COLOUR_NOISE[4]
    assert error.std() == pytest.approx(COLOUR_NOISE[4], rel=0.15)
    spread_of_1 = np.abs(tinted - grey[..., None] * colour[:, None, None]).max()
    assert spread_of_1 < 1  # one colour per image


def test_a_seed_gives_the_same_files_in_the_same_order_and_another_seed_others(digits, objects):
    for build, source in ((colored_mnist, digits), (corrupted_cifar10, objects)):
        first, again, other = (build(source, seed=seed) for seed in (3, 3, 4))
        for split in first:
            assert sources.contents(first[split]) == sources.contents(again[split])
            assert first[split]["attribute"][:] == again[split]["attribute"][:]
        assert sources.contents(first["train"]) != sources.contents(other["train"])


def test_no_conflicting_images_where_none_are_asked_for(digits):
    assert not sources.table(colored_mnist(digits, conflict_ratio=0)["train"])[OFF_DIAGONAL].any()


@pytest.mark.parametrize("kind", [0, 1])
def test_every_image_has_the_corruption_it_is_marked_with(objects, kind):
    made = corrupted_cifar10(objects, conflict_ratio=0.05, kind=kind, severity=3)
    assert made["train"].features["attribute"].names[0] == ("snow", "Gaussian noise")[kind]
    assert len(made["train"]) == 1_193  # 9.6 % of 1,320 are held out
    for name, image, original in zip(
        made["test"]["attribute"], made["test"]["image"], objects["test"]["image"], strict=True
    ):
        changed = np.abs(np.asarray(image, dtype=int) - np.asarray(original, dtype=int)).max()
        assert (changed == 0) == (kind == 1 and name == 9)  # the last of kind 1 is "original"


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_corruptions_keep_the_shape_and_depend_on_their_generator_alone(name):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for severity in range(1, 6):
        once, twice = (corrupted(image, name, severity, np.random.default_rng(1)) for _ in range(2))
        assert once.shape == image.shape
        assert once.dtype == np.uint8
        assert np.array_equal(once, twice)


@pytest.mark.parametrize(
    "name", ["Gaussian noise", "shot noise", "impulse noise", "speckle noise", "Gaussian blur",
             "contrast", "brightness", "JPEG", "pixelate"],
)  # fmt: skip
def test_corruptions_grow_with_their_severity(name):
    image = (80 + 90 * np.random.default_rng(0).random((32, 32, 3))).astype(np.uint8)
    changes = [
        np.abs(corrupted(image, name, s, np.random.default_rng(1)).astype(int) - image).mean()
        for s in range(1, 6)
    ]
    assert np.all(np.diff(changes) > 0)


def test_corruptions_by_hand():
    x = np.full((32, 32, 3), [102, 51, 204], dtype=np.uint8)  # saturation 0.75, value 0.8
    rng = np.random.default_rng(0)
    assert corrupted(x, "brightness", 2, rng)[0, 0].tolist() == [115, 57, 230]  # value 0.9
    assert corrupted(x, "saturate", 1, rng)[0, 0].tolist() == [173, 158, 204]  # 0.75 * 0.3
    noisy = corrupted(x, "Gaussian noise", 5, rng).astype(float)
    assert noisy[..., 0].std() / 255 == pytest.approx(0.1, rel=0.05)
    struck = corrupted(x, "impulse noise", 5, rng)
    assert np.isin(struck, (0, 255)).mean() == pytest.approx(0.07, abs=0.01)
    for flat in ("Gaussian blur", "defocus blur", "motion blur", "zoom blur", "contrast"):
        assert np.abs(corrupted(x, flat, 5, rng).astype(int) - x).max() <= 1


def test_faces_take_the_most_images_that_the_ratio_allows():
    ages = [20] * 100 + [50] * 100 + [5, 35, 70]
    genders = ["female"] * 60 + ["male"] * 40 + ["male"] * 70 + ["female"] * 30 + ["male"] * 3
    made = biased_faces(sources.labelled({"age": ages, "gender": genders}), conflict_ratio=0.1)
    train = sources.table(made["train"])  # of each group, eight tenths: 48, 32, 24, 56
    assert train.tolist() == [[48, 5], [5, 48]]
    for split, least in (("validation", 3), ("test", 3)):
        assert np.all(sources.table(made[split]) == least)
    assert made["train"].features["target"].names == ["young", "old"]
    assert made["train"].features["attribute"].names == ["female", "male"]


def test_a_selection_is_exact_in_total_and_proportional_in_every_stratum():
    strata = np.repeat([0, 1, 2], [500, 300, 7])
    chosen = spread(strata, 0.1, np.random.default_rng(0))
    assert chosen.sum() == round(80.7)
    assert abs(chosen[:500].sum() - 50) <= 1
    assert abs(chosen[500:800].sum() - 30) <= 1


def only(split: str):
    return lambda source: DatasetDict({split: source[split]})


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (None, {"conflict_ratio": 1.0}, "at least 0 and below 1"),
        (None, {"conflict_ratio": -0.1}, "at least 0 and below 1"),
        (None, {"conflict_ratio": "5%"}, "must be a number"),
        (None, {"conflict_ratio": 0.0001}, "less than one conflicting image"),
        (None, {"severity": 6}, "severity is 1 to 5"),
        (only("train"), {}, "no test split"),
        (lambda s: s.rename_column("label", "digit"), {}, "no category 'label'"),
        (lambda s: s.filter(lambda row: row["label"] == 3), {}, "only one class"),
        (lambda s: DatasetDict(train=s["train"].select(range(100)), test=s["test"]),
         {"conflict_ratio": 0.3}, "groups have no validation image"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_in_one_line(digits, change, options, message):
    with pytest.raises(InputError, match=message) as error:
        colored_mnist(change(digits) if change else digits, **options)
    assert "\n" not in str(error.value)


def bomb() -> bytes:
    """A picture whose text unpacks to more than Pillow reads."""
    text, file = PngInfo(), io.BytesIO()
    text.add_text("comment", "x" * 2_000_000, zip=True)
    Pillow.new("L", (28, 28)).save(file, "png", pnginfo=text)
    return file.getvalue()


@pytest.mark.parametrize("content", [b"no image", bomb()])
def test_an_image_that_cannot_be_read_is_named(digits, content):
    files = digits["test"].cast_column("image", Image(decode=False))
    bad = files[:]["image"]
    bad[7] = {"bytes": content, "path": None}
    test = files.remove_columns("image").add_column("image", bad).cast_column("image", Image())
    with pytest.raises(InputError, match="row 7: the image cannot be read"):
        colored_mnist(DatasetDict(train=digits["train"], test=test))


def test_images_of_another_size_and_unknown_kinds_are_refused(digits, objects):
    with pytest.raises(InputError, match=r"28 x 28 pixels, and 32 x 32 are needed"):
        corrupted_cifar10(digits)
    with pytest.raises(InputError, match="kind is 0 or 1"):
        corrupted_cifar10(objects, kind=2)


@pytest.mark.slow
def test_the_papers_splits_from_the_whole_of_mnist(shared_data):
    made = colored_mnist(shared_data / "mnist", conflict_ratio=0.005)
    assert [len(split) for split in made.values()] == [55_000, 5_000, 10_000]
    share = np.mean(made["train"]["alignment"][:])
    assert share == pytest.approx(0.005, abs=1e-4)
