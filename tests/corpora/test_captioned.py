"""Photos with captions: where the captions are found, and what is refused."""

import io

import pytest
from datasets import Dataset, DatasetDict, Features, Image, List, Value
from PIL import Image as Pillow

from unskew.corpora import CaptionedSet, load_captioned
from unskew.errors import InputError


def png(shade):
    file = io.BytesIO()
    Pillow.new("L", (4, 4), shade).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def table(captions, feature=None, column="captions", **others):
    n = len(captions)
    columns = {"image": [png(i) for i in range(n)], column: captions, **others}
    features = {"image": Image(decode=False), column: feature or List(Value("string"))}
    features |= {name: Value("string") for name in others}
    return Dataset.from_dict(columns, features=Features(features))


def test_a_column_of_lists_goes_before_one_of_strings():
    data = table([["a dog", "an animal"], ["a cat"]], column="sentences", text=["x", "y"])
    found = load_captioned(data)
    assert found.caption_column == "sentences"
    assert found.captions == [["a dog", "an animal"], ["a cat"]]
    assert [set(image) for image in found.images] == [{"bytes", "path"}] * 2


def test_other_lists_of_strings_are_no_captions_unless_asked_for():
    tags = table([["dog", "grass"], ["cat"]], column="tags", file=["x.png", "y.png"])
    with pytest.raises(InputError, match=r"no column of captions.*tags, file: name one"):
        load_captioned(tags)
    assert load_captioned(tags, caption_column="tags").captions == [["dog", "grass"], ["cat"]]
    both = table([["dog"], ["cat"]], column="tags", caption=["a dog", "a cat"])
    assert load_captioned(both).captions == [["a dog"], ["a cat"]]


def test_a_column_of_strings_is_found_by_its_name():
    data = table(["a dog", "a cat"], Value("string"), column="caption", file=["x.png", "y.png"])
    assert load_captioned(data).captions == [["a dog"], ["a cat"]]


def test_the_column_asked_for_and_the_split_asked_for_are_taken():
    first = table([["a dog"], ["a cat"]], other=["one", "two"])
    both = DatasetDict(train=first, test=first.select([1]))
    assert load_captioned(both).captions == [["a cat"]]
    found = load_captioned(both, "train", caption_column="other")
    assert found.captions == [["one"], ["two"]]


def test_empty_captions_and_photos_without_any_are_left_out():
    whole = load_captioned(table([["a dog", " "], ["a cat"]]))
    assert whole.captions == [["a dog"], ["a cat"]]
    assert not whole.note
    found = load_captioned(table([["a dog"], ["", None], ["a cat"], []]))
    assert found.captions == [["a dog"], ["a cat"]]
    assert [image["bytes"] for image in found.images] == [png(0)["bytes"], png(2)["bytes"]]
    assert found.note.startswith("2 images of ")
    with pytest.raises(InputError, match=r"no image of .* has a caption in column 'captions'"):
        load_captioned(table([[" "], []]))
    with pytest.raises(InputError, match=r"image 1 of 's' has no caption"):
        CaptionedSet("s", table([["a dog"], [""]]), "image", "captions")


@pytest.mark.parametrize(
    ("data", "column", "message"),
    [
        (table(["x", "y"], Value("string"), column="file"), None, "no column of captions.*file"),
        (table([["a dog"]]), "nothing", "no column 'nothing'; it has image, captions"),
        (table([["a dog"]]), "image", "column 'image' of .* holds no captions"),
    ],
)
def test_what_is_missing_is_said_in_one_line(data, column, message):
    with pytest.raises(InputError, match=message) as error:
        load_captioned(data, caption_column=column)
    assert "\n" not in str(error.value)


def test_the_real_photos_have_five_captions_each(shared_data):
    photos = load_captioned(shared_data / "flickr8k_subset", "test")
    assert photos.caption_column == "captions"
    assert len(photos) == 200
    assert {len(captions) for captions in photos.captions} == {5}
