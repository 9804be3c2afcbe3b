"""Descriptions of attributes: the shipped file, and people's own."""

import json

import pytest

from unskew.errors import InputError, NotFoundError
from unskew.stimuli import builtin_stimuli, load_descriptions

MINE = {
    "source": "me",
    "licence": "CC0",
    "template": "A photo of a {}.",
    "ensemble": ["A photo of a {}."],
    "attributes": {
        "hat": {
            "sets": {"with/without": {"hat": ["person with a hat"], "none": ["bare head"]}},
            "question": {"prompt": "Hat?", "answers": {"hat": ["yes"], "none": ["no", "bare"]}},
        }
    },
}


def write(tmp_path, content):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


def test_the_shipped_sets_are_those_of_table_5_and_more():
    shipped = load_descriptions()
    assert shipped.template == "A photo of a {}."
    assert shipped.template in shipped.ensemble
    gender, age = shipped.attribute("gender"), shipped.attribute("age")
    assert {"woman/man", "female/male", "lady/gentleman", "girl/guy"} <= gender.sets.keys()
    assert {
        "young/old person",
        "youthful/aged person",
        "junior/senior person",
        "person under/above age 35",
    } <= age.sets.keys()
    assert age.question.boundary == 35
    assert "descriptions" not in builtin_stimuli()


def test_groups_of_an_attribute_are_the_same_in_every_set():
    for attribute in load_descriptions().attributes.values():
        groups = list(attribute.default)
        assert all(list(found) == groups for found in attribute.sets.values())
        assert list(attribute.question.answers) == groups


def test_own_file(tmp_path):
    mine = load_descriptions(write(tmp_path, MINE)).attribute("hat")
    assert mine.default == {"hat": ("person with a hat",), "none": ("bare head",)}


def changed(*path, value):
    content = json.loads(json.dumps(MINE))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return content


HAT = ("attributes", "hat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed("template", value="A photo"), "needs exactly one {}"),
        (changed("templates", value=[]), "templates: this key is not known here"),
        (changed("attributes", value={}), "attributes: has too few entries"),
        (changed(*HAT, "sets", value={}), "sets: has too few entries"),
        (changed(*HAT, "sets", "with/without", value={"hat": ["hat"]}), "has too few entries"),
        (
            changed(*HAT, "question", "answers", "none", value=["Yes"]),
            "'Yes' is an answer of both 'hat' and 'none'",
        ),
        (
            changed(
                *HAT,
                "question",
                value={
                    "prompt": "?",
                    "answers": {"a": ["a"], "b": ["b"], "c": ["c"]},
                    "boundary": 3,
                },
            ),
            "a boundary divides two groups",
        ),
    ],
)
def test_files_that_are_wrong_say_where(tmp_path, content, message):
    with pytest.raises(InputError) as caught:
        load_descriptions(write(tmp_path, content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        load_descriptions(tmp_path / "none.json")
    with pytest.raises(
        InputError, match="no descriptions of 'shoe'; there are of gender, age, race"
    ):
        load_descriptions().attribute("shoe")
    with pytest.raises(InputError, match="cannot be read"):
        load_descriptions(tmp_path)
