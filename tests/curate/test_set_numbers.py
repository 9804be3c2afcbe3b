"""build.json of a set is anybody's: checked before a request, and never markup of a new card."""

import json

import pytest
from test_hydrate import content, hydrate, serve

from unskew.curate.sets.card import rendered
from unskew.errors import InputError

AGREED = {
    "measure": "Fleiss' kappa",
    "reviewers": ["reviewer 1", "reviewer 2"],
    "items": 9,
    "value": 0.5,
    "low": 0.1,
    "high": 0.8,
    "reason": None,
}


def change(folder, **numbers):
    path = folder / "build.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **numbers}))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"format": 2}, "its format is 2"),
        ({"mode": "open"}, "mode: "),
        ({"title": 5}, "title: Input should be a valid string"),
        ({"about": None}, "about: "),
        ({"contact": ["me"]}, "contact: "),
        ({"seed": "0"}, "seed: "),
        ({"shares": [1, 2]}, "shares.2: "),
        ({"shares": "abc"}, "shares: "),
        ({"shares": [0, 0, 0]}, "its shares are all 0"),
        ({"shares": [6, -1, 3]}, "shares.1: "),
        ({"reviewed": 5}, "reviewed: "),
        ({"reviewed": {"reviewers": 1}}, "reviewed.records: Field required"),
        ({"agreement": 5}, "agreement: "),
        ({"agreement": [{"measure": "x"}]}, "agreement.0.reviewers: "),
        ({"agreement": [{**AGREED, "high": None}]}, "agreement.0: an interval has both ends"),
        ({"agreement": [{**AGREED, "value": float("nan")}]}, "agreement.0.value: "),
    ],
)
def test_what_is_no_number_of_a_set_is_told_before_any_request(server, tmp_path, wrong, says):
    addresses = serve(server, tmp_path / "set", 1)
    change(addresses, **wrong)
    with pytest.raises(InputError, match="of another version of unskew, or damaged") as told:
        hydrate(addresses, tmp_path / "out")
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert not server.asked
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_agreement_and_page_are_taken_over(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 1)
    said = {
        "agreement": [AGREED, {**AGREED, "value": None, "low": None, "high": None, "reason": "w"}],
        "reviewed": {"reviewers": 2, "records": 9},
        "page": "https://set.example/a_b",
    }
    change(addresses, **said)
    numbers = hydrate(addresses, tmp_path / "out").built.numbers
    built = json.loads(content(tmp_path / "out")["build.json"])
    assert {name: built[name] for name in said} == said
    card = rendered("card.md.jinja", numbers)
    assert "reviewer 1, reviewer 2 | 9 | 0.50 [0.10, 0.80] |" in card
    assert "undefined: w" in card
    assert "Source: `https://set.example/a_b`." in card


def test_what_another_set_says_is_no_markup(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 1)
    bad = "x\n\n# Injected <img src=y> [a](https://b.example)"
    change(
        addresses,
        title=bad,
        about=bad,
        contact=f"a_b@c.example {bad}",
        reviewed={"reviewers": 2, "records": 9},
        agreement=[
            {**AGREED, "measure": bad, "reviewers": [bad], "low": None, "high": None, "reason": bad}
        ],
    )
    hydrate(addresses, tmp_path / "out")
    for name in ("README.md", "DATASHEET.md"):
        text = (tmp_path / "out" / name).read_text().rpartition("\n---\n")[2]
        assert "Injected" in text
        assert "\n# Injected" not in text
        # Only the contact has them as they are, and that is code: to be copied.
        told = [line for line in text.splitlines() if "<img" in line.replace("\\<", "")]
        assert len(told) == 1
        assert "`a_b@c.example x # Injected <img src=y>" in told[0]
