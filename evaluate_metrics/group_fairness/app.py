"""A page that measures group fairness of predictions pasted as CSV or JSON, or uploaded."""

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
from unskew.hub.group_fairness import GroupFairness

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

COLUMNS = ["measure", "value", "low", "high", "n"]
MEASURES = {
    "unbiased_accuracy": "unbiased accuracy",
    "worst_group_accuracy": "worst-group accuracy",
    "group_std": "group STD",
    "equalized_odds_difference": "equalised-odds gap",
    "demographic_parity_difference": "demographic-parity gap",
}
INPUTS = ("predictions", "references", "groups")


def read_labels(text: str, upload: str | None) -> dict[str, Any]:
    """The three inputs, from the uploaded .npz if there is one, else from the text."""
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
    rows: list[list[str]] = []
    for line, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row:
            continue
        if len(row) != 3:
            raise InputError(f"line {line} must be prediction,reference,group: {','.join(row)}")
        rows.append([label.strip() for label in row])
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    return {name: list(labels) for name, labels in zip(INPUTS, columns, strict=True)}


def compute(text: str, upload: str | None) -> tuple[list[list[str]], dict[str, Any]]:
    """Rows of the table, one for each measure and group, and the whole result."""
    try:
        labels = read_labels(text, upload)
        unknown = sorted(set(labels) - set(INPUTS))
        if unknown:
            raise InputError(f"expected {', '.join(INPUTS)}, and found {', '.join(unknown)}")
        result = GroupFairness().compute(**labels)
    except (ValueError, RecursionError, csv.Error) as error:
        raise gr.Error(str(error)) from error
    rows = [
        [label, *(_shown(result[name + end]) for end in ("", "_ci_low", "_ci_high")), ""]
        for name, label in MEASURES.items()
    ]
    for group in result["per_group"]:
        numbers = (_shown(group[name]) for name in ("accuracy", "ci_low", "ci_high"))
        name = f"accuracy of {group['target']}, {group['attribute']}"
        rows.append([name, *numbers, str(group["n"])])
    return rows, result


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


with gr.Blocks(title="Group fairness") as demo:
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        pasted = gr.Textbox(EXAMPLE, label="Predictions (CSV or JSON)", lines=12, max_lines=24)
        with gr.Column():
            uploaded = gr.File(label="or an .npz file", file_types=[".npz"], type="filepath")
            button = gr.Button("Compute", variant="primary")
    table = gr.Dataframe(headers=COLUMNS, label="With 95 % intervals")
    whole = gr.JSON(label="Result")
    button.click(compute, [pasted, uploaded], [table, whole], api_name="compute")

if __name__ == "__main__":
    demo.launch()
