"""Ages as age groups."""

import pytest

from unskew.corpora.ages import AGE_GROUPS, age_groups


@pytest.mark.parametrize(
    ("label", "group"),
    [
        ("0", "0-29"),
        ("29", "0-29"),
        ("29.5", "0-29"),
        ("30", "30-59"),
        ("30.0", "30-59"),
        ("59", "30-59"),
        ("60", "60+"),
        ("116", "60+"),
        ("50 to 59 years", "30-59"),
        ("more than 70", "60+"),
        ("70+", "60+"),
        ("over 65", "60+"),
        ("<30", "0-29"),
        ("under 18", "0-29"),
        ("age 40–49", "30-59"),
        ("Age 7", "0-29"),
        ("8 years old", "0-29"),
        ("60 +", "60+"),
        ("≥60", "60+"),
        (">59", "60+"),
        ("less than 30", "0-29"),
        ("More than 70", "60+"),
        ("31 - 35", "30-59"),
    ],
)
def test_years_and_bins(label, group):
    assert age_groups([label]).tolist() == [group]


@pytest.mark.parametrize("label", ["25-34", "20-30", "18+", "<60", "over 30", "≥18", ">29", "<31"])
def test_what_lies_in_no_one_group_has_none(label):
    assert age_groups([label]).tolist() == [None]


@pytest.mark.parametrize(
    "label",
    [
        *("unknown", "", None, "at least 18", "18 and up", "≤65", "up to 65", "65 or younger"),
        *(
            "1960s",
            "1960",
            "30s",
            "not 25",
            "20-29-39",
            "29-20",
            "-5",
            "older than 70",
            "<0",
            "3/4",
        ),
    ],
)
def test_other_wordings_have_none(label):
    assert age_groups([label]).tolist() == [None]


def test_the_nine_bins_of_fairface_and_the_groups_themselves():
    bins = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"]
    groups = age_groups(bins)
    assert groups.tolist() == ["0-29"] * 4 + ["30-59"] * 3 + ["60+"] * 2
    assert age_groups(AGE_GROUPS).tolist() == list(AGE_GROUPS)
    assert age_groups([]).shape == (0,)
