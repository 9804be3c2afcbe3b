"""The page of `GroupFairness`: predictions, and how well each group does."""

from __future__ import annotations

from typing import Any

from unskew.errors import InputError
from unskew.hub.group_fairness import GroupFairness
from unskew.hub.pages.given import Lines, expect
from unskew.hub.pages.page import Page, Told, shown

INTRODUCTION = """# Group fairness

How well does a classifier do by each group of target and sensitive attribute? Give what it
predicted, the true class and the sensitive attribute of each example, as

* **CSV**: one example a line, `prediction,reference,group`: `blond,blond,female`
* **JSON**: `{"predictions": [...], "references": [...], "groups": [...]}`
* **.npz**: arrays `predictions`, `references` and `groups`, (n) each.
"""

EXAMPLE = "\n".join(
    ["blond,blond,female"] * 18
    + ["dark,blond,female"] * 2
    + ["blond,blond,male"] * 4
    + ["dark,blond,male"] * 6
    + ["dark,dark,female"] * 15
    + ["blond,dark,female"] * 3
    + ["dark,dark,male"] * 20
)

INPUTS = ("predictions", "references", "groups")
_MEASURES = {
    "unbiased_accuracy": "unbiased accuracy",
    "worst_group_accuracy": "worst-group accuracy",
    "group_std": "group STD",
    "equalized_odds_difference": "equalised-odds gap",
    "demographic_parity_difference": "demographic-parity gap",
}


def _from_csv(lines: Lines) -> dict[str, Any]:
    rows: list[list[str]] = []
    for line, row in lines:
        if len(row) != 3:
            raise InputError(f"line {line} must be prediction,reference,group: {','.join(row)}")
        rows.append([label.strip() for label in row])
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    return {name: list(labels) for name, labels in zip(INPUTS, columns, strict=True)}


def _answer(labels: dict[str, Any]) -> Told:
    expect(labels, INPUTS)
    result = GroupFairness().compute(**labels)
    rows = [
        [label, *(shown(result[name + end]) for end in ("", "_ci_low", "_ci_high")), ""]
        for name, label in _MEASURES.items()
    ]
    for group in result["per_group"]:
        values = (shown(group[name]) for name in ("accuracy", "ci_low", "ci_high"))
        name = f"accuracy of {group['target']}, {group['attribute']}"
        rows.append([name, *values, str(group["n"])])
    return rows, result


PAGE = Page(
    title="Group fairness",
    introduction=INTRODUCTION,
    example=EXAMPLE,
    label="Predictions (CSV or JSON)",
    columns=("measure", "value", "low", "high", "n"),
    caption="With 95 % intervals",
    from_csv=_from_csv,
    answer=_answer,
)
