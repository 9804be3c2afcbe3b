"""A page that compares two feature matrices that are pasted as JSON or CSV, or uploaded."""

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
from unskew.hub.cka import Cka

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

COLUMNS = ["measure", "value"]
SHOWN = ("cka", "ci_low", "ci_high", "standard_error")


def read_features(text: str, upload: str | None) -> dict[str, Any]:
    """``X`` and ``Y``, from the uploaded .npz if there is one, else from the text."""
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
            features = [float(value) for value in row[1:]]
        except ValueError as error:
            raise InputError(f"line {line} must be a set name and numbers: {error}") from error
        sets.setdefault(row[0].strip(), []).append(features)
    return dict(sets)


def compute(
    text: str, upload: str | None, kernel: str, estimator: str
) -> tuple[list[list[str]], dict[str, Any]]:
    """Rows of the table, and the whole result."""
    try:
        features = read_features(text, upload)
        unknown = sorted(set(features) - {"X", "Y"})
        if unknown:
            raise InputError(f"expected X and Y, and found {', '.join(unknown)}")
        result = Cka().compute(**features, kernel=kernel, estimator=estimator)
    except (ValueError, RecursionError, csv.Error) as error:
        raise gr.Error(str(error)) from error
    return [[name, _shown(result[name])] for name in SHOWN], result


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


with gr.Blocks(title="CKA") as demo:
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        with gr.Column():
            pasted = gr.Textbox(EXAMPLE, label="X and Y (CSV or JSON)", lines=14)
            uploaded = gr.File(label="or an .npz file", file_types=[".npz"], type="filepath")
        with gr.Column():
            kernels = gr.Radio(["linear", "rbf"], value="linear", label="kernel")
            estimators = gr.Radio(["unbiased", "biased"], value="unbiased", label="estimator")
            button = gr.Button("Compute", variant="primary")
    table = gr.Dataframe(headers=COLUMNS, label="CKA")
    whole = gr.JSON(label="Result")
    button.click(
        compute, [pasted, uploaded, kernels, estimators], [table, whole], api_name="compute"
    )

if __name__ == "__main__":
    demo.launch()
