"""Sets whose bias is found: UTKFace, CelebA, FairFace, and BFFHQ as released."""

from pathlib import Path

import biased_sources as sources
import numpy as np
import pytest
from datasets import DatasetDict, Image
from PIL import Image as Pillow

from unskew.corpora import bffhq, celeba, fairface, utkface
from unskew.errors import InputError, NotFoundError


def people(n: int = 400) -> dict[str, list]:
    """Old men and young women are frequent; UTKFace's codes."""
    rng = np.random.default_rng(0)
    gender = rng.integers(0, 2, n)
    old = rng.random(n) < np.where(gender == 0, 0.7, 0.3)
    return {
        "gender": gender.tolist(),
        "age": np.where(old, rng.integers(36, 90, n), rng.integers(1, 36, n)).tolist(),
        "race": rng.integers(0, 5, n).tolist(),
    }


def test_classes_are_told_from_utkfaces_codes_and_from_names():
    by_code = people()
    by_name = {
        "gender": [["male", "female"][g] for g in by_code["gender"]],
        "age": [str(age) for age in by_code["age"]],
        "race": [["White", "Black", "Asian", "Indian", "Others"][r] for r in by_code["race"]],
    }
    for target, attribute in (("gender", "age"), ("race", "gender"), ("age", "race")):
        made, named = (
            utkface(sources.labelled(columns), target, attribute) for columns in (by_code, by_name)
        )
        for split in made:
            assert sources.contents(made[split]) == sources.contents(named[split])
            assert made[split]["target"][:] == named[split]["target"][:]
            assert made[split]["attribute"][:] == named[split]["attribute"][:]
    whole = sum(sources.table(made[split]) for split in made)
    old, not_white = np.array(by_code["age"]) > 35, np.array(by_code["race"]) > 0
    assert whole[1, 1] == np.sum(old & not_white)
    assert whole[0, 0] == np.sum(~old & ~not_white)


def test_a_single_split_is_divided_by_its_seed_and_copies_stay_together():
    data = sources.labelled(people())
    doubled = data.select([*range(400), *range(0, 400, 2)])
    parts, again, other = (utkface(doubled, seed=seed) for seed in (1, 1, 2))
    seen = {split: set(sources.contents(parts[split])) for split in parts}
    assert [len(images) for images in seen.values()] == [320, 40, 40]
    assert not seen["train"] & seen["validation"]
    assert not (seen["train"] | seen["validation"]) & seen["test"]
    for split in parts:
        assert sources.contents(parts[split]) == sources.contents(again[split])
    assert seen["test"] != set(sources.contents(other["test"]))


def test_what_goes_together_more_often_than_by_chance_is_aligned():
    train = utkface(sources.labelled(people()))["train"]
    same = np.array(train["target"][:]) == np.array(train["attribute"][:])
    assert np.array_equal(np.array(train["alignment"][:]) == 0, ~same)  # (male, old) aligns


def test_utkface_keeps_the_splits_there_are(shared_data):
    made = utkface(shared_data / "utkface")
    assert len(made["validation"]) + len(made["test"]) == 1_599  # a copy of a test image is out
    assert 6_350 <= len(made["train"]) <= 6_400
    assert made["train"][0]["image"].size == (128, 128)
    assert not set(sources.contents(made["train"])) & set(sources.contents(made["test"]))


def test_fairface_has_its_own_nine_ages(shared_data):
    made = fairface(shared_data / "fairface540")
    assert [len(split) for split in made.values()] == [432, 54, 54]
    assert np.all(sources.table(made["train"]) == 24)
    assert not any(made["train"]["alignment"][:])  # nothing goes with anything
    with pytest.raises(InputError, match="no category 'race'"):
        fairface(shared_data / "fairface540", attribute="race")


def celebrities(truth: dict[bool, object]) -> DatasetDict:
    pairs = [(False, False)] * 30 + [(False, True)] * 30 + [(True, False)] * 20 + [(True, True)] * 2
    columns = {
        "Blond_Hair": [truth[blond] for blond, _ in pairs],
        "Male": [truth[male] for _, male in pairs],
    }
    return DatasetDict(
        {
            split: sources.labelled(columns, seed)
            for seed, split in enumerate(("train", "valid", "test"))
        }
    )


@pytest.mark.parametrize(
    "truth", [{False: False, True: True}, {False: -1, True: 1}, {False: 0, True: 1}]
)
def test_celeba_from_parquet_files_in_its_published_splits(tmp_path: Path, truth: dict):
    source = celebrities(truth)
    for split, data in source.items():
        data.to_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
    made = celeba(tmp_path)
    for split, published in (("train", "train"), ("validation", "valid"), ("test", "test")):
        assert sources.table(made[split]).tolist() == [[30, 30], [20, 2]]
        assert sources.contents(made[split]) == sources.contents(source[published])
    assert made["train"].features["target"].names == ["not blond", "blond"]
    assert made["train"].features["attribute"].names == ["female", "male"]
    assert np.mean(made["train"]["alignment"][:]) == pytest.approx((30 + 2) / 82)


def test_celeba_needs_its_splits_and_columns():
    source = celebrities({False: 0, True: 1})
    with pytest.raises(InputError, match="no test split"):
        celeba(DatasetDict(train=source["train"], valid=source["valid"]))
    with pytest.raises(InputError, match="no category 'Male'"):
        celeba(source.rename_column("Male", "man"))
    with pytest.raises(InputError, match="'2' is not understood"):
        celeba(celebrities({False: 0, True: 2}))


def released(folder: Path, train: str = "train") -> Path:
    """BFFHQ's folders with a few images."""
    places = {
        f"{train}/align/0": ["1_0_0", "2_0_0"],
        f"{train}/align/1": ["3_1_1", "4_1_1"],
        f"{train}/conflict/0": ["5_0_1"],
        f"{train}/conflict/1": ["6_1_0"],
        "valid": ["7_0_1", "8_1_0"],
        "test": ["9_0_0", "10_0_1", "11_1_0", "12_1_1"],
    }
    for place, names in places.items():
        (folder / place).mkdir(parents=True)
        for name in names:
            Pillow.new("RGB", (16, 16), (int(name.split("_")[0]), 0, 0)).save(
                folder / place / f"{name}.png"
            )
    return folder


@pytest.mark.parametrize("train", ["train", "0.5pct"])
def test_bffhq_as_released(tmp_path: Path, train: str):
    made = bffhq(released(tmp_path, train))
    assert sources.table(made["train"]).tolist() == [[2, 1], [1, 2]]
    assert sources.table(made["validation"]).tolist() == [[0, 1], [1, 0]]
    assert sources.table(made["test"]).tolist() == [[1, 1], [1, 1]]
    assert sum(made["train"]["alignment"][:]) == 2
    assert isinstance(made["train"].features["image"], Image)
    assert made["train"][0]["image"].getpixel((0, 0)) == (1, 0, 0)


def test_a_bffhq_folder_that_is_not_as_released(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no folder"):
        bffhq(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no images in"):
        bffhq(tmp_path)
    folder = released(tmp_path / "odd")
    (folder / "test" / "9_0_0.png").rename(folder / "test" / "nine.png")
    with pytest.raises(InputError, match="does not end in _<target>_<attribute>"):
        bffhq(folder)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"target": "age", "attribute": "age"}, "two of gender, age, race"),
        ({}, {"target": "smile"}, "two of gender, age, race"),
        ({"gender": [0] * 400}, {}, "only one class of target"),
        ({"age": [20] * 399 + [50]}, {}, "groups have no validation image"),
        ({"gender": [0] * 399 + [7]}, {}, "row 399: gender '7' is not understood"),
        ({"age": ["20"] * 399 + ["30-39"]}, {}, "age '30-39' is not understood"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(change, options, message):
    with pytest.raises(InputError, match=message) as error:
        utkface(sources.labelled({**people(), **change}), **options)
    assert "\n" not in str(error.value)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no category 'age'"):
        utkface(sources.labelled({"gender": people()["gender"]}))
