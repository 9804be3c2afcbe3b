"""All splits together, which the audit advises where one has too few images."""

import json

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from PIL import Image as PillowImage

from unskew.audit.embedded import read_labels
from unskew.corpora import load_images
from unskew.errors import InputError

FILES = {
    split: [f"{subgroup}/{n}.png" for subgroup in subgroups for n in range(3)]
    for split, subgroups in (("test", ("Female", "Male")), ("train", ("Female", "Male", "Other")))
}


@pytest.fixture
def folder(tmp_path):
    for number, (split, names) in enumerate(FILES.items()):
        for name in names:
            path = tmp_path / split / name
            path.parent.mkdir(parents=True, exist_ok=True)
            PillowImage.new("RGB", (4, 4), (number * 90, len(name), 7)).save(path)
    return tmp_path


def test_what_the_audit_advises_for_folders_of_splits_works(folder):
    with pytest.raises(InputError, match="--split all audits those of"):
        read_labels(folder, ["gender"])
    found = read_labels(folder, ["gender"], exclude=[("gender", "Other")], split="all")
    assert {s: len(rows) for s, rows in found.groups["gender"].items()} == {"Female": 6, "Male": 6}


def test_all_splits_of_folders_have_the_images_of_each(folder):
    images = load_images(folder, split="all")
    assert images.subgroups("subgroup") == {"Female": 6, "Male": 6, "Other": 3}
    wanted = {str(folder / split / name) for split, names in FILES.items() for name in names}
    assert {image["path"] for image in images.data[images.image_column]} == wanted


def test_all_splits_with_metadata_find_their_own_files(folder):
    for split, names in FILES.items():
        rows = [{"file_name": name, "gender": name.split("/")[0]} for name in names]
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / split / "metadata.jsonl").write_text(content)
    images = load_images(folder, split="all")
    assert images.subgroups("gender") == {"Female": 6, "Male": 6, "Other": 3}
    wanted = {str(folder / split / name) for split, names in FILES.items() for name in names}
    assert {image["path"] for image in images.data[images.image_column]} == wanted
    (folder / "train" / "metadata.jsonl").unlink()
    with pytest.raises(InputError, match="its split 'train' has no metadata file"):
        load_images(folder, split="all")


def test_splits_with_other_classes_are_told_in_one_line():
    def split(names):
        features = Features({"image": Image(decode=False), "gender": ClassLabel(names=names)})
        return Dataset.from_dict({"image": ["a.png"] * 2, "gender": [0, 1]}, features=features)

    data = DatasetDict(train=split(["Female", "Male"]), test=split(["Male", "Female"]))
    with pytest.raises(InputError, match="differ in the column or the classes of 'gender'") as told:
        load_images(data, split="all")
    assert "\n" not in str(told.value)
