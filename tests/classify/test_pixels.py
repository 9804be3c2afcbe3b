"""From a data set to bytes in memory, and what is refused on the way."""

import numpy as np
import pytest
import torch
from classify_sets import squares
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as PILImage

from unskew.classify import Pixels, load_pixels
from unskew.errors import InputError


def pictures(*sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [PILImage.fromarray(rng.integers(256, size=(*s, 3), dtype=np.uint8)) for s in sizes]


def dataset(images, targets, attributes=None):
    columns = {"image": images, "target": targets}
    features = {"image": Image(), "target": ClassLabel(names=["no", "yes"])}
    if attributes is not None:
        columns["attribute"] = attributes
        features["attribute"] = ClassLabel(names=["young", "old", "ancient"])
    return Dataset.from_dict(columns, Features(features))


def test_images_labels_and_groups():
    images = pictures((6, 6), (6, 6), (6, 6))
    found = load_pixels(dataset(images, [1, 0, 1], [2, 0, 1]))
    assert found.images.shape == (3, 3, 6, 6)
    for tensor, image in zip(found.images, images, strict=True):
        np.testing.assert_array_equal(tensor.movedim(0, 2).numpy(), np.array(image))
    assert found.groups.tolist() == [5, 0, 4]
    assert found.group_names[5] == "yes, ancient"
    assert found.has_attributes


def test_size_resizes_as_pillow_does():
    (image,) = pictures((9, 5))
    found = load_pixels(dataset([image], [0]), size=4)
    expected = np.array(image.resize((4, 4), PILImage.Resampling.BILINEAR))
    np.testing.assert_array_equal(found.images[0].movedim(0, 2).numpy(), expected)


def test_grey_images_become_rgb():
    grey = PILImage.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    found = load_pixels(dataset([grey], [0]))
    assert torch.equal(found.images[0, 0], found.images[0, 2])


def test_the_attribute_may_be_unknown():
    found = load_pixels(dataset(pictures((4, 4)), [0]))
    assert not found.has_attributes
    assert found.attributes.tolist() == [-1]
    assert found.group_names == ()
    with pytest.raises(InputError, match="no groups, since their attribute is unknown"):
        _ = found.groups


def test_mean_and_std_are_those_of_the_pixels():
    pixels = squares(30)
    values = pixels.images.double().movedim(1, 0).flatten(1) / 255
    mean, std = pixels.mean_and_std
    assert mean == pytest.approx(values.mean(1).tolist(), abs=1e-12)
    assert std == pytest.approx(values.std(1, correction=0).tolist(), abs=1e-12)


def test_a_constant_channel_does_not_divide_by_zero():
    black = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    pixels = Pixels(black, torch.tensor([0, 1]), torch.tensor([0, 0]), ("a", "b"), ("c",))
    assert pixels.mean_and_std == ([0.0] * 3, [1.0] * 3)


def test_select():
    pixels = squares(12)
    some = pixels.select(torch.tensor([5, 5, 0]))
    assert torch.equal(some.images, pixels.images[[5, 5, 0]])
    assert some.targets.tolist() == [2, 2, 0]
    assert some.group_names == pixels.group_names


def test_images_of_different_sizes_are_named():
    with pytest.raises(InputError, match="image 1 is 7 x 6 pixels, and the first is 6 x 6: give"):
        load_pixels(dataset(pictures((6, 6), (6, 7)), [0, 1]))


def test_an_image_that_cannot_be_read_is_named():
    data = dataset([{"bytes": b"no image", "path": None}], [0])
    with pytest.raises(InputError, match="image 0 cannot be read"):
        load_pixels(data)


def test_a_missing_label_is_named():
    with pytest.raises(InputError, match="the target of image 1 is -1, and there are 2 classes"):
        load_pixels(dataset(pictures((4, 4), (4, 4)), [0, None]))


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("what", ["targets", "attributes"])
def test_labels_out_of_range(what, label):
    pixels = squares(6)
    fields = {**vars(pixels), "attribute_names": ("a", "b", "c")}
    fields[what] = torch.tensor([0, 1, label, 0, 0, 0])
    with pytest.raises(InputError, match=f"the {what[:-1]} of image 2 is {label}"):
        Pixels(**fields)


def test_columns_are_asked_for():
    plain = Dataset.from_dict({"image": pictures((4, 4)), "target": [0]})
    with pytest.raises(InputError, match="'target' is no ClassLabel"):
        load_pixels(plain.cast_column("target", Value("int64")))
    with pytest.raises(InputError, match="no column 'target', only image"):
        load_pixels(plain.remove_columns("target"))
    with pytest.raises(InputError, match="hold no images"):
        load_pixels(dataset([], []))
    with pytest.raises(InputError, match="size is 0"):
        load_pixels(dataset(pictures((4, 4)), [0]), size=0)


def test_arrays_must_fit_each_other():
    pixels = squares(6)
    with pytest.raises(InputError, match="6 images have target labels of shape"):
        Pixels(**{**vars(pixels), "targets": torch.zeros(5, dtype=torch.int64)})
    with pytest.raises(InputError, match="they must be uint8"):
        Pixels(**{**vars(pixels), "images": pixels.images.float()})
