"""Every source `load_images` takes, and every mistake it names."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value

from unskew.corpora import load_images
from unskew.errors import InputError, NotFoundError

CLASSES = ("Hindu/a.png", "Hindu/b.JPG", "Muslim/a.png", "Muslim/b.webp")


def labelled(n: int = 8, **more: list) -> Dataset:
    features = Features(
        {"photo": Image(decode=False), "gender": ClassLabel(names=["Female", "Male"])}
    )
    cells = [{"bytes": b"%d" % i, "path": None} for i in range(n)]
    data = Dataset.from_dict(
        {"photo": cells, "gender": [i % 2 for i in range(n)]}, features=features
    )
    for name, values in more.items():
        data = data.add_column(name, values)
    return data


# --- folders of subgroups


def test_folder_of_subgroups(images_at):
    folder = images_at(*CLASSES, "loose.png", ".hidden/a.png", "Muslim/c.bmp")
    (folder / "Hindu" / "notes.txt").write_text("not an image")
    images = load_images(folder)
    assert images.categories == ("subgroup",)
    assert images.subgroups("subgroup") == {"Hindu": 2, "Muslim": 3}
    assert sum(label is None for label in images.labels("subgroup")) == 1
    assert images.images[0] == {"bytes": None, "path": str(folder / "loose.png")}
    assert images.name == str(folder)
    assert not images.demonstration
    assert load_images(str(folder), categories=["religion"]).categories == ("religion",)
    assert load_images(str(folder), categories="religion").categories == ("religion",)


def test_folder_of_categories(images_at):
    folder = images_at("religion/Hindu/a.png", "religion/Muslim/a.png", "image/old/a.png")
    images = load_images(folder)
    assert images.categories == ("image", "religion")
    assert images.labels("religion").tolist() == [None, "Hindu", "Muslim"]
    assert images.labels("image").tolist() == ["old", None, None]
    assert load_images(folder, categories=["religion"]).categories == ("religion",)


def test_files_that_cannot_be_decoded_still_load(images_at):
    folder = images_at(*CLASSES)
    (folder / "Hindu" / "broken.jpg").write_bytes(b"")
    (folder / "Hindu" / "page.jpeg").write_text("<html>")
    images = load_images(folder)
    assert len(images) == 6
    assert images.item_name(2).endswith("Hindu/broken.jpg")


def test_folders_that_link_in_a_circle(images_at):
    folder = images_at(*CLASSES)
    os.symlink(folder, folder / "Hindu" / "up")
    with pytest.raises(InputError, match="is neither <subgroup>/<image> nor"):
        load_images(folder)


def test_folders_of_uneven_depth_are_refused(images_at):
    folder = images_at(*CLASSES, "Muslim/more/c.png")
    with pytest.raises(InputError, match=r"see 'Muslim/more/c\.png'"):
        load_images(folder)


def test_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(InputError, match="holds no images"):
        load_images(tmp_path)


def test_folder_without_labels(images_at):
    folder = images_at("a.png", "b.png")
    with pytest.raises(InputError, match="has no label column; its columns are image"):
        load_images(folder)
    assert load_images(folder, require_labels=False).categories == ()


def test_split_folders(images_at):
    folder = images_at("train/Hindu/a.png", "test/Hindu/a.png", "test/Muslim/a.png")
    assert load_images(folder).subgroups("subgroup") == {"Hindu": 1, "Muslim": 1}
    train = load_images(folder, split="train")
    assert len(train) == 1
    assert train.name == f"{folder}:train"
    with pytest.raises(InputError, match="has no split 'dev'"):
        load_images(folder, split="dev")
    with pytest.raises(InputError, match="has no configuration 'small'"):
        load_images(folder, config="small")


def test_subgroup_folders_that_differ_only_in_case(images_at):
    with pytest.raises(InputError, match="duplicate labels 'Muslim' and 'muslim'"):
        load_images(images_at(*CLASSES, "muslim/c.png"))


# --- tables


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_metadata_beside_the_images(images_at, name):
    folder = images_at(*[f"img/{i}.png" for i in range(7)])
    rows = [
        {
            "file_name": f"img/{i}.png",
            "religion": "Hindu" if i % 2 else "Muslim",
            "age": 30 + i % 2,
            "caption": f"caption {i}",
        }
        for i in range(8)  # the last file is not there
    ]
    if name.endswith("jsonl"):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [",".join(rows[0])] + [",".join(map(str, row.values())) for row in rows]
        (folder / name).write_text("\n".join(lines))
    for source in (folder, folder / name):
        images = load_images(source)
        assert images.image_column == "file_name"
        assert images.categories == ("religion",)
        assert images.subgroups("religion") == {"Hindu": 4, "Muslim": 4}
        assert images.item_name(7) == str(folder / "img/7.png")
    assert load_images(folder, categories=["age"]).subgroups("age") == {"30": 4, "31": 4}


def test_metadata_that_names_no_file_there_is(tmp_path):
    (tmp_path / "metadata.csv").write_text("file_name,group\n" + "x.png,a\ny.png,b\n" * 4)
    with pytest.raises(InputError, match=r"none of the 8 files .* is there; the first is .*x\.png"):
        load_images(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "file_name,group,group\nx,a,b\n", "more than one column named 'group'"),
        ("a.csv", "file_name,group\nx\n", "cannot be read"),
        ("a.csv", "file_name,group\nx,J\xfcdisch\n", "column 'group' is not UTF-8 text"),
        ("a.csv", "file_name,group\n", "holds no images"),
        ("a.jsonl", '{"file_name": ', "cannot be read"),
        ("a.jsonl", "", "cannot be read"),
        ("a.parquet", "no parquet", "cannot be read"),
        ("a.txt", "x", "is not an image set: give a folder of images or a file that ends in"),
    ],
)
def test_broken_tables(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message) as refusal:
        load_images(tmp_path / name)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_parquet_file_and_folder(tmp_path):
    for split, n in (("train", 12), ("test", 8)):
        labelled(n).to_parquet(str(tmp_path / f"{split}-00000-of-00001.parquet"))
    images = load_images(tmp_path / "train-00000-of-00001.parquet")
    assert (len(images), images.image_column, images.categories) == (12, "photo", ("gender",))
    assert images.images[3]["bytes"] == b"3"
    assert len(load_images(tmp_path)) == 8
    assert len(load_images(tmp_path, split="train")) == 12
    with pytest.raises(InputError, match="has no split 'dev'; it has"):
        load_images(tmp_path, split="dev")
    with pytest.raises(InputError, match="split='test' makes no sense"):
        load_images(tmp_path / "train-00000-of-00001.parquet", split="test")


def test_parquet_without_the_metadata_of_datasets(tmp_path):
    cells = [{"bytes": b"%d" % i, "path": None} for i in range(8)]
    table = pa.table({"image": cells, "group": ["a", "b"] * 4})
    pq.write_table(table, tmp_path / "plain.parquet")
    images = load_images(tmp_path / "plain.parquet")
    assert images.images[2] == {"bytes": b"2", "path": None}
    pq.write_table(
        pa.table({"img": [b"0", b"1"] * 4, "group": ["a", "b"] * 4}), tmp_path / "b.parquet"
    )
    assert load_images(tmp_path / "b.parquet").images[1]["bytes"] == b"1"


def test_parquet_with_a_repeated_column(tmp_path):
    table = pa.table([["x"], ["a"], ["b"]], names=["image", "group", "group"])
    pq.write_table(table, tmp_path / "twice.parquet")
    for source in (tmp_path, tmp_path / "twice.parquet"):
        with pytest.raises(InputError, match="more than one column named 'group'"):
            load_images(source)


def test_saved_data_sets(tmp_path):
    labelled().save_to_disk(tmp_path / "one")
    DatasetDict(train=labelled(12), validation=labelled(10)).save_to_disk(tmp_path / "many")
    assert len(load_images(tmp_path / "one")) == 8
    assert len(load_images(tmp_path / "many")) == 10
    assert len(load_images(tmp_path / "many", split="train")) == 12
    with pytest.raises(InputError, match="has no splits"):
        load_images(tmp_path / "one", split="test")


# --- data sets in memory, and finding the columns


def test_data_sets_in_memory():
    images = load_images(labelled().with_format("numpy"))
    assert images.labels("gender").tolist() == ["Female", "Male"] * 4
    assert load_images(images) is images
    assert len(load_images(DatasetDict(train=labelled(12), test=labelled(4)))) == 4
    assert len(load_images(DatasetDict(train=labelled(12), test=labelled(4)), "train")) == 12
    for nothing in ([1, 2], None, ""):
        with pytest.raises(InputError, match="images cannot be loaded from"):
            load_images(nothing)


def test_which_columns_are_categories():
    n = 20
    data = labelled(
        n,
        race=["Asian", "Black"] * (n // 2),
        age=[20, 30] * (n // 2),
        smiling=[True, False] * (n // 2),
        name=[f"person {i}" for i in range(n)],
        half=[f"word {i % (n // 2)}" for i in range(n)],
        constant=["same"] * n,
        empty=[""] * n,
    )
    assert load_images(data).categories == ("gender", "race")
    asked = load_images(data, categories=["age", "smiling", "name", "age"])
    assert asked.categories == ("age", "smiling", "name")
    with pytest.raises(InputError, match="no category 'religion'; it has 'gender', 'race'"):
        load_images(data, categories=["religion"])
    assert load_images(data, categories=[]).categories == ()
    with pytest.raises(InputError, match="no category 'photo'"):
        load_images(data, categories=["photo"])


def test_a_known_set_takes_a_choice_of_categories():
    images = load_images(labelled(race=["Asian", "Black"] * 4))
    assert load_images(images, categories=["race"]).categories == ("race",)
    with pytest.raises(InputError, match="no category 'religion'"):
        load_images(images, categories=["religion"])
    with pytest.raises(InputError, match="image_column='photo' makes no sense"):
        load_images(images, image_column="photo")


def test_which_column_holds_the_images():
    one = labelled(4)
    two = one.add_column(
        "thumbnail", [{"bytes": b"t", "path": None}] * 4, feature=Image(decode=False)
    )
    with pytest.raises(InputError, match="several image columns"):
        load_images(two)
    assert load_images(two, image_column="thumbnail").images[0]["bytes"] == b"t"
    assert load_images(two.rename_column("photo", "image")).image_column == "image"
    with pytest.raises(InputError, match="no column 'x'; it has photo, gender"):
        load_images(one, image_column="x")
    with pytest.raises(InputError, match="'gender' of 'data set' cannot hold images"):
        load_images(one, image_column="gender")
    with pytest.raises(InputError, match="has no image column; it has gender"):
        load_images(one.remove_columns("photo"))


def test_addresses_are_refused():
    data = Dataset.from_dict({"image": ["https://example.org/a.jpg"] * 4, "g": ["a", "b"] * 2})
    with pytest.raises(InputError, match="holds web addresses"):
        load_images(data, categories=["g"])


def test_decoding_is_left_to_the_encoder():
    data = labelled(4).cast_column("photo", Image())
    assert load_images(data).images[0] == {"bytes": b"0", "path": None}
    assert load_images(data.cast_column("gender", Value("int64")), categories=["gender"]).labels(
        "gender"
    ).tolist() == ["0", "1", "0", "1"]


@pytest.mark.parametrize("source", ["/no/such/folder", "./faces", "a b", "https://example.org/x"])
def test_paths_that_are_not_there(source):
    with pytest.raises(NotFoundError, match="no such file or folder") as refusal:
        load_images(source)
    assert repr(source) in str(refusal.value)


# --- real material


def test_raw_pile(shared_data: Path):
    images = load_images(shared_data / "raw_pile", categories=["group"])
    assert len(images) == 182
    assert len(images.subgroups("group")) == 15
    assert images.subgroups("group")["disabled-people"] == 10


def test_utkface(shared_data: Path):
    images = load_images(shared_data / "utkface")
    assert (len(images), images.categories) == (800, ("gender", "race"))
    assert images.subgroups("race")["White"] == 353


def test_flickr8k_has_no_labels(shared_data: Path):
    with pytest.raises(InputError, match="no label column; its columns are image, captions"):
        load_images(shared_data / "flickr8k_subset")
    assert len(load_images(shared_data / "flickr8k_subset", require_labels=False)) == 200
