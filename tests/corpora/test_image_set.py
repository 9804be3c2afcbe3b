"""The ImageSet itself: labels, names, refusals."""

from dataclasses import replace

import pytest
from datasets import ClassLabel, Dataset, Features, Image

from unskew.corpora import ImageSet
from unskew.errors import InputError


def image_set(**columns) -> ImageSet:
    n = len(next(iter(columns.values())))
    images = [{"bytes": b"%d" % i, "path": None} for i in range(n)]
    data = Dataset.from_dict({**columns}).add_column("image", images, feature=Image(decode=False))
    return ImageSet("test set", data, "image", tuple(columns))


def test_labels_are_names_and_none_where_missing():
    features = Features({"religion": ClassLabel(names=["Muslim", "Hindu"])})
    data = Dataset.from_dict({"religion": [1, 0, None, -1]}, features=features)
    data = data.add_column("text", ["a", " ", None, "b "])
    data = data.add_column("age", [3, None, 3, 70])
    data = data.add_column("Smiling", [True, False, None, True])
    data = data.add_column(
        "image", [{"bytes": b"x", "path": None}] * 4, feature=Image(decode=False)
    )
    images = ImageSet("s", data, "image", ("religion", "text", "age", "Smiling"))
    assert images.labels("religion").tolist() == ["Hindu", "Muslim", None, None]
    assert images.labels("text").tolist() == ["a", None, None, "b"]
    assert images.labels("age").tolist() == ["3", None, "3", "70"]
    assert images.labels("Smiling").tolist() == ["Smiling", "not Smiling", None, "Smiling"]
    assert images.labels("religion").shape == (4,)


def test_subgroups_keep_the_order_of_class_labels_and_count_only_what_is_there():
    features = Features({"age": ClassLabel(names=["3-9", "10-19", "70+"])})
    data = Dataset.from_dict({"age": [1, 0, 1]}, features=features)
    data = data.add_column(
        "image", [{"bytes": b"x", "path": None}] * 3, feature=Image(decode=False)
    )
    assert list(ImageSet("s", data, "image", ("age",)).subgroups("age").items()) == [
        ("3-9", 1),
        ("10-19", 2),
    ]


@pytest.mark.parametrize("labels", [["Muslim", "muslim "], ["Two  men", "Two men"], ["ﬁt", "fit"]])
def test_labels_that_differ_only_in_spelling_are_refused_by_name(labels):
    with pytest.raises(InputError, match="duplicate labels") as refusal:
        image_set(religion=labels * 2)
    assert all(repr(label) in str(refusal.value) for label in labels)
    assert "'religion'" in str(refusal.value)


def test_missing_columns_and_empty_sets_are_refused():
    images = image_set(gender=["a", "b"])
    with pytest.raises(InputError, match="no column 'race'; it has gender, image"):
        replace(images, categories=("race",))
    with pytest.raises(InputError, match="no column 'photo'"):
        replace(images, image_column="photo")
    with pytest.raises(InputError, match="'gender' of image set 'test set' is not of type"):
        replace(images, image_column="gender", categories=())
    with pytest.raises(InputError, match="holds no images"):
        replace(images, data=images.data.select([]))


def test_items_are_named_by_file_or_row():
    cells = [
        {"bytes": None, "path": "folder/a.jpg"},
        {"bytes": b"x", "path": "b.jpg"},
        {"bytes": b"x", "path": None},
        None,
    ]
    data = Dataset.from_dict({"image": cells}, features=Features({"image": Image(decode=False)}))
    images = ImageSet("s", data, "image", ())
    assert [images.item_name(i) for i in range(4)] == [
        "folder/a.jpg",
        "row 1 (b.jpg)",
        "row 2",
        "row 3",
    ]
