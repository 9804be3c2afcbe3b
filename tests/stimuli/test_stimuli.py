import json

import pytest

from unskew.errors import InputError, NotFoundError
from unskew.stimuli import (
    builtin_stimuli,
    canonical_category,
    canonical_subgroup,
    load_stimuli,
    taxonomy,
)

MINIMAL = {
    "name": "mine",
    "title": "My words",
    "source": "me",
    "licence": "CC0",
    "attributes": {
        "template": "a {} person",
        "a": {"name": "warm", "words": ["kind", "friendly"]},
        "b": {"name": "cold", "words": ["rude", "distant"]},
        "pleasant": "a",
    },
}


def write(tmp_path, content):
    file = tmp_path / "mine.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def test_shipped_files_load_and_say_where_they_come_from():
    assert set(builtin_stimuli()) == {
        "caliskan_weat",
        "career_family",
        "contrast_prompts",
        "mmbias",
        "ranking_benchmark",
        "science_arts",
    }
    for name in builtin_stimuli():
        stimuli = load_stimuli(name)
        assert stimuli.name == name
        assert stimuli.source
        assert stimuli.licence
        assert stimuli.sections


def test_counts_are_those_of_the_sources():
    ranking = load_stimuli("ranking_benchmark").ranking
    assert (len(ranking.templates), len(ranking.concepts), len(ranking.prompts)) == (11, 29, 319)
    assert len(set(ranking.prompts)) == 319
    mmbias = load_stimuli("mmbias")
    assert len(mmbias.attributes.a.words) == len(mmbias.attributes.b.words) == 60
    assert sum(map(len, mmbias.targets.categories.values())) == 18
    sizes = [
        (len(t.x.words), len(t.y.words), len(t.a.words), len(t.b.words))
        for t in load_stimuli("caliskan_weat").word_tests
    ]
    assert sizes == [
        (24, 25, 25, 25),
        (25, 25, 25, 25),
        (32, 32, 25, 25),
        (18, 18, 25, 25),
        (18, 18, 8, 8),
        *[(8, 8, 8, 8)] * 3,
        (6, 6, 7, 7),
        (8, 8, 8, 8),
    ]


def test_only_the_old_word_lists_are_marked_historical():
    assert [n for n in builtin_stimuli() if load_stimuli(n).historical] == ["caliskan_weat"]


def test_shipped_words_equal_the_reference_lists(shared_data):
    ours = load_stimuli("caliskan_weat").word_tests
    reference = json.loads((shared_data / "caliskan_weat.json").read_text("utf-8"))
    for test, expected in zip(ours, reference, strict=True):
        for side in "xyab":
            assert list(getattr(test, side).words) == expected[side.upper()]


def test_own_file(tmp_path):
    stimuli = load_stimuli(write(tmp_path, MINIMAL))
    assert stimuli.attributes.a.words == ("kind", "friendly")
    assert load_stimuli(stimuli) is stimuli


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, r"name: Input should be a valid string"),
        ({"attribute": {}}, r"attribute: this key is not known here"),
        ({"attributes": None}, r"it asks nothing"),
        ({"attributes": {"a": MINIMAL["attributes"]["a"]}}, r"attributes\.b: this key is missing"),
        (
            {"attributes": MINIMAL["attributes"] | {"b": {"name": "cold", "words": []}}},
            r"attributes\.b\.words: has too few entries",
        ),
        (
            {"attributes": MINIMAL["attributes"] | {"b": {"name": "c", "words": ["x", "x"]}}},
            r"attributes\.b\.words: 'x' is listed twice",
        ),
        (
            {"attributes": MINIMAL["attributes"] | {"template": "no slot"}},
            r"attributes\.template: the template 'no slot' needs exactly one \{\}",
        ),
        (
            {
                "attributes": None,
                "targets": {"categories": {"c": {"s": ["v", "w"], "t": ["x", "y"]}}},
            },
            r"'targets' needs 'attributes'",
        ),
    ],
)
def test_broken_file_is_one_line_that_names_the_place(tmp_path, change, message):
    file = write(tmp_path, MINIMAL | change)
    with pytest.raises(InputError, match=message) as caught:
        load_stimuli(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_not_json(tmp_path):
    with pytest.raises(InputError, match="not valid JSON, line 2 column 1"):
        load_stimuli(write(tmp_path, '{"name": "x",\n'))


def test_not_text(tmp_path):
    file = tmp_path / "mine.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        load_stimuli(file)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(NotFoundError, match="no such file; shipped are caliskan_weat, "):
        load_stimuli("nope")


def test_taxonomy_names():
    assert canonical_category("Sexual_Orientation") == "sexual orientation"
    assert canonical_category("Favourite colour") == "Favourite colour"
    assert canonical_subgroup("religion", "Buddists") == "Buddhist"
    assert canonical_subgroup("Gender", "woman") == "Female"
    assert canonical_subgroup("religion", "Zoroastrian") == "Zoroastrian"


def test_no_name_stands_for_two_subgroups():
    for category, subgroups in taxonomy().items():
        names = [n.lower() for name, others in subgroups.items() for n in (name, *others)]
        assert len(names) == len(set(names)), category
