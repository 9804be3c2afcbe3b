"""A page that measures representation in rankings that are pasted as JSON or CSV, or uploaded."""

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
from unskew.hub.representation_skew import RepresentationSkew

INTRODUCTION = """# Representation skew

Who is among the first k that a prompt retrieves? Give the group of each item, and its score for
each prompt, as

* **CSV**: one item a line, its group first, then its score for each prompt: `woman,0.31,0.27`
* **JSON**: `{"groups": ["woman", ...], "scores": [[...], ...]}`, one row of scores for each prompt
* **.npz**: arrays `groups` (n) and `scores` (prompts, n).
"""

EXAMPLE = """woman,0.31,0.22,0.18
woman,0.12,0.41,0.20
woman,0.25,0.15,0.33
woman,0.08,0.28,0.11
man,0.44,0.39,0.36
man,0.38,0.19,0.40
man,0.29,0.35,0.27
man,0.33,0.24,0.13
"""

COLUMNS = ["measure", "value", "low", "high", "under a random ranking"]
MEASURES = {
    "max_skew": "MaxSkew",
    "min_skew": "MinSkew",
    "ndkl": "NDKL",
    "bias_at_k": "Bias",
}


def read_ranking(text: str, upload: str | None) -> dict[str, Any]:
    """``scores`` and ``groups``, from the uploaded .npz if there is one, else from the text."""
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
    groups: list[str] = []
    columns: list[list[float]] = []
    for line, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row:
            continue
        groups.append(row[0].strip())
        try:
            columns.append([float(value) for value in row[1:]])
        except ValueError as error:
            raise InputError(f"line {line} must be a group and numbers: {error}") from error
        if len(columns[-1]) != len(columns[0]):
            raise InputError(
                f"line {line} has {len(columns[-1])} scores but line 1 has {len(columns[0])}: "
                "give one for each prompt"
            )
    return {"groups": groups, "scores": [list(scores) for scores in zip(*columns, strict=True)]}


def compute(
    text: str, upload: str | None, k: int, target: str
) -> tuple[list[list[str]], dict[str, Any]]:
    """Rows of the table, one for each measure and group, and the whole result."""
    try:
        ranking = read_ranking(text, upload)
        unknown = sorted(set(ranking) - {"scores", "groups"})
        if unknown:
            raise InputError(f"expected scores and groups, and found {', '.join(unknown)}")
        result = RepresentationSkew().compute(**ranking, k=k, target=target)
    except (ValueError, RecursionError, csv.Error) as error:
        raise gr.Error(str(error)) from error
    rows = [_row(f"{label}@{result['k']}", name, result) for name, label in MEASURES.items()]
    for group, skew in result["skew"].items():
        chance = result["chance_skew"][group]
        rows.append([f"Skew@{result['k']} of {group}", _shown(skew), "", "", _shown(chance)])
    return rows, result


def _row(label: str, name: str, result: dict[str, Any]) -> list[str]:
    values = (result[key] for key in (name, f"{name}_ci_low", f"{name}_ci_high", f"chance_{name}"))
    return [label, *map(_shown, values)]


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


with gr.Blocks(title="Representation skew") as demo:
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        with gr.Column():
            pasted = gr.Textbox(EXAMPLE, label="Scores and groups (CSV or JSON)", lines=12)
            uploaded = gr.File(label="or an .npz file", file_types=[".npz"], type="filepath")
        with gr.Column():
            first_k = gr.Number(4, label="k", precision=0, minimum=1)
            targets = gr.Radio(["uniform", "pool"], value="uniform", label="target distribution")
            button = gr.Button("Compute", variant="primary")
    table = gr.Dataframe(headers=COLUMNS, label="Averaged over the prompts")
    whole = gr.JSON(label="Result")
    button.click(compute, [pasted, uploaded, first_k, targets], [table, whole], api_name="compute")

if __name__ == "__main__":
    demo.launch()
