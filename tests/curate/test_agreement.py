"""Agreement of reviewers, against worked examples of the papers and against other code."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from unskew.curate.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha
from unskew.curate.decisions import Decision, standing

# Fleiss (1971), Table 1: 30 people, each diagnosed by 6 psychiatrists; one digit per diagnosis.
FLEISS_1971 = [
    *("444444", "222555", "233335", "555555", "222444", "113333", "333355", "113334", "114444"),
    *("555555", "144444", "124444", "222333", "144444", "224445", "333335", "111455", "111112"),
    *("224444", "133555", "555555", "244444", "224555", "114444", "144445", "222224", "111155"),
    *("224444", "133333", "555555"),
]

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", examples A to C: one string per
# reviewer, a character per item, "." where the rating is missing.
KRIPPENDORFF_2011 = [
    (("0100000010", "1110010000"), 10, 0.095),
    (("aabbdcccedda", "babbbccceddd"), 12, 0.692),
    (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 11, 0.743),
]


def columns(*reviewers):
    """One string per reviewer -> a row per item."""
    rows = zip(*reviewers, strict=True)
    return [[None if label == "." else label for label in row] for row in rows]


def test_cohen_1968():
    """Table 1, 200 cases; its standard error is 0.0510 (Fleiss, Cohen and Everitt, 1969)."""
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    rows = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    found = cohen_kappa(rows, ("a", "b"))
    assert (found.items, round(found.value, 3)) == (200, 0.492)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.0510, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_cohen_as_scikit_learn_has_it(seed):
    random = np.random.default_rng(seed)
    first = random.integers(4, size=60)
    second = np.where(random.random(60) < 0.6, first, random.integers(4, size=60))
    rows = [(int(a), int(b)) for a, b in zip(first, second, strict=True)]
    missing = [(None, 1), (2, None), (None, None)]
    assert cohen_kappa(rows + missing).value == pytest.approx(cohen_kappa_score(first, second))


def test_fleiss_1971():
    found = fleiss_kappa([list(row) for row in FLEISS_1971], ("reviewers",))
    assert (found.items, round(found.value, 3)) == (30, 0.430)
    assert found.low < 0.43 < found.high


def test_fleiss_of_rows_with_missing_cells_is_that_of_the_rest():
    rows = [list(row) for row in FLEISS_1971]
    assert fleiss_kappa([*rows, [None, *rows[0][1:]]]) == fleiss_kappa(rows)


@pytest.mark.parametrize(("reviewers", "items", "alpha"), KRIPPENDORFF_2011)
def test_krippendorff_2011(reviewers, items, alpha):
    found = krippendorff_alpha(columns(*reviewers))
    assert (found.items, round(found.value, 3)) == (items, alpha)
    assert found.low < alpha < found.high


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, krippendorff_alpha])
def test_undefined_says_why(coefficient):
    for rows, reason in [
        ([], "no item that"),
        ([("keep", None), (None, "keep")], "no item that"),
        ([("keep", "keep")] * 5, "only one label was given"),
    ]:
        found = coefficient(rows)
        assert math.isnan(found.value)
        assert math.isnan(found.low)
        assert reason in found.reason


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, krippendorff_alpha])
def test_full_agreement_is_1_without_an_interval(coefficient):
    found = coefficient([("keep", "keep"), ("drop", "drop"), ("keep", "keep")])
    assert found.value == pytest.approx(1)
    assert math.isnan(found.low)
    assert "nobody disagrees" in found.reason


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, krippendorff_alpha])
def test_one_item_and_items_all_alike_have_no_interval(coefficient):
    """An interval from 0.00 to 0.00 would claim certainty of one record."""
    for rows in ([("keep", "drop")], [("keep", "drop")] * 9):
        found = coefficient(rows)
        assert found.value <= 0.5
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert "every resample would say the same" in found.reason


def test_chance_agreement_is_nought_and_intervals_cover_it():
    """60 pairs of reviewers who draw lots, 80 items each: some 95 % of the intervals hold 0."""
    random = np.random.default_rng(0)
    held = dict.fromkeys(("cohen", "fleiss", "krippendorff"), 0)
    for _ in range(60):
        rows = random.choice(3, size=(80, 2), p=[0.6, 0.3, 0.1]).tolist()
        for coefficient in (cohen_kappa, fleiss_kappa, krippendorff_alpha):
            found = coefficient(rows)
            held[found.measure] += found.low <= 0 <= found.high
    assert all(53 <= count <= 60 for count in held.values()), held


def test_agreement_of_standing_decisions():
    """Labels of relabels count; every pair, then all; one reviewer agrees with nobody."""
    said = {
        "ana": ["keep", "drop", "religion/Muslim", "religion/Muslim", "keep"],
        "ben": ["keep", "drop", "religion/Jewish", "religion/Muslim", None],
        "cem": ["drop", None, "religion/Muslim", "keep", "keep"],
    }
    decisions = []
    for reviewer, labels in said.items():
        for number, label in enumerate(labels):
            if label is not None:
                action, *parts = ("relabel", *label.split("/")) if "/" in label else (label,)
                decisions.append(Decision(f"r{number}", reviewer, action, "", *parts))
    found = agreement(standing(decisions))
    assert [(a.measure, a.reviewers, a.items) for a in found] == [
        ("cohen", ("ana", "ben"), 4),
        ("cohen", ("ana", "cem"), 4),
        ("cohen", ("ben", "cem"), 3),
        ("fleiss", ("ana", "ben", "cem"), 3),
        ("krippendorff", ("ana", "ben", "cem"), 5),
    ]
    labels = [(a, b) for a, b in zip(said["ana"], said["ben"], strict=True) if b]
    assert found[0].value == pytest.approx(cohen_kappa_score(*zip(*labels, strict=True)))
    assert found[0].name == "Cohen's kappa"
    assert agreement(standing(decisions)) == found  # the draws are seeded
    assert agreement(standing([d for d in decisions if d.reviewer == "ana"])) == ()
