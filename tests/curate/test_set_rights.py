"""Which licences allow an image to be passed on."""

import pytest
from test_hydrate import entry

from unskew.curate.sets.rights import chosen_mode, left_out, licence
from unskew.curate.sets.split import parse_shares
from unskew.errors import InputError

ADDRESS = "https://web.example/1.jpg"


@pytest.mark.parametrize(
    ("name", "redistributable", "condition"),
    [
        ("CC0-1.0", True, ""),
        ("LicenseRef-public-domain", True, ""),
        ("CC-BY-4.0", True, "credit"),
        ("CC-BY-SA-2.5", True, "credit, changed copies under the same licence"),
        ("CC-BY-NC-ND-3.0", True, "credit, not commercially, unchanged"),
        ("LicenseRef-Unsplash", False, ""),
        ("LicenseRef-all-rights-reserved", False, ""),
        ("LicenseRef-unknown", False, ""),
        ("CC-BY-4.0-ish", False, ""),
        ("", False, ""),
    ],
)
def test_licences(name, redistributable, condition):
    found = licence(name)
    assert (found.redistributable, found.condition) == (redistributable, condition)


def test_modes():
    free = entry(ADDRESS, b"a", licence="CC-BY-4.0")
    unknown = entry(ADDRESS, b"a", licence="LicenseRef-unknown")
    local = entry("folder/1.jpg", b"a", licence="CC-BY-4.0", page=None)
    known_by_address = entry(ADDRESS, None)
    assert left_out(free, "images") is None
    assert "does not allow" in left_out(unknown, "images")
    assert "wants a credit" in left_out(local, "images")
    assert left_out(known_by_address, "images") == "without an image"
    fixed, changed = (
        entry(ADDRESS, b"a", licence="CC-BY-NC-ND-4.0", original=original)
        for original in (None, "0" * 64)
    )
    assert left_out(fixed, "images") is None
    assert "allows no changed copy" in left_out(changed, "images")
    assert left_out(changed, "private") is None
    assert [left_out(e, "urls-only") for e in (free, unknown, known_by_address)] == [None] * 3
    assert left_out(local, "urls-only") == "without a web address"
    assert [left_out(e, "private") for e in (free, unknown, local)] == [None] * 3
    assert left_out(known_by_address, "private") == "without an image"


def test_one_mode_at_a_time():
    assert chosen_mode(False, False) == "images"
    assert chosen_mode(True, False) == "urls-only"
    assert chosen_mode(False, True) == "private"
    with pytest.raises(InputError, match="one of the two"):
        chosen_mode(True, True)


def test_shares():
    assert parse_shares("6:1:3") == (6, 1, 3)
    for wrong in ("6:1", "a:b:c", "0:0:0", "1:-1:1", "²:1:1", ""):
        with pytest.raises(InputError, match="train:validation:test"):
            parse_shares(wrong)
