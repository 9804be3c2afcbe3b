"""The page of `WeatBias`: embeddings, and which targets lie closer to which attributes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from unskew.hub.pages.given import named_rows
from unskew.hub.pages.page import Page, Told
from unskew.hub.weat_bias import WeatBias

INTRODUCTION = """# WEAT bias

Is the target set X closer to the attribute set A, and further from B, than Y is? Give embeddings
of one model as

* **JSON**: `{"X": [[...], ...], "Y": [...], "A": [...], "B": [...]}`
* **CSV**: one embedding a line, the name of its set first: `X,0.12,-0.40,...`
* **.npz**: one array for each set.

Sets with other names than X and Y are compared in pairs. A and B are always the attributes.
"""

EXAMPLE = """X,0.9,0.1,0.2
X,0.8,0.3,0.1
X,0.7,0.2,0.4
Y,0.2,0.8,0.3
Y,0.1,0.9,0.1
Y,0.5,0.6,0.2
A,1.0,0.0,0.0
A,0.9,0.2,0.1
B,0.0,1.0,0.0
B,0.1,0.9,0.2
"""

_TARGETS = {"X", "Y"}
_ATTRIBUTES = {"A", "B"}


def _answer(sets: dict[str, Any], ddof: int, alternative: str, permutations: int) -> Told:
    options = {"ddof": ddof, "alternative": alternative, "permutations": permutations}
    attributes = {name: rows for name, rows in sets.items() if name in _ATTRIBUTES}
    targets = {name: rows for name, rows in sets.items() if name not in _ATTRIBUTES}
    if set(targets) == _TARGETS:
        result = WeatBias().compute(**targets, **attributes, **options)
        pairs = [{"subgroup_a": "X", "subgroup_b": "Y", "p_holm": None, **result}]
    else:
        result = WeatBias().compute(subgroups=targets, **attributes, **options)
        pairs = result["pairs"]
    return [_row(pair) for pair in pairs], result


def _row(pair: dict[str, Any]) -> list[Any]:
    names = ("effect_size", "ci_low", "ci_high", "p_value", "p_holm")
    values = ["" if pair[name] is None else f"{pair[name]:.4g}" for name in names]
    return [pair["subgroup_a"], pair["subgroup_b"], *values, f"{pair['n_x']} and {pair['n_y']}"]


def _options() -> list[Any]:
    sides = ["greater", "less", "two-sided"]
    return [
        gr.Radio([1, 0], value=1, label="ddof of the standard deviation"),
        gr.Radio(sides, value="two-sided", label="alternative"),
        gr.Number(10_000, label="permutations", precision=0, minimum=1, maximum=100_000),
    ]


PAGE = Page(
    title="WEAT bias",
    introduction=INTRODUCTION,
    example=EXAMPLE,
    label="Embeddings (JSON or CSV)",
    columns=("closer to A", "than", "effect size d", "low", "high", "p", "p (Holm)", "sizes"),
    caption="A negative d: the first is closer to B",
    from_csv=named_rows,
    answer=_answer,
    options=_options,
)
