"""The image sets that ship with the package."""

import importlib.util
import io
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unskew.corpora import BUILTIN, load_images
from unskew.errors import InputError

DATA = Path(str(files("unskew.corpora"))) / "data"
ROOT = Path(__file__).resolve().parents[2]
TONES = ["Light", "Medium-light", "Medium", "Medium-dark", "Dark"]


@pytest.fixture(scope="module")
def emoji():
    return load_images("emoji")


@pytest.fixture(scope="module")
def faces():
    return load_images("faces")


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "build_builtin_images.py"
    spec = importlib.util.spec_from_file_location("build_builtin_images", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_every_image_decodes(name):
    images = load_images(name)
    for item in images.images:
        assert min(Image.open(io.BytesIO(item["bytes"])).convert("RGB").size) >= 128


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_credit_licence_and_warning_go_with_the_set(name):
    images = load_images(name)
    assert images.demonstration
    assert images.credit
    assert images.licence
    assert images.note
    credits_text = (DATA / "CREDITS.md").read_text(encoding="utf-8")
    assert f"## {name}.parquet" in credits_text
    assert f"{len(images)} p" in credits_text  # photographs, pictures
    assert f"{name}.parquet" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_attribution_and_licence_texts():
    credits_text = (DATA / "CREDITS.md").read_text(encoding="utf-8")
    assert "https://creativecommons.org/licenses/by/4.0/" in credits_text
    assert "Kärkkäinen" in credits_text
    assert "SIL OPEN FONT LICENSE Version 1.1" in (DATA / "OFL-1.1.txt").read_text()


def test_the_package_stays_small():
    assert sum(path.stat().st_size for path in DATA.iterdir()) <= 4.5e6
    assert (DATA / "faces.parquet").stat().st_size <= 3e6


def test_faces_are_balanced(faces):
    assert faces.categories == ("gender", "age", "age_group")
    assert faces.subgroups("gender") == {"Male": 270, "Female": 270}
    assert faces.subgroups("age_group") == {"0-29": 240, "30-59": 180, "60+": 120}
    cells = Counter(zip(faces.labels("gender"), faces.labels("age"), strict=True))
    assert len(cells) == 18
    assert set(cells.values()) == {30}


def test_face_age_groups_follow_the_age_bins(faces):
    bins = zip(faces.labels("age"), faces.labels("age_group"), strict=True)
    first_year = {age: int(age.rstrip("+").split("-")[0]) for age in faces.subgroups("age")}
    expected = {"0-29": range(30), "30-59": range(30, 60), "60+": range(60, 120)}
    assert all(first_year[age] in expected[group] for age, group in bins)


def test_emoji_have_enough_subgroups_of_enough_images(emoji):
    counts = [n for category in emoji.categories for n in emoji.subgroups(category).values()]
    assert len(counts) >= 20
    assert min(counts) >= 4
    assert sum(n >= 12 for n in counts) >= 20


def test_emoji_subgroups_are_matched(emoji):
    """Same number of drawings, in the same tones, wherever Noto has them."""
    assert set(emoji.subgroups("skin_tone").values()) == {39}
    names = np.array(emoji.data["name"][:], dtype=object)
    tones = emoji.labels("skin_tone")
    assert len({tuple(sorted(names[tones == tone])) for tone in TONES}) == 1
    for category in ("gender", "disability", "couple", "setting"):
        assert len(set(emoji.subgroups(category).values())) == 1
    for category in ("gender", "disability"):
        cells = Counter(
            (label, tone)
            for label, tone in zip(emoji.labels(category), tones, strict=True)
            if label is not None and tone is not None
        )
        assert len(set(cells.values())) == 1


def test_emoji_attribute_images_are_no_targets(emoji):
    setting = emoji.labels("setting")
    assert emoji.categories[-1] == "setting"
    for category in emoji.categories[:-1]:
        both = zip(setting, emoji.labels(category), strict=True)
        assert all(attribute is None or target is None for attribute, target in both)


def test_emoji_labels_agree_with_unicode_names(emoji):
    """The labels against what the source calls each picture."""
    words = {
        "Woman": "woman",
        "Man": "man",
        "Person": "adult|person",
        "Baby": "baby",
        "Child": "boy|girl|child",
        "Adult": "man|woman|adult",
        "Older adult": "older",
        "Manual wheelchair user": "manual wheelchair",
        "Motorized wheelchair user": "motorized wheelchair",
        "White cane user": "cane",
        "Deaf": "deaf",
        "No disability shown": "walking|pedestrian",
        "Headscarf": "headscarf",
        "Turban": "turban",
        "Skullcap": "gua pi mao",
        "No headwear": "man|woman|adult",
        "Woman and man": "woman, man|man and woman",
        "Two women": "woman, woman|two women",
        "Two men": "man, man|two men",
        "Baby care": "feeding baby",
        "Office": "office worker",
        "Science": "scientist",
        "Arts": "artist",
    }
    names = emoji.data["name"][:]
    for category in emoji.categories[1:]:
        for name, label in zip(names, emoji.labels(category), strict=True):
            if label is not None:
                assert re.search(rf"\b({words[label]})\b", name), (name, label)


def test_emoji_skin_tones_agree_with_codepoints(emoji):
    modifiers = dict(zip(TONES, ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"), strict=True))
    for points, tone in zip(emoji.data["codepoints"][:], emoji.labels("skin_tone"), strict=True):
        if tone is not None:
            assert [p for p in points.split("-") if p.startswith("1F3F")] == [modifiers[tone]]


def test_options_that_a_builtin_set_has_no_use_for():
    assert load_images("faces", categories=["age"]).categories == ("age",)
    with pytest.raises(InputError, match=r"split='test' makes no sense for faces"):
        load_images("faces", split="test")
    with pytest.raises(InputError, match="no category 'race'; it has 'gender', 'age', 'age_group'"):
        load_images("faces", categories=["race"])


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_the_script_rebuilds_the_shipped_file(name, script, shared_data, tmp_path):
    made_with = pq.read_schema(DATA / f"{name}.parquet").metadata[b"made with"].decode()
    if script.versions() != made_with:
        pytest.skip(f"the shipped file was made with {made_with}")
    script.build(name, shared_data, tmp_path)
    built = (tmp_path / f"{name}.parquet").read_bytes()
    assert built == (DATA / f"{name}.parquet").read_bytes()
