"""How the page of a metric is laid out: what is given on the left, options on the right."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import gradio as gr

from unskew.hub.pages.given import FILE_BYTES, Lines, read_given

Told: TypeAlias = tuple[list[list[Any]], dict[str, Any]]
"""Rows of the table, and the whole result."""


@dataclass(frozen=True)
class Page:
    """One metric's page.

    Attributes:
        introduction: Markdown, which says what can be given.
        example: a text that can be given.
        label: of the field for it.
        columns: of the table with the result.
        caption: of that table.
        from_csv: makes inputs by name of the lines of a CSV text.
        answer: called with the inputs by name and the options' values.
        options: makes the fields of the options.
    """

    title: str
    introduction: str
    example: str
    label: str
    columns: tuple[str, ...]
    caption: str
    from_csv: Callable[[Lines], dict[str, Any]]
    answer: Callable[..., Told]
    options: Callable[[], Sequence[Any]] = tuple

    def compute(self, text: str, upload: str | None, *options: Any) -> Told:
        """What the button does. Raises gr.Error, which the page shows, for what cannot be used."""
        try:
            return self.answer(read_given(text, upload, self.from_csv), *options)
        except (ValueError, RecursionError, csv.Error) as error:
            raise gr.Error(str(error)) from error

    def blocks(self) -> gr.Blocks:
        """The page."""
        with gr.Blocks(title=self.title) as page:
            gr.Markdown(self.introduction)
            with gr.Row():
                with gr.Column():
                    pasted = gr.Textbox(self.example, label=self.label, lines=12, max_lines=24)
                    uploaded = gr.File(
                        label="or an .npz file", file_types=[".npz"], type="filepath"
                    )
                with gr.Column():
                    options = self.options()
                    button = gr.Button("Compute", variant="primary")
            table = gr.Dataframe(headers=list(self.columns), label=self.caption)
            whole = gr.JSON(label="Result")
            inputs = [pasted, uploaded, *options]
            button.click(self.compute, inputs, [table, whole], api_name="compute")
        return page


def launch(page: gr.Blocks, **options: Any) -> Any:
    """Start the server of a Space, which takes no file larger than the limit."""
    return page.launch(max_file_size=FILE_BYTES, **options)


def shown(value: float | None) -> str:
    """A number for the table."""
    return "" if value is None else f"{value:.4f}"
