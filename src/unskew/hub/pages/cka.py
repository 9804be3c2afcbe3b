"""The page of `Cka`: two feature matrices, and how alike they are."""

from __future__ import annotations

from typing import Any

import gradio as gr

from unskew.hub.cka import Cka
from unskew.hub.pages.given import expect, named_rows
from unskew.hub.pages.page import Page, Told, shown

INTRODUCTION = """# CKA

How alike are two representations of the same examples? Give features X and Y as

* **CSV**: one example a line, its set first, then its features, the examples of X and of Y in the
  same order: `X,0.31,0.27`
* **JSON**: `{"X": [[...], ...], "Y": [[...], ...]}`
* **.npz**: arrays `X` (n, d_x) and `Y` (n, d_y).
"""

EXAMPLE = """X,0.1,1.2
X,1.0,0.3
X,2.1,1.9
X,3.2,1.1
X,3.9,4.8
X,1.4,2.6
Y,2.3,0.2,0.1
Y,0.4,2.2,0.3
Y,3.9,4.1,0.2
Y,2.1,6.3,0.4
Y,9.8,7.9,0.1
Y,5.3,2.7,0.2
"""

_SHOWN = ("cka", "ci_low", "ci_high", "standard_error")


def _answer(features: dict[str, Any], kernel: str, estimator: str) -> Told:
    expect(features, Cka.inputs)
    result = Cka().compute(**features, kernel=kernel, estimator=estimator)
    return [[name, shown(result[name])] for name in _SHOWN], result


def _options() -> list[Any]:
    return [
        gr.Radio(["linear", "rbf"], value="linear", label="kernel"),
        gr.Radio(["unbiased", "biased"], value="unbiased", label="estimator"),
    ]


PAGE = Page(
    title="CKA",
    introduction=INTRODUCTION,
    example=EXAMPLE,
    label="X and Y (CSV or JSON)",
    columns=("measure", "value"),
    caption="CKA",
    from_csv=named_rows,
    answer=_answer,
    options=_options,
)
