"""Words for subgroups, in prompts and captions."""

import json
from itertools import product

import pytest

from unskew.errors import InputError, NotFoundError
from unskew.stimuli import canonical_category, canonical_subgroup, load_identities

MINE = {
    "source": "me",
    "licence": "CC0",
    "templates": ["A {}", "an {} seen", "the {}"],
    "caption": "a {}.",
    "person": ["person"],
    "nouns": {"gender": {"Male": ["man"], "Female": ["woman"]}},
    "adjectives": {"age_group": {"young": ["young"], "old": ["old"]}},
}


def mine(tmp_path, **changes):
    file = tmp_path / "words.json"
    file.write_text(json.dumps({**MINE, **changes}), encoding="utf-8")
    return load_identities(file)


def test_shipped_words_are_named_as_the_taxonomy_names_them():
    words = load_identities()
    assert words.categories == [
        *("gender", "age_group", "race", "religion", "disability", "sexual orientation")
    ]
    for category in words.categories:
        assert canonical_category(category) == category
        for name in words.names(category):
            assert canonical_subgroup(category, name) == name


def test_phrases_line_up_across_subgroups():
    words = load_identities()
    women = words.phrases({"gender": "Female", "race": "Black"})
    men = words.phrases({"gender": "Male", "race": "Black"})
    assert women == ["Black woman", "Black female person", "Black lady"]
    assert men == ["Black man", "Black male person", "Black gentleman"]
    assert words.phrases({}) == list(words.person)
    assert words.phrases({"race": "Asian", "age_group": "60+"})[0] == "older Asian person"
    for category in words.categories:
        assert len({len(words.prompts({category: name})) for name in words.names(category)}) == 1


def test_counterpart_prompts_differ_in_the_words_of_the_subgroup_alone():
    words = load_identities()
    templates, phrases = words.templates, words.phrases({"gender": "Female"})
    prompts = words.prompts({"gender": "Female"})
    assert len(prompts) == len(templates) * len(phrases)
    for prompt, (template, phrase) in zip(prompts, product(templates, phrases), strict=True):
        assert prompt == template.replace("{}", phrase)
    assert words.describe({"gender": "Male", "age_group": "0-29", "race": "Indian"}) == (
        "This is the photo of a young Indian man."
    )


def test_the_article_follows_the_phrase(tmp_path):
    words = mine(tmp_path)
    assert words.prompts({"age_group": "old"}) == [
        "An old person",
        "an old person seen",
        "the old person",
    ]
    assert words.prompts({"gender": "Male"}) == ["A man", "a man seen", "the man"]
    assert words.describe({"age_group": "old", "gender": "Female"}) == "an old woman."


@pytest.mark.parametrize(
    ("word", "article"),
    [
        *(("European", "a"), ("unique", "a"), ("Ukrainian", "a"), ("one-eyed", "a")),
        *(("honest", "an"), ("Hour-long", "an"), ("LGBTQ+", "an"), ("uninsured", "an")),
        *(("Asian", "an"), ("hearing", "a"), ("Black", "a"), ("onerous", "an")),
    ],
)
def test_the_article_follows_the_sound(word, article, tmp_path):
    words = mine(tmp_path, adjectives={"kind": {"it": [word], "other": ["other"]}})
    assert words.prompts({"kind": "it"})[1] == f"{article} {word} person seen"


def test_the_words_of_an_identity_name_it_and_no_other():
    words = load_identities()
    for phrase in words.phrases({"gender": "Non-binary"}):
        assert canonical_subgroup("gender", phrase.rsplit(" ", 1)[0]) == "Non-binary"
    for category in ("race", "disability", "sexual orientation", "religion"):
        for name in words.names(category):
            (phrase,) = {p.rsplit(" ", 1)[0] for p in words.phrases({category: name})[:1]}
            assert canonical_subgroup(category, phrase) == name


def test_unknown_categories_and_subgroups_are_refused_by_name():
    words = load_identities()
    with pytest.raises(InputError, match="for the category 'handedness'; there are for gender,"):
        words.phrases({"handedness": "left"})
    with pytest.raises(InputError, match="for 'Robot' of 'gender'; there are for Male, Female,"):
        words.describe({"gender": "Robot"})
    with pytest.raises(InputError, match="category 'handedness'"):
        words.names("handedness")


def test_two_categories_of_nouns_cannot_be_crossed(tmp_path):
    trades = {"nurse": ["nurse"], "pilot": ["pilot"]}
    words = mine(tmp_path, nouns={**MINE["nouns"], "trade": trades})
    assert words.phrases({"trade": "nurse", "age_group": "old"}) == ["old nurse"]
    with pytest.raises(InputError, match="'gender' and 'trade' both have nouns"):
        words.phrases({"trade": "nurse", "gender": "Male"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nouns": {"gender": {"Male": ["man", "boy"], "Female": ["woman"]}}}, "different numbers"),
        ({"adjectives": MINE["nouns"]}, "'gender' is among both the nouns and the adjectives"),
        ({"nouns": {"gender": {"Male": ["man"]}}}, "nouns.gender: "),
        ({"caption": "no slot"}, "caption: the template 'no slot' needs exactly one {}"),
        ({"colours": {}}, "colours: "),
        ({"person": []}, "person: "),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, changes, message):
    with pytest.raises(InputError) as refusal:
        mine(tmp_path, **changes)
    assert message in str(refusal.value)
    assert "words.json" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_files_that_are_not_there_or_not_text_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        load_identities(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"source": "me", ')
    with pytest.raises(InputError, match=r"cut\.json: not valid JSON, line 1"):
        load_identities(tmp_path / "cut.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"bytes\.json.*not UTF-8"):
        load_identities(tmp_path / "bytes.json")
