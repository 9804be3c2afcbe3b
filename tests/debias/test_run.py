"""What a run is made of: parts, general images, and the labels that are judged."""

import labelled_pictures as pictures
import pytest
from datasets import DatasetDict

from unskew.corpora import CaptionedSet, ImageSet, load_captioned, load_images
from unskew.debias.preserve import general_images
from unskew.debias.run import parts, relabelled
from unskew.errors import InputError


class TestParts:
    def test_an_attribute_need_not_look_like_labels(self):
        """Integers do not; what else is known of the images is kept for their captions."""
        splits = {s: pictures.faces(24, seed) for seed, s in enumerate(pictures.SPLITS)}
        coded = DatasetDict(
            {
                name: data.add_column("sex", [int(g == "Male") for g in data["gender"]])
                for name, data in splits.items()
            }
        )
        train, validation, test = parts(coded, ["sex"])
        assert set(train.labels("sex")) == {"0", "1"}
        assert train.categories == validation.categories == test.categories
        assert set(train.categories) == {"sex", "gender", "age", "race"}

    def test_a_loaded_set_is_taken_as_it_is(self):
        images = load_images(pictures.faces(80, 0), categories=["gender"])
        found = parts(images, ["gender"])
        assert sum(map(len, found)) == 80
        assert all(p.categories == ("gender",) for p in found)

    def test_unknown(self):
        with pytest.raises(InputError, match="no category 'faith'"):
            parts(pictures.faces(24, 0), ["faith"])


class TestGeneralImages:
    def test_the_train_split_with_its_captions(self, tmp_path):
        splits = {"train": pictures.things(9, 0), "test": pictures.things(5, 1)}
        found = general_images(pictures.save_splits(tmp_path / "things", **splits))
        assert isinstance(found.kept, CaptionedSet)
        assert len(found.kept) == 9
        assert found.kept.captions[3] == ["picture 3", "number 3"]
        assert isinstance(found.held_out, CaptionedSet)
        assert len(found.held_out) == 5

    def test_one_split_is_divided(self):
        """What is judged on is not preserved."""
        found = general_images(pictures.things(40, 0))
        assert isinstance(found.held_out, CaptionedSet)
        assert len(found.kept) + len(found.held_out) == 40
        assert not set(map(tuple, found.kept.captions)) & set(map(tuple, found.held_out.captions))

    def test_classes_are_measurable_too(self):
        bare = pictures.things(40, 0).remove_columns("captions")
        found = general_images(bare.add_column("label", ["cat", "dog"] * 20))
        assert isinstance(found.held_out, ImageSet)
        assert found.held_out.categories == ("label",)

    def test_images_without_captions(self):
        bare = pictures.things(9, 0).remove_columns("captions")
        found = general_images(bare)
        assert isinstance(found.kept, ImageSet)
        assert (len(found.kept), found.held_out) == (9, None)

    def test_a_limit_takes_the_same_images_every_time(self):
        one, two = (general_images(pictures.things(30, 0), most=7) for _ in range(2))
        assert len(one.kept) == 7
        assert one.kept.captions == two.kept.captions
        loaded = general_images(load_captioned(pictures.things(30, 0)), most=7)
        assert (len(loaded.kept), loaded.held_out) == (7, None)

    def test_only_splits_to_judge_on(self):
        splits = DatasetDict(validation=pictures.things(5, 0), test=pictures.things(5, 1))
        with pytest.raises(InputError, match="no train split"):
            general_images(splits)


class TestRelabelled:
    def test_judged_labels_are_those_that_were_debiased(self):
        images = load_images(pictures.faces(24, 0))
        judged, remarks = relabelled(images, ["age"], [("age", "60+")])
        assert judged.categories == ("age_group",)
        assert judged.subgroups("age_group") == {"0-29": 8, "30-59": 8}
        assert remarks == [
            f"16 of 24 images of {images.name} are judged on; the others lack a label in "
            "age_group, are of a subgroup left out, or cannot be read."
        ]

    def test_several_attributes_are_crossed(self):
        judged, remarks = relabelled(load_images(pictures.faces(24, 0)), ["gender", "age"])
        assert judged.categories == ("gender", "age_group", "gender × age_group")
        crossed = judged.subgroups("gender × age_group")
        assert (len(crossed), set(crossed.values()), remarks) == (6, {4}, [])
        assert crossed["Female × 60+"] == 4

    def test_a_crossing_with_too_few_images_is_said(self):
        judged, remarks = relabelled(load_images(pictures.faces(23, 0)), ["gender", "age"])
        assert judged.categories == ("gender", "age_group")
        assert "gender × age_group is not audited, since 'Male × 60+' has 3 images" in remarks[0]
