"""Sets of others in our columns, from folders as their authors publish them."""

import csv
import json

import pytest
from datasets import load_dataset
from datasets.exceptions import DatasetGenerationError
from small_curation import face_files, metadata

from unskew.corpora import load_images
from unskew.corpora.real_world_bias import RealWorldBias
from unskew.curate.imports import import_set
from unskew.curate.imports.faces import age_subgroup
from unskew.errors import InputError, NotFoundError


def labels(folder):
    return sorted((row["url"], row["category"], row["subgroup"]) for row in metadata(folder))


@pytest.fixture
def fairface(tmp_path):
    """Two parts with a CSV file of labels each, as the authors' archive has them."""
    folder = tmp_path / "fairface"
    said = [("20-29", "East Asian"), ("10-19", "Latino_Hispanic"), ("more than 70", "Indian")]
    for part, rows in (("train", said), ("val", said[:1])):
        (folder / part).mkdir(parents=True)
        with (folder / f"fairface_label_{part}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["file", "age", "gender", "race", "service_test"])
            for number, (age, race) in enumerate(rows, start=1):
                content, gender = face_files(8)[number + 3 * (part == "val")]
                (folder / part / f"{number}.jpg").write_bytes(content)
                table.writerow([f"{part}/{number}.jpg", age, gender, race, "True"])
    return folder


def test_fairface(fairface, tmp_path):
    built = import_set("fairface", fairface, tmp_path / "set")
    assert built.numbers["mode"] == "images"
    assert built.numbers["splits"] == {"train": 8, "validation": 3}
    assert built.numbers["left_out"] == {"age '10-19' is no one subgroup of the taxonomy": 1}
    assert built.numbers["candidates"] == 12
    assert [row for row in labels(built.folder) if row[0].startswith("train")] == [
        ("train/1.jpg", "age", "Young adult"),
        ("train/1.jpg", "gender", "Male"),
        ("train/1.jpg", "race", "East Asian"),
        ("train/2.jpg", "gender", "Female"),
        ("train/2.jpg", "race", "Latino or Hispanic"),
        ("train/3.jpg", "age", "Older adult"),
        ("train/3.jpg", "gender", "Male"),
        ("train/3.jpg", "race", "Indian"),
    ]
    assert {row["page"] for row in metadata(built.folder)} == {"https://github.com/joojs/fairface"}
    assert len(load_dataset(str(built.folder), "race", split="train")) == 3


def test_the_categories_of_an_image_are_put_together_again(fairface, tmp_path):
    folder = import_set("fairface", fairface, tmp_path / "set").folder
    images = load_images(folder, "train")
    assert images.categories == ("age", "gender", "race")
    assert len(images) == 3
    rows = zip(*(images.labels(c) for c in images.categories), strict=True)
    assert sorted(rows, key=str) == [
        ("Older adult", "Male", "Indian"),
        ("Young adult", "Male", "East Asian"),
        (None, "Female", "Latino or Hispanic"),
    ]
    assert load_images(folder, "train", config="race").categories == ("race",)
    assert load_images(folder, "train", categories=["gender"]).categories == ("gender",)


def test_utkface_by_the_names_of_files(tmp_path):
    folder = tmp_path / "utkface"
    folder.mkdir()
    names = ("26_1_2_20170116174525125.jpg.chip.jpg", "8_0_4_2017.jpg", "61_1_20170109.jpg")
    for name, (content, _) in zip(names, face_files(3), strict=True):
        (folder / name).write_bytes(content)
    (folder / "30_0_0_2018.jpg").write_bytes(b"\xff\xd8\xff cut off")
    built = import_set("utkface", folder, tmp_path / "set")
    assert labels(built.folder) == [
        (names[0], "age", "Young adult"),
        (names[0], "gender", "Female"),
        (names[0], "race", "Asian"),
        (names[1], "age", "Child"),
        (names[1], "gender", "Male"),
        (names[1], "race", "Another race"),
    ]
    assert built.numbers["left_out"] == {
        "the image cannot be read": 3,
        "the image has no label": 1,
    }
    assert not built.numbers["publishable"]
    assert "**Not to be published.**" in (built.folder / "README.md").read_text()


def test_utkface_as_tables_keeps_its_splits(shared_data, tmp_path):
    whole = load_dataset("parquet", data_files={"x": f"{shared_data}/utkface/test*"}, split="x")
    (tmp_path / "utkface").mkdir()
    for split, rows in (("train", range(6)), ("validation", range(6, 8)), ("test", range(8, 12))):
        whole.select(rows).to_parquet(tmp_path / "utkface" / f"{split}-00000-of-00001.parquet")
    built = import_set("utkface", tmp_path / "utkface", tmp_path / "set")
    assert built.numbers["splits"] == {"train": 18, "validation": 6, "test": 12}
    names = {"male": "Male", "female": "Female"}
    want = [names[whole.features["gender"].int2str(g)] for g in whole["gender"][8:12]]
    assert load_images(built.folder, "test").labels("gender").tolist() == want


def test_pairs(tmp_path):
    """The layout of its repository, one oddly named file included."""
    root = tmp_path / "PAIRS"
    scenes = ("occupations/airplane", "status/phone", "potential_crime/running")
    people = ("black_man", "black_woman", "white_man", "white_woman")
    faces = iter(face_files(12))
    for scene in scenes:
        (root / "data" / scene).mkdir(parents=True)
        for who in people:
            odd = scene == "status/phone" and who == "white_man"
            (root / "data" / scene / f"{who}{'1' * odd}.png").write_bytes(next(faces)[0])
    (root / "data" / "occupations" / "overview.png").write_bytes(face_files(1)[0][0])
    built = import_set("pairs", root, tmp_path / "set")
    assert built.numbers["splits"] == {"test": 24}
    assert built.numbers["left_out"] == {}
    images = load_images(built.folder)
    found = list(zip(images.labels("gender"), images.labels("race"), strict=True))
    assert sorted(set(found)) == [
        ("Female", "Black"),
        ("Female", "White"),
        ("Male", "Black"),
        ("Male", "White"),
    ]
    assert len(found) == 12
    assert "status/phone/white_man1.png" in {row["url"] for row in metadata(built.folder)}
    assert "nobody in them exists" in (built.folder / "README.md").read_text()


def photo(owner, number):
    """As the list has it, a stray quotation mark at the beginning."""
    return {
        "URL": f'"https://www.flickr.com/photos/{owner}/{number}',
        "Owner": f'"https://www.flickr.com/photos/{owner}',
    }


def test_mmbias_from_its_list(tmp_path):
    groups = {
        "american": {"1": photo("ann", 50077006128), "2": photo("bob", 7289070160)},
        "LGBT": {"1": photo("23093190@N00", 9547864544)},
        "non-disabled": {"1": photo("ann", 26479004984)},
        "martians": {"1": photo("ann", 1)},
    }
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "URLs.txt").write_text(json.dumps(groups))
    built = import_set("mmbias", tmp_path, tmp_path / "set")
    assert built.numbers["mode"] == "urls-only"
    assert built.numbers["left_out"] == {"'martians' is no one subgroup of the taxonomy": 1}
    ann = "https://www.flickr.com/photos/ann"
    assert labels(built.folder) == [
        ("https://www.flickr.com/photos/23093190@N00/9547864544", "sexual orientation", "LGBTQ+"),
        (f"{ann}/26479004984", "disability", "Non-disabled"),
        (f"{ann}/50077006128", "nationality", "American"),
        ("https://www.flickr.com/photos/bob/7289070160", "nationality", "American"),
    ]
    rows = load_dataset(str(built.folder), split="test")
    assert "image" not in rows.features
    assert len({row["author_hash"] for row in rows}) == 3


def test_a_photograph_that_mmbias_lists_twice_is_one_row_of_each_subgroup(tmp_path):
    groups = {
        "muslim": {"1": photo("ann", 1), "2": photo("ann", 1)},
        "hindu": {"1": photo("ann", 1)},
    }
    (tmp_path / "URLs.txt").write_text(json.dumps(groups))
    built = import_set("mmbias", tmp_path, tmp_path / "set")
    rows = metadata(built.folder)
    assert sorted(row["subgroup"] for row in rows) == ["Hindu", "Muslim"]
    assert len({row["id"] for row in rows}) == 2
    assert built.numbers["left_out"] == {"listed before, for the same subgroup": 1}
    assert built.numbers["candidates"] == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is not MMBias's list"),
        ('{"arab": ["https://x"]}', "is not MMBias's list"),
        ('{"arab": {"1": {"URL": "https://elsewhere.example/1"}}}', "arab 1: .* no address of a"),
        ('{"martians": {"1": {"URL": "https://x"}}}', "none of its names is a subgroup"),
    ],
)
def test_lists_that_are_not_mmbias(content, said, tmp_path):
    (tmp_path / "URLs.txt").write_text(content)
    with pytest.raises(InputError, match=said):
        import_set("mmbias", tmp_path / "URLs.txt", tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["URLs.txt"]


def test_folders_that_are_something_else(tmp_path):
    folder = tmp_path / "folder"
    (folder / "cats").mkdir(parents=True)
    (folder / "cats" / "1.jpg").write_bytes(face_files(1)[0][0])
    for name, said in (
        ("fairface", "is no FairFace: it has no column gender, age or race"),
        ("utkface", "is no UTKFace"),
        ("pairs", "is no PAIRS: no file below it is <section>/<scene>"),
        ("celeba", "'celeba' is no set that can be imported; mmbias, fairface, utkface, pairs are"),
    ):
        with pytest.raises(InputError, match=said):
            import_set(name, folder, tmp_path / "set")
    with pytest.raises(NotFoundError, match=r"there is no URLs\.txt"):
        import_set("mmbias", folder, tmp_path / "set")
    with pytest.raises(NotFoundError, match="no such file or folder"):
        import_set("pairs", tmp_path / "nowhere", tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("age", "subgroup"),
    [
        ("0-2", "Baby"),
        ("2", "Baby"),
        ("3-9", "Child"),
        ("12", "Child"),
        ("13", "Teenager"),
        ("20-29", "Young adult"),
        ("40-49", "Adult"),
        ("70+", "Older adult"),
        ("more than 70", "Older adult"),
        ("10-19", None),
        ("18+", None),
        ("unknown", None),
    ],
)
def test_ages(age, subgroup):
    assert age_subgroup(age) == subgroup


def test_images_of_rows_whose_hash_nobody_knows_are_told(tmp_path):
    """MMBias's list has addresses alone."""
    listed = tmp_path / "URLs.txt"
    photo = '"https://www.flickr.com/photos/someone/12345/'
    listed.write_text(json.dumps({"Muslim": {"1": {"URL": photo}}}))
    folder = import_set("mmbias", listed, tmp_path / "set").folder
    (tmp_path / "pile" / "images").mkdir(parents=True)
    builder = RealWorldBias(data_dir=folder, images=tmp_path / "pile", cache_dir=tmp_path / "cache")
    with pytest.raises(DatasetGenerationError) as told:
        builder.download_and_prepare(str(tmp_path / "out"), file_format="parquet")
    causes = [told.value]
    while causes[-1].__cause__ or causes[-1].__context__:
        causes.append(causes[-1].__cause__ or causes[-1].__context__)
    (ours,) = (cause for cause in causes if isinstance(cause, InputError))
    assert "nobody knows its SHA-256" in str(ours)
    assert "unskew dataset hydrate" in str(ours)
    assert load_dataset(str(folder), split="test")["sha256"][:] == [None]
