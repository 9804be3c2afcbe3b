"""From a curation to a set: what enters, how it is split, and what load_dataset reads."""

import hashlib
import json
import multiprocessing
import resource
import shutil
from collections import Counter
from io import BytesIO

import pytest
import yaml
from datasets import get_dataset_config_names, load_dataset
from PIL import Image
from small_curation import curated, decide, metadata, write_raw

from unskew.corpora import load_images
from unskew.corpora.real_world_bias import RealWorldBias
from unskew.curate.build import Plan, build_set
from unskew.curate.curation import open_curation
from unskew.curate.pipeline import curate
from unskew.errors import InputError, NotFoundError

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A curation of 24 faces, all of which one reviewer keeps."""
    folder = curated(tmp_path_factory.mktemp("everything"))
    decide(folder, [(r.id, "Ada", "keep") for r in open_curation(folder).records])
    return folder


@pytest.fixture
def curation(everything, tmp_path):
    """One that a test may change."""
    shutil.copytree(everything, tmp_path / "curated")
    return tmp_path / "curated"


@pytest.fixture(scope="module")
def private(everything, tmp_path_factory):
    return build_set(everything, tmp_path_factory.mktemp("private") / "set", Plan("private"))


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def ids(folder):
    return [record.id for record in open_curation(folder).records]


def test_load_dataset_reads_it_with_its_labels(private, everything):
    assert get_dataset_config_names(str(private.folder)) == ["default", "gender"]
    whole, one = load_dataset(str(private.folder)), load_dataset(str(private.folder), "gender")
    assert {s: len(d) for s, d in whole.items()} == private.numbers["splits"]
    rows = [row for split in whole.values() for row in split]
    assert [row["id"] for row in rows] == [row["id"] for split in one.values() for row in split]
    records = {record.id: record for record in open_curation(everything).records}
    assert {row["id"] for row in rows} == set(records)
    features = whole["test"].features
    for row in rows:
        record = records[row["id"]]
        assert features["category"].int2str(row["category"]) == "gender"
        assert features["subgroup"].int2str(row["subgroup"]) == record.subgroup
        assert row["image"].size == (row["width"], row["height"])
        assert (row["url"], row["text"], row["author_hash"]) == (
            record.url,
            record.text,
            record.author_hash,
        )
        assert row["reviewed_by"] == 1


def test_image_files_are_unchanged(private):
    data = load_images(private.folder, "train")
    found = {hashlib.sha256(image["bytes"]).hexdigest() for image in data.images}
    assert found == {row["sha256"] for row in metadata(private.folder) if row["split"] == "train"}


def test_the_same_curation_gives_the_same_bytes(private, everything, tmp_path):
    again = build_set(everything, tmp_path / "again", Plan("private"))
    assert digests(again.folder) == digests(private.folder)
    build_set(everything, tmp_path / "again", Plan("private"))  # takes its own place
    assert digests(again.folder) == digests(private.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_images_whose_licence_allows_it_are_published(everything, tmp_path):
    built = build_set(everything, tmp_path / "set")
    assert {row["licence"] for row in metadata(built.folder)} == {"CC0-1.0", "CC-BY-4.0"}
    assert built.numbers["rows"] == 16
    assert built.numbers["left_out"] == {
        "LicenseRef-all-rights-reserved does not allow to pass the image on": 8
    }
    assert built.numbers["publishable"]


def test_a_credit_needs_an_address(tmp_path):
    folder = curated(tmp_path, 6, url=lambda n: None, page=lambda n: None)
    decide(folder, [(record, "Ada", "keep") for record in ids(folder)])
    built = build_set(folder, tmp_path / "set")
    assert {row["licence"] for row in metadata(built.folder)} == {"CC0-1.0"}
    assert (
        built.numbers["left_out"]["CC-BY-4.0 wants a credit, and there is no address to give"] == 2
    )
    with pytest.raises(InputError, match=r"nothing is left .* 6: without a web address"):
        build_set(folder, tmp_path / "other", Plan("urls-only"))


def test_addresses_alone(everything, tmp_path):
    built = build_set(everything, tmp_path / "set", Plan("urls-only"))
    data = load_dataset(str(built.folder), split="test")
    assert "image" not in data.features
    assert built.numbers["rows"] == 24
    assert all(row["sha256"] and row["url"] for row in data)
    with pytest.raises(InputError, match="unskew dataset hydrate"):
        load_images(built.folder)


def test_what_reviewers_decide(curation, tmp_path):
    some = ids(curation)
    before = {record.id: record for record in open_curation(curation).records}
    woman, man = (next(i for i in some if before[i].subgroup == s) for s in ("Female", "Male"))
    dropped, unsure, tied = [i for i in some if i not in (woman, man)][:3]
    decide(
        curation,
        [
            (woman, "Ada", "undo"),
            (woman, "Ada", "relabel", "Gender", "nonbinary"),
            (dropped, "Ada", "drop"),
            (unsure, "Ada", "unsure"),
            (tied, "Bo", "drop"),
            (man, "Bo", "keep"),
        ],
    )
    built = build_set(curation, tmp_path / "set", Plan("private"))
    rows = {row["id"]: row for row in metadata(built.folder)}
    assert rows[woman]["subgroup"] == "Non-binary"
    assert (rows[man]["subgroup"], rows[man]["reviewed_by"]) == ("Male", 2)
    assert not {dropped, unsure, tied} & set(rows)
    assert built.numbers["left_out"] == {"reviewers are unsure": 2, "dropped by the reviewers": 1}
    assert built.numbers["reviewed"] == {"reviewers": 2, "records": 24}
    card = (built.folder / "README.md").read_text()
    assert "| Cohen's kappa | reviewer 1, reviewer 2 | 2 |" in card
    assert "Ada" not in card
    assert "Bo" not in (built.folder / "build.json").read_text()


def test_what_nobody_has_reviewed(curation, tmp_path):
    (curation / "decisions.jsonl").unlink()
    flagged = [i for i, c in open_curation(curation).checked.items() if c.flags]
    built = build_set(curation, tmp_path / "set", Plan("private"))
    assert {row["id"] for row in metadata(built.folder)} == set(ids(curation)) - set(flagged)
    assert built.numbers["left_out"] == {"flagged, and nobody has decided": len(flagged)}
    assert flagged
    assert "**Nobody has reviewed these rows**" in (built.folder / "README.md").read_text()


def test_no_author_is_in_two_splits(private):
    rows = metadata(private.folder)
    splits = {}
    for row in rows:
        splits.setdefault(row["author_hash"], set()).add(row["split"])
    assert len(splits) == 8
    assert all(len(found) == 1 for found in splits.values())
    assert len({row["split"] for row in rows}) > 1


@pytest.mark.parametrize("off", [[], ["text_heavy", "watermark"]])
def test_near_duplicates_are_in_one_split(tmp_path, off):
    """Each face is there twice, the second time smaller and compressed anew, by other people."""
    folder = curated(tmp_path, 12, author=lambda n: None)
    raw = tmp_path / "raw"
    lines = [json.loads(line) for line in (raw / "export.jsonl").read_text().splitlines()]
    copies = []
    for line in lines:
        smaller = BytesIO()
        picture = Image.open(raw / line["image"])
        picture.resize((120, 120)).save(smaller, "JPEG", quality=80)
        (raw / f"{line['id']}-copy.jpg").write_bytes(smaller.getvalue())
        copies.append({**line, "id": f"{line['id']} copy", "image": f"{line['id']}-copy.jpg"})
    (raw / "export.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines + copies))
    shutil.rmtree(folder)
    from unskew.curate.pipeline import curate

    (tmp_path / "off.json").write_text(json.dumps(dict.fromkeys(off)))
    curate(raw / "export.jsonl", folder, thresholds=tmp_path / "off.json")
    decide(folder, [(record, "Ada", "keep") for record in ids(folder)])
    for seed in range(3):
        plan = Plan("private", shares=(1, 1, 1), seed=seed)
        built = build_set(folder, tmp_path / f"set{seed}", plan)
        split = {row["text"]: set() for row in metadata(built.folder)}
        for row in metadata(built.folder):
            split[row["text"]].add(row["split"])
        assert len(split) == 12
        assert all(len(found) == 1 for found in split.values())
        assert len(set().union(*split.values())) > 1


def test_splits_stay_when_something_is_removed(private, everything, tmp_path):
    gone = metadata(private.folder)[0]["sha256"]
    (tmp_path / "gone.txt").write_text(gone)
    built = build_set(everything, tmp_path / "set", Plan("private", tmp_path / "gone.txt"))
    before = {row["id"]: row["split"] for row in metadata(private.folder)}
    after = {row["id"]: row["split"] for row in metadata(built.folder)}
    assert len(after) == 23
    assert after.items() <= before.items()
    other = build_set(everything, tmp_path / "other", Plan("private", seed=1))
    assert {row["id"]: row["split"] for row in metadata(other.folder)} != before


def test_what_is_removed_is_not_loaded_from_a_cache(everything, tmp_path):
    plan = Plan("private", shares=(0, 0, 1))
    out = build_set(everything, tmp_path / "set", plan).folder
    cache = str(tmp_path / "cache")
    assert load_dataset(str(out), split="test", cache_dir=cache).num_rows == 24
    gone = metadata(out)[0]["sha256"]
    (tmp_path / "gone.txt").write_text(gone)
    shutil.rmtree(out)
    build_set(everything, out, Plan("private", tmp_path / "gone.txt", shares=(0, 0, 1)))
    again = load_dataset(str(out), split="test", cache_dir=cache)
    assert gone not in again["sha256"]
    assert again.num_rows == 23


def test_one_part_alone(everything, tmp_path):
    built = build_set(everything, tmp_path / "set", Plan("private", shares=(0, 0, 1)))
    assert built.numbers["splits"] == {"test": 24}
    assert list(load_dataset(str(built.folder))) == ["test"]


def test_the_image_set_has_a_column_per_category(private):
    images = load_images(private.folder, "train")
    rows = [row for row in metadata(private.folder) if row["split"] == "train"]
    assert images.categories == ("gender",)
    assert images.subgroups("gender") == dict(
        sorted(Counter(row["subgroup"] for row in rows).items())
    )


def test_the_builder_prepares_the_same_rows(private, everything, tmp_path):
    def rows(data):
        return [{**row, "image": row["image"].tobytes()} for row in data]

    want = load_dataset(str(private.folder), "gender", split="test")
    for images in (None, everything):
        builder = RealWorldBias(
            "gender", data_dir=private.folder, images=images, cache_dir=tmp_path / str(bool(images))
        )
        builder.download_and_prepare()
        got = builder.as_dataset(split="test")
        assert got.features == want.features
        assert rows(got) == rows(want)
    with pytest.raises(NotFoundError, match=r"has no metadata\.jsonl"):
        RealWorldBias(data_dir=tmp_path)
    none = RealWorldBias("headwear", data_dir=private.folder, cache_dir=tmp_path / "none")
    with pytest.raises(InputError, match="has no rows of headwear"):
        none.download_and_prepare()


def _full(folder, out, said):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        build_set(folder, out, Plan("private"))
    except InputError as error:
        said.put(str(error))


def test_a_full_disk_leaves_nothing(everything, private, tmp_path):
    shutil.copytree(private.folder, tmp_path / "set")
    said = FORK.SimpleQueue()
    process = FORK.Process(target=_full, args=(everything, tmp_path / "set", said))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert "File too large" in said.get()
    assert digests(tmp_path / "set") == digests(private.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_image_that_was_changed_is_named(curation, tmp_path):
    image = next((curation / "images").glob("*/*"))
    image.write_bytes(b"another")
    with pytest.raises(InputError, match=f"{image.name} was changed"):
        build_set(curation, tmp_path / "set", Plan("private"))
    image.unlink()
    with pytest.raises(NotFoundError, match=f"has no image {image.stem}"):
        build_set(curation, tmp_path / "set", Plan("private"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curated"]


def test_other_content_is_not_replaced(everything, tmp_path):
    out = tmp_path / "set"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds something else \(thesis.txt\)"):
        build_set(everything, out, Plan("private"))
    (out / "thesis.txt").unlink()
    build_set(everything, out, Plan("private"))
    with (out / "DATASHEET.md").open("a") as sheet:
        sheet.write("Made for the ministry.")
    with pytest.raises(InputError, match=r"DATASHEET.md was changed since"):
        build_set(everything, out, Plan("private"))


def test_unknown_labels_are_refused(curation, tmp_path):
    record = ids(curation)[0]
    decide(curation, [(record, "Ada", "relabel", "gender", "Martian")])
    with pytest.raises(InputError, match=f"record '{record}'.*gender has no subgroup 'Martian'"):
        build_set(curation, tmp_path / "set", Plan("private"))
    decide(curation, [(record, "Ada", "relabel", "species", "Dog")])
    with pytest.raises(InputError, match="no category 'species'; it has age,"):
        build_set(curation, tmp_path / "set", Plan("private"))
    decide(curation, [(record, "Ada", "keep"), ("nobody", "Ada", "keep")])
    with pytest.raises(InputError, match="'nobody' is not of this curation"):
        build_set(curation, tmp_path / "set", Plan("private"))
    assert not (tmp_path / "set").exists()


def test_the_card_tells_the_numbers(private, everything, tmp_path):
    card = (private.folder / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "other"
    assert [config["config_name"] for config in front["configs"]] == ["default", "gender"]
    assert "| gender | Female | pictures.example |" in card
    table = [line.split("|")[4:8] for line in card.splitlines() if line.startswith("| gender | ")]
    counted = [[int(cell) for cell in row] for row in table if row and row[0].strip().isdigit()]
    assert all(sum(row[:3]) == row[3] for row in counted)
    assert sum(row[3] for row in counted) == 24
    assert "**Not to be published.**" in card
    assert "| LicenseRef-all-rights-reserved | 8 | no |" in card
    assert "whom to write to]**" in card
    sheet = (private.folder / "DATASHEET.md").read_text()
    assert "TO BE FILLED IN" in sheet
    assert "{{" not in card + sheet
    told = build_set(everything, tmp_path / "told", Plan(contact="mail@example.org"))
    assert "Write to `mail@example.org`" in (told.folder / "README.md").read_text()
    assert "whom to write to" not in (told.folder / "README.md").read_text()


def test_a_file_that_cannot_be_read_stays_out_whoever_keeps_it(tmp_path):
    raw = write_raw(tmp_path / "raw", 4)
    damaged = raw.parent / "images" / "00.jpg"
    damaged.write_bytes(damaged.read_bytes()[:500])
    folder = curate(raw, tmp_path / "curated").folder
    decide(folder, [(record, "Ada", "keep") for record in ids(folder)])
    built = build_set(folder, tmp_path / "set", Plan("private"))
    assert built.numbers["left_out"] == {"the image cannot be read": 1}
    rows = [row for split in load_dataset(str(built.folder)).values() for row in split]
    assert len(rows) == 3
    datasheet = (built.folder / "DATASHEET.md").read_text()
    assert "No row is known to have failed an automatic check." in datasheet
