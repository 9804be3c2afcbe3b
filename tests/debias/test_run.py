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
        assert isinstance(found, CaptionedSet)
        assert len(found) == 9
        assert found.captions[3] == ["picture 3", "number 3"]

    def test_images_without_captions(self):
        bare = pictures.things(9, 0).remove_columns("captions")
        found = general_images(bare)
        assert isinstance(found, ImageSet)
        assert found.categories == ()

    def test_a_limit_takes_the_same_images_every_time(self):
        one, two = (general_images(pictures.things(30, 0), most=7) for _ in range(2))
        assert len(one) == 7
        assert one.captions == two.captions
        loaded = load_captioned(pictures.things(30, 0))
        assert general_images(loaded, most=7).captions == one.captions

    def test_only_splits_to_judge_on(self):
        splits = DatasetDict(validation=pictures.things(5, 0), test=pictures.things(5, 1))
        with pytest.raises(InputError, match="no train split"):
            general_images(splits)


def test_judged_labels_are_those_that_were_debiased():
    images = load_images(pictures.faces(24, 0))
    judged = relabelled(images, ["age", "race"], [("race", "Others")])
    assert judged.categories == ("age_group", "race")
    assert judged.subgroups("age_group") == {"0-29": 8, "30-59": 8, "60+": 8}
    assert judged.subgroups("race") == {"Black": 8, "White": 8}
    assert len(judged) == 24
