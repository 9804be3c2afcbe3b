"""The page: Gradio components around a Desk.

What a browser shows (who looks, at which record, in which state) is kept by the browser, and comes
with every press of a button. So a page that is open goes on when the server has been stopped and
started again, and two pages never mix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from unskew.curate.decisions import Action, reviewer_name
from unskew.curate.review import parts
from unskew.curate.review.desk import Desk
from unskew.errors import InputError
from unskew.stimuli import taxonomy

_BREAK = "\n"
# Straight to the server and back: no place in a queue, no sign of waiting over the picture.
_AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class Page:
    """One page for all browsers. `reviewer`: whose decisions these are; None asks for the name."""

    def __init__(self, desk: Desk, reviewer: str | None) -> None:
        self.desk = desk
        self.reviewer = reviewer
        self.blocks = gr.Blocks(title="unskew review", analytics_enabled=False)
        with self.blocks:
            gr.HTML(parts.NOTE)
            self._memory()
            self._door()
            self.refused = gr.HTML(elem_id="refused")
            with gr.Tabs(visible=reviewer is not None) as self.room:
                with gr.Tab("Review"), gr.Row():
                    with gr.Column(scale=3):
                        self.picture = gr.HTML(elem_id="picture")
                    with gr.Column(scale=2, min_width=440):
                        self._record()
                        self._buttons()
                        gr.HTML(parts.KEYS)
                with gr.Tab("Agreement") as self.second:
                    self.table = gr.HTML(elem_id="agreement")
            self._connect()

    def _memory(self) -> None:
        """What the browser keeps."""
        self.who = gr.Textbox(self.reviewer or "", visible=False)
        self.seen = gr.Textbox("", visible=False)  # the id of the record that is shown
        self.made = gr.Number(0, precision=0, visible=False)

    def _door(self) -> None:
        with gr.Group(visible=self.reviewer is None) as self.door:
            self.name = gr.Textbox(label="Your name, as the log is to keep it", elem_id="name")
            self.begin = gr.Button("Begin", variant="primary", elem_id="begin")

    def _record(self) -> None:
        self.place = gr.HTML(elem_id="place")
        # A field that cannot be written in: it shows a text letter by letter, whatever it holds.
        self.text = gr.Textbox(
            label="Text", interactive=False, lines=3, max_lines=9, elem_id="text"
        )
        self.facts = gr.HTML(elem_id="facts")
        self.progress = gr.HTML(elem_id="progress")

    def _buttons(self) -> None:
        with gr.Row():
            self.keep = gr.Button(
                "Keep (k)", variant="primary", elem_id="keep", min_width=80, size="md"
            )
            self.drop = gr.Button(
                "Drop (d)", variant="stop", elem_id="drop", min_width=80, size="md"
            )
            self.ask = gr.Button("Relabel (r)", elem_id="relabel-button", min_width=80, size="md")
            self.unsure = gr.Button("Unsure (u)", elem_id="unsure", min_width=80, size="md")
        self.label = gr.Dropdown(
            [(f"{s} ({c})", f"{c}{_BREAK}{s}") for c, names in taxonomy().items() for s in names],
            value=None,
            label="Relabel as: write a part of the subgroup's name, then Enter",
            elem_id="label",
        )
        with gr.Row():
            self.back = gr.Button(
                "Previous (\N{LEFTWARDS ARROW})", elem_id="previous", min_width=80, size="md"
            )
            self.undo = gr.Button("Undo (z)", elem_id="undo", min_width=80, size="md")
            self.ahead = gr.Button(
                "Next (\N{RIGHTWARDS ARROW})", elem_id="next", min_width=80, size="md"
            )

    def _connect(self) -> None:
        """Which button asks what."""
        at = [self.who, self.seen, self.made]
        self.screen = screen = [
            *at,
            self.picture,
            self.progress,
            self.place,
            self.text,
            self.facts,
            self.label,
            self.refused,
        ]
        actions: list[tuple[gr.Button, Action]] = [
            (self.keep, "keep"),
            (self.drop, "drop"),
            (self.unsure, "unsure"),
        ]
        for button, action in actions:
            button.click(partial(self._decide, action), at, screen, **_AT_ONCE)
        self.label.input(self._relabel, [*at, self.label], screen, **_AT_ONCE)
        self.ask.click(None, js="() => document.querySelector('#label input').focus()")
        self.undo.click(self._undo, at, screen, **_AT_ONCE)
        self.back.click(partial(self._move, -1), at, screen, **_AT_ONCE)
        self.ahead.click(partial(self._move, 1), at, screen, **_AT_ONCE)
        self.second.select(self._agreement, None, self.table, **_AT_ONCE)
        if self.reviewer is not None:
            self.blocks.load(lambda: self._first(self.reviewer or ""), None, screen, **_AT_ONCE)
        for enter in (self.begin.click, self.name.submit):
            enter(self._enter, self.name, [self.door, self.room, *screen], **_AT_ONCE)

    def _enter(self, name: str) -> list[Any]:
        try:
            reviewer = reviewer_name(name)
        except InputError as error:
            return [*[gr.skip()] * (1 + len(self.screen)), parts.refused(str(error))]
        return [gr.update(visible=False), gr.update(visible=True), *self._first(reviewer)]

    def _first(self, reviewer: str) -> list[Any]:
        return self._screen(reviewer, self.desk.first(reviewer))

    def _move(self, step: int, who: str, seen: str, made: int) -> list[Any]:
        return self._screen(who, self.desk.number(who, seen) + step)

    def _decide(self, action: Action, who: str, seen: str, made: int) -> list[Any]:
        return self._after(lambda: self.desk.decide(who, seen, made, action), who, seen)

    def _relabel(self, who: str, seen: str, made: int, label: str | None) -> list[Any]:
        if not label:  # the field was emptied
            return self._screen(who, self.desk.number(who, seen))
        category, subgroup = label.split(_BREAK)
        relabel = partial(self.desk.decide, who, seen, made, "relabel", (category, subgroup))
        return self._after(relabel, who, seen)

    def _undo(self, who: str, seen: str, made: int) -> list[Any]:
        return self._after(lambda: self.desk.undo(who), who, seen)

    def _after(self, act: Callable[[], int], who: str, seen: str) -> list[Any]:
        """The record that an act leads to; where it is refused, why, and the record as it was."""
        try:
            return self._screen(who, act())
        except InputError as error:
            return self._screen(who, self.desk.number(who, seen), str(error))

    def _screen(self, who: str, number: int, refused: str = "") -> list[Any]:
        view = self.desk.view(who, number)
        folder = self.desk.curation.folder
        return [
            who,
            view.record.id,
            view.made,
            parts.picture(view, folder),
            parts.progress(view, who),
            parts.place(view),
            view.record.text,
            parts.facts(view),
            None,
            parts.refused(refused),
        ]

    def _agreement(self) -> str:
        return parts.agreement(self.desk.agreement())
