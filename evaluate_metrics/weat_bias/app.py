"""A page that computes the WEAT of embeddings that are pasted as JSON or CSV, or uploaded."""

import csv
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from unskew.errors import InputError
from unskew.hub.weat_bias import WeatBias

TARGETS = {"X", "Y"}
ATTRIBUTES = {"A", "B"}

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

COLUMNS = ["closer to A", "than", "effect size d", "low", "high", "p", "p (Holm)", "sizes"]


def read_sets(text: str, upload: str | None) -> dict[str, Any]:
    """Name to embeddings, from the uploaded .npz if there is one, else from the text."""
    if upload:
        if Path(upload).suffix != ".npz":
            raise InputError(f"{Path(upload).name} is not an .npz file: save it with numpy.savez")
        try:
            with zipfile.ZipFile(upload), np.load(upload, allow_pickle=False) as arrays:
                return dict(arrays)
        except (EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{Path(upload).name} is damaged or no .npz file: {error}") from error
    if text.lstrip().startswith("{"):
        return json.loads(text)
    sets: dict[str, list[list[float]]] = {}
    for line, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row:
            continue
        try:
            sets.setdefault(row[0].strip(), []).append([float(value) for value in row[1:]])
        except ValueError as error:
            raise InputError(f"line {line} must be a set name and numbers: {error}") from error
    return sets


def compute(
    text: str, upload: str | None, ddof: int, alternative: str, permutations: int
) -> tuple[list[list[Any]], dict[str, Any]]:
    """Rows of the table, one for each comparison, and the whole result."""
    options = {"ddof": ddof, "alternative": alternative, "permutations": permutations}
    try:
        sets = read_sets(text, upload)
        attributes = {name: rows for name, rows in sets.items() if name in ATTRIBUTES}
        targets = {name: rows for name, rows in sets.items() if name not in ATTRIBUTES}
        if set(targets) == TARGETS:
            result = WeatBias().compute(**targets, **attributes, **options)
            pairs = [{"subgroup_a": "X", "subgroup_b": "Y", "p_holm": None, **result}]
        else:
            result = WeatBias().compute(subgroups=targets, **attributes, **options)
            pairs = result["pairs"]
    except (ValueError, RecursionError, csv.Error) as error:
        raise gr.Error(str(error)) from error
    return [_row(pair) for pair in pairs], result


def _row(pair: dict[str, Any]) -> list[Any]:
    numbers = ("effect_size", "ci_low", "ci_high", "p_value", "p_holm")
    shown = ["" if pair[name] is None else f"{pair[name]:.4g}" for name in numbers]
    return [pair["subgroup_a"], pair["subgroup_b"], *shown, f"{pair['n_x']} and {pair['n_y']}"]


with gr.Blocks(title="WEAT bias") as demo:
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        with gr.Column():
            pasted = gr.Textbox(EXAMPLE, label="Embeddings (JSON or CSV)", lines=12)
            uploaded = gr.File(label="or an .npz file", file_types=[".npz"], type="filepath")
        with gr.Column():
            ddofs = gr.Radio([1, 0], value=1, label="ddof of the standard deviation")
            sides = gr.Radio(
                ["greater", "less", "two-sided"], value="two-sided", label="alternative"
            )
            draws = gr.Number(10_000, label="permutations", precision=0, minimum=1, maximum=100_000)
            button = gr.Button("Compute", variant="primary")
    table = gr.Dataframe(headers=COLUMNS, label="A negative d: the first is closer to B")
    whole = gr.JSON(label="Result")
    button.click(
        compute, [pasted, uploaded, ddofs, sides, draws], [table, whole], api_name="compute"
    )

if __name__ == "__main__":
    demo.launch()
