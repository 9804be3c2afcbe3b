"""What debiasers are fitted on, and what cannot be."""

from dataclasses import replace

import numpy as np
import planted
import pytest
from datasets import Dataset, Features, Image, Value

from unskew.corpora import ImageSet
from unskew.debias.fitting import attribute_labels, fitting_data, labelled
from unskew.errors import InputError
from unskew.stimuli import load_identities

UNREADABLE = {"bytes": b"no picture", "path": None}


class Reader(planted.PixelEncoder):
    """Leaves out what is no picture."""

    def embed_readable(self, images, batch_size=32):
        kept = [i for i, image in enumerate(images) if image["bytes"] != UNREADABLE["bytes"]]
        found = super().embed_readable([images[i] for i in kept], batch_size)
        return replace(found, kept=np.array(kept, dtype=np.int64))


def faces(name="faces", unreadable=(), **columns):
    n = len(next(iter(columns.values())))
    vectors = np.random.default_rng(n).uniform(-0.9, 0.9, (n, planted.DIM))
    pictures = [
        UNREADABLE if i in unreadable else planted.picture(v) for i, v in enumerate(vectors)
    ]
    features = Features({"image": Image(decode=False), **{c: Value("string") for c in columns}})
    data = Dataset.from_dict({"image": pictures, **columns}, features=features)
    return ImageSet(name, data, "image", tuple(columns))


SEX = ["man", "female", None, "female", "male", "male"]
YEARS = ["20", "31", "40", None, "71", "25"]
RACE = ["White", "Black", "White", "Someone", "Black", "White"]


def fit_of(attributes, fit, validation=None, **more):
    return fitting_data(Reader(), fit, validation or fit, attributes, **more)


def test_unlabelled_and_unreadable_images_are_left_out():
    encoder, images = Reader(), faces(gender=SEX, unreadable=[1])
    data = fitting_data(encoder, images, faces(gender=SEX * 2), ["gender"])
    assert data.attributes == ("gender",)
    assert data.subgroups == ("Female", "Male")
    assert data.fit.rows.tolist() == [0, 3, 4, 5]
    assert data.fit.labels.tolist() == [1, 0, 1, 1]
    assert np.array_equal(
        data.fit.embeddings,
        encoder.embed_images([images.images[int(i)] for i in data.fit.rows]),
    )
    assert len(data.validation) == 10
    taken = data.fit.take(np.array([2, 1]))
    assert taken.rows.tolist() == [4, 3]
    assert taken.by_attribute["gender"][1].tolist() == taken.labels.tolist() == [1, 0]
    assert np.array_equal(taken.embeddings, data.fit.embeddings[[2, 1]])


def test_attributes_are_crossed_and_ages_grouped():
    data = fit_of(["gender", "age"], faces(gender=SEX * 4, age=YEARS * 4))
    assert data.attributes == ("gender", "age_group")
    assert data.subgroups == ("Female × 30-59", "Male × 0-29", "Male × 60+")
    assert data.fit.combinations == (("Female", "30-59"), ("Male", "0-29"), ("Male", "60+"))
    assert data.fit.labels.tolist() == [1, 0, 2, 1] * 4
    names, labels = data.fit.by_attribute["age_group"]
    assert names == ("0-29", "30-59", "60+")
    assert labels.tolist() == [0, 1, 2, 0] * 4


def crossed(**counts):
    """A set with so many images of "Male_Black" and so on."""
    pairs = [name.split("_") for name, count in counts.items() for _ in range(count)]
    return faces(gender=[g for g, _ in pairs], race=[r for _, r in pairs])


def test_rare_combinations_of_several_attributes_are_left_out_and_told():
    fit = crossed(Male_Black=4, Male_White=5, Female_White=6, Female_Black=3, Male_Asian=7)
    validation = crossed(Male_Black=1, Male_White=2, Female_White=1, Female_Black=2, Female_Asian=1)
    encoder = Reader()
    data = fitting_data(encoder, fit, validation, ["gender", "race"])
    assert data.subgroups == ("Female × White", "Male × Black", "Male × White")
    for part, counts in ((data.fit, [6, 4, 5]), (data.validation, [1, 1, 2])):
        assert np.bincount(part.labels).tolist() == counts
        assert part.subgroups == data.subgroups
        assert part.by_attribute["race"][0] == ("Black", "White")
        for row, label, vector in zip(part.rows, part.labels, part.embeddings, strict=True):
            said = [part.images.labels(c)[row] for c in ("gender", "race")]
            assert tuple(said) == part.combinations[label]
            picture = part.images.images[int(row)]
            assert np.array_equal(vector, encoder.embed_images([picture])[0])
    (note,) = data.notes
    left_out = "Female × Asian (0 and 1 images), Female × Black (3 and 2 images)"
    assert f"{left_out}, Male × Asian (7 and 0 images)." in note
    later = labelled(encoder, fit, ["gender", "race"], subgroups=data.subgroups)
    assert later.rows.tolist() == data.fit.rows.tolist()
    with pytest.raises(InputError, match=r"no image of 'Male × White' of gender × race"):
        labelled(
            encoder,
            crossed(Male_Black=2, Female_White=2, Female_Black=1),
            ["gender", "race"],
            subgroups=data.subgroups,
        )


def test_images_without_a_label_are_told():
    data = fit_of(
        ["gender", "age"],
        faces(gender=SEX * 4, age=YEARS * 4),
        faces("later", gender=SEX, age=YEARS),
    )
    assert data.notes == (
        "4 of 24 images of faces have no label of gender and are left out.",
        "4 of 24 images of faces have no age group and are left out.",
        "1 of 6 images of later have no label of gender and are left out.",
        "1 of 6 images of later have no age group and are left out.",
    )
    assert fit_of(["gender"], faces(gender=["man", "woman"])).notes == ()


def test_labels_may_contain_what_joins_them():
    race = ["a × b", "White"] * 8
    data = fit_of(["gender", "race"], faces(gender=["man"] * 8 + ["woman"] * 8, race=race))
    assert data.fit.combinations == tuple(
        (g, r) for g in ("Female", "Male") for r in ("White", "a × b")
    )
    assert "'a × b' of 'race'" in data.wordless
    twins = faces(gender=["Male", "Male × b"] * 4, race=["b × White", "White"] * 4)
    with pytest.raises(InputError, match="have one name, as a label contains"):
        fit_of(["gender", "race"], twins)


def test_prompts_line_up_and_captions_keep_what_else_is_known():
    data = fit_of(["gender"], faces(gender=SEX, age=YEARS, race=RACE))
    words, encoder = load_identities(), Reader()
    prompts = [encoder.embed_texts(words.prompts({"gender": g})) for g in data.subgroups]
    assert np.array_equal(data.texts.prompts, prompts)
    assert np.array_equal(data.texts.neutral, encoder.embed_texts(words.prompts({})))
    said = [
        ["young White woman", "young White man"],
        ["middle-aged Black woman", "middle-aged Black man"],
        ["woman", "man"],  # neither age nor a race that has words
        ["older Black woman", "older Black man"],
        ["young White woman", "young White man"],
    ]
    captions = [
        encoder.embed_texts([f"This is the photo of {_a(p)}." for p in row]) for row in said
    ]
    assert np.array_equal(data.texts.captions[data.texts.caption_of], captions)
    assert len(data.texts.captions) == 8


def _a(phrase):
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def test_images_to_preserve_are_embedded_in_order():
    things, more = planted.things(8), planted.things(4, seed=9)
    data = fit_of(["gender"], faces(gender=SEX), preserve=[things, more])
    encoder = Reader()
    expected = [encoder.embed_images(s.images) for s in (things, more)]
    assert np.array_equal(data.preserve, np.concatenate(expected))
    assert fit_of(["gender"], faces(gender=SEX)).preserve.shape == (0, planted.DIM)


def test_subgroups_can_be_left_out_even_where_validation_has_none():
    fit = faces(race=RACE)
    validation = faces(race=["White", "Black"])
    with pytest.raises(InputError, match="'Someone' of race has images in one part"):
        fit_of(["race"], fit, validation)
    data = fit_of(["race"], fit, validation, exclude=[("race", "Someone")])
    assert data.subgroups == ("Black", "White")
    assert 3 not in data.fit.rows
    ages = faces(age=YEARS)
    assert fit_of(["age"], ages, exclude=[("age", "60+")]).subgroups == ("0-29", "30-59")
    assert set(attribute_labels(ages, "age", [("age_group", "60+")])[1]) == {"0-29", "30-59", None}


def test_a_subgroup_without_words_stops_only_the_methods_that_need_them():
    data = fit_of(["race"], faces(race=RACE))
    assert data.subgroups == ("Black", "Someone", "White")
    with pytest.raises(InputError, match=r"no identity words for 'Someone' of 'race'.*leave"):
        _ = data.texts


@pytest.mark.parametrize(
    ("columns", "attributes", "message"),
    [
        ({"gender": SEX}, ["religion"], "'faces' has no category 'religion'; it has 'gender'"),
        ({"gender": ["man"] * 4}, ["gender"], "'gender' has one subgroup only: 'Male'"),
        ({"gender": [None] * 4}, ["gender"], "'gender' has no labelled image"),
        (
            {"gender": ["man", "woman", None], "race": [None, "Black", "White"]},
            ["gender", "race"],
            "'gender' has one subgroup only: 'Female'",
        ),
    ],
)
def test_labels_that_cannot_be_used_are_refused_before_any_forward(columns, attributes, message):
    encoder, images = Reader(), faces(**columns)
    with pytest.raises(InputError) as refusal:
        fitting_data(encoder, images, images, attributes)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert encoder.forwards == 0


def test_what_is_left_when_pictures_cannot_be_read_is_checked_too():
    images = faces(gender=["man", "man", "woman"], unreadable=[2])
    with pytest.raises(InputError, match="'gender' has one subgroup only: 'Male'"):
        fit_of(["gender"], images)


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (("gender", "Robot"), "no subgroup 'Robot' of 'gender' to leave out; it has Female, Male"),
        (("race", "Black"), "'race': it is not among the attributes to debias, gender"),
    ],
)
def test_nothing_there_to_leave_out_is_refused(exclude, message):
    images = faces(gender=SEX, race=RACE)
    with pytest.raises(InputError, match=message):
        fit_of(["gender"], images, exclude=[exclude])
