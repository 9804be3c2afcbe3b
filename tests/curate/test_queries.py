"""Queries and proposed labels come from the taxonomy, and licences become SPDX identifiers."""

import json
from importlib.resources import files

import pytest

from unskew.curate.queries import Query, proposed, taxonomy_queries
from unskew.curate.sources.licences import spdx
from unskew.curate.sources.words import joined, plain
from unskew.errors import InputError
from unskew.stimuli import taxonomy


def test_the_file_of_queries_knows_the_taxonomy_and_nothing_else():
    words = json.loads((files("unskew.curate") / "queries.json").read_text("utf-8"))
    assert set(words["forms"]) == set(taxonomy())
    assert all(form.count("{}") == 1 for forms in words["forms"].values() for form in forms)
    for category, subgroups in words["instead"].items():
        assert set(subgroups) <= set(taxonomy()[category])


def test_every_subgroup_is_searched_for_or_left_out_on_purpose():
    found = {(query.category, query.subgroup) for query in taxonomy_queries()}
    everyone = {(c, s) for c, subgroups in taxonomy().items() for s in subgroups}
    assert everyone - found == {
        ("disability", "Non-disabled"),
        ("gender", "Gender-neutral"),
        ("race", "Another race"),
        ("sexual orientation", "Heterosexual"),
    }
    texts = [query.text.lower() for query in taxonomy_queries()]
    assert len(texts) == len(set(texts))


def test_queries_of_one_category():
    queries = taxonomy_queries(["Religion"])
    assert queries[:2] == [
        Query("Buddhist people", "religion", "Buddhist"),
        Query("Buddhist prayer", "religion", "Buddhist"),
    ]
    with pytest.raises(InputError, match="no category 'hobby'; it has age, "):
        taxonomy_queries(["hobby"])


@pytest.mark.parametrize(
    ("label", "category", "expected"),
    [
        ("african-american", None, ("race", "Black")),
        ("disabled-people", None, ("disability", "Disabled")),
        ("Judaism", None, ("religion", "Jewish")),
        ("Indian", None, None),
        ("Indian", "Nationality", ("nationality", "Indian")),
        ("euro", None, None),
        ("Black", "hobby", None),
    ],
)
def test_labels(label, category, expected):
    assert proposed(label, category) == expected


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("by-nc-nd", "2.0", "CC-BY-NC-ND-2.0"),
        ("CC BY-SA 4.0", "", "CC-BY-SA-4.0"),
        ("CC BY 3.0 de", "", "CC-BY-3.0"),
        ("cc0", "1.0", "CC0-1.0"),
        ("CC0", "", "CC0-1.0"),
        ("pdm", "1.0", "LicenseRef-public-domain"),
        ("sampling+", "1.0", "LicenseRef-unknown"),
        ("GFDL", "", "LicenseRef-unknown"),
    ],
)
def test_licences(name, version, expected):
    assert spdx(name, version) == expected


def test_words_without_markup():
    assert plain("<p>A&nbsp;woman &amp;\n sea</p>") == "A woman & sea"
    assert joined("Sea!", None, "", "A boat", "Sea!") == "Sea! A boat."
