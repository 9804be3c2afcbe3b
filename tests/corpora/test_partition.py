"""Train, validation and test parts: which, how many, and never an image in two of them."""

import io
import re

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
from PIL import Image as Pillow

from unskew.corpora import load_images, partition, refuse_shared_images
from unskew.corpora.partition import image_digests, sample
from unskew.errors import InputError, NotFoundError


def png(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Pillow.fromarray(pixels).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def table(seeds):
    features = Features(
        {
            "image": Image(decode=False),
            "gender": ClassLabel(names=["Male", "Female"]),
            "age": Value("int32"),
        }
    )
    rows = {
        "image": [png(s) for s in seeds],
        "gender": [s % 2 for s in seeds],
        "age": [s % 90 for s in seeds],
    }
    return Dataset.from_dict(rows, features=features)


def seeds_of(images):
    """Which pictures a set holds, by their content."""
    known = {image["bytes"]: seed for seed, image in enumerate(map(png, range(600)))}
    return [known[image["bytes"]] for image in images.images]


def test_the_splits_that_are_there_are_taken():
    source = DatasetDict(
        train=table(range(20)), valid=table(range(20, 26)), test=table(range(26, 30))
    )
    parts = partition(source)
    assert [seeds_of(part) for part in parts] == [
        list(range(20)),
        list(range(20, 26)),
        list(range(26, 30)),
    ]
    assert all(not part.note for part in parts)


def test_one_split_is_divided_by_content_whatever_the_order():
    parts = partition(table(range(600)))
    sizes = [len(part) for part in parts]
    assert sum(sizes) == 600
    assert np.allclose(sizes, [480, 60, 60], atol=25)  # three standard deviations
    again = partition(table(range(599, -1, -1)))
    assert [sorted(seeds_of(a)) for a in again] == [sorted(seeds_of(p)) for p in parts]
    assert [part.name.rsplit(":", 1)[1] for part in parts] == ["train", "validation", "test"]
    refuse_shared_images(*parts)


def test_without_a_validation_split_a_ninth_of_train_serves():
    source = DatasetDict(train=table(range(500)), test=table(range(500, 550)))
    train, validation, test = partition(source)
    assert seeds_of(test) == list(range(500, 550))
    assert sorted(seeds_of(train) + seeds_of(validation)) == list(range(500))
    assert 35 <= len(validation) <= 77


def test_without_a_test_split_the_validation_split_is_judged_on():
    source = DatasetDict(train=table(range(300)), validation=table(range(300, 340)))
    train, validation, test = partition(source)
    assert seeds_of(test) == list(range(300, 340))
    assert sorted(seeds_of(train) + seeds_of(validation)) == list(range(300))


def test_an_image_in_two_splits_stays_in_the_one_that_is_judged_on():
    source = DatasetDict(
        train=table([*range(20), 30, 41, 40]), validation=table([30, 31, 40]), test=table([40, 41])
    )
    train, validation, test = partition(source)
    assert seeds_of(train) == list(range(20))
    assert seeds_of(validation) == [30, 31]
    assert seeds_of(test) == [40, 41]
    assert train.note.startswith("3 images")
    assert validation.note.startswith("1 images")
    assert not test.note


@pytest.mark.parametrize("layout", ["folders", "parquet", "saved"])
def test_splits_of_a_folder_are_found(layout, tmp_path):
    parts = {"train": range(30), "validation": range(30, 36), "test": range(36, 40)}
    source = DatasetDict({name: table(seeds) for name, seeds in parts.items()})
    if layout == "saved":
        source.save_to_disk(tmp_path)
    for name, seeds in parts.items():
        if layout == "parquet":
            source[name].to_parquet(tmp_path / f"{name}-00000-of-00001.parquet")
        for seed in seeds if layout == "folders" else ():
            file = tmp_path / name / ("Male", "Female")[seed % 2] / f"{seed}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png(seed)["bytes"])
    found = partition(str(tmp_path))
    assert [len(part) for part in found] == [30, 6, 4]
    assert [part.name for part in found] == [f"{tmp_path}:{name}" for name in parts]


def test_numbers_become_a_category_where_asked():
    train, _, _ = partition(table(range(100)), attributes=["age"])
    assert train.categories == ("gender", "age")
    with pytest.raises(InputError, match="no category 'race'"):
        partition(table(range(100)), attributes=["race"])


def test_the_builtin_set_is_divided_too():
    parts = partition("faces")
    assert sum(len(part) for part in parts) == 540
    assert all(part.demonstration for part in parts)
    refuse_shared_images(*parts)


def test_what_cannot_be_divided_is_said():
    with pytest.raises(InputError, match="too few to be divided"):
        partition(table(range(3)))
    with pytest.raises(InputError, match=r"^the DatasetDict has the splits one, two and no tr"):
        partition(DatasetDict(one=table(range(9)), two=table(range(9, 12))))
    same = table(range(9))
    with pytest.raises(InputError, match="every image is in the"):
        partition(DatasetDict(train=same, validation=table(range(9, 12)), test=same))
    with pytest.raises(NotFoundError, match="no such file or folder"):
        partition("./nowhere")


def test_a_shared_image_is_named_in_both_sets():
    first, second = load_images(table(range(5))), load_images(table([7, 8, 3]))
    with pytest.raises(InputError) as error:
        refuse_shared_images(first, second)
    rows = re.findall(r"row (\d)", str(error.value))
    assert rows == ["3", "2"]
    assert "\n" not in str(error.value)
    refuse_shared_images((first, second), load_images(table([10, 11])))  # one part: no harm
    refuse_shared_images(first, load_images(table([10, 11])))


def test_rows_without_an_image_are_no_copies_of_each_other():
    def with_gaps(seeds):
        data = table(seeds)
        images = [*data["image"][:], None, None]
        rows = {"image": images, "gender": [0] * len(images), "age": [3] * len(images)}
        return Dataset.from_dict(rows, features=data.features)

    parts = partition(
        DatasetDict(train=with_gaps(range(5)), validation=with_gaps([5]), test=with_gaps([6, 7]))
    )
    assert [len(part) for part in parts] == [7, 3, 4]
    assert not any(part.note for part in parts)
    refuse_shared_images(*parts)


def test_a_file_and_its_bytes_are_the_same_image(tmp_path):
    (tmp_path / "Male").mkdir()
    (tmp_path / "Male" / "a.png").write_bytes(png(3)["bytes"])
    loose = load_images(str(tmp_path))
    assert image_digests(loose) == image_digests(load_images(table([3])))


def test_a_sample_is_drawn_with_its_seed_and_keeps_the_order():
    images = load_images(table(range(50)))
    few = seeds_of(sample(images, 10, seed=1))
    assert few == sorted(few)
    assert len(few) == 10
    assert few == seeds_of(sample(images, 10, seed=1)) != seeds_of(sample(images, 10, seed=2))
    assert sample(images, 50) is images
    assert sample(images, None) is images
    with pytest.raises(InputError, match="cannot take 0 images"):
        sample(images, 0)


def test_the_real_splits_overlap_and_are_mended(shared_data):
    train, validation, test = partition(shared_data / "utkface", attributes=["age"])
    assert (len(train), len(validation), len(test)) == (6380, 799, 800)
    assert train.categories == ("gender", "race", "age")
    refuse_shared_images(train, validation, test)
