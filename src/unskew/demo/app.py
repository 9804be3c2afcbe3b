"""The page: what is on it, and which answer each part of it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from unskew.audit import AuditReport
from unskew.demo.answers import PROGRESS, Answers
from unskew.demo.bench import STIMULI, Bench
from unskew.demo.limits import LIMITS, Limits
from unskew.demo.models import DEBIASED, Models
from unskew.demo.receive import upload_field, upload_routes
from unskew.demo.shelf import Shelf
from unskew.demo.show import said
from unskew.demo.visitor import OWN, SOURCES
from unskew.demo.visits import Heartbeats, Visits, folder_state, remove
from unskew.encoders.fetching import BUILT_IN
from unskew.stimuli import load_stimuli

TITLE = "unskew: bias explorer"
INTRODUCTION = """
<h1>Bias explorer</h1>
<p>Does a vision-language model place one group of people closer to pleasant words than another?
Choose pictures, a model and words; see the differences, how sure they are, and what debiasing
changes. Made with <code>unskew</code>, which measures the same on whole data sets.</p>
<p class="unskew-note" role="note"><strong>Content note.</strong> The words asked about include
insults and prejudice about religion, nationality, disability, sexuality, gender and age: they are
there because models learnt them. Labels of the built-in faces are how crowd workers perceived a
photograph. What is shown is about a model and never about the people in a picture.</p>
"""
SAFE_HANDLING = """
<p>JPEG, PNG or WebP; up to {files} pictures a group, {mega} MB each; 4 or more in each of two
groups for an audit. Pictures stay in this server's memory, smaller and without the camera's notes;
they are never written to its disk, and are forgotten, as is all that was found out about them, when
you say so, soon after you close the page, or {minutes} minutes after you last asked for something.
Hand in only pictures that you may use, and of people who would not mind.</p>
"""
TEXTS = "a photo of a kind person\na photo of a dangerous person\na photo of a doctor"
_NO_CHOICE = gr.update(choices=[], value=None, visible=False)
_NO_FILES = gr.update(value=None, visible=False)
_NAMES = ("first group", "second group", "", "")
_HEAVY: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
_QUICK: dict[str, Any] = {"concurrency_id": "quick", "concurrency_limit": 4}
_HIDDEN: dict[str, Any] = {"api_visibility": "undocumented"}


class App:
    """The parts of the page that several events share.

    ``_empty``: what shows something of a visitor's, and how it is when there is nothing.
    """

    def __init__(self, models: Sequence[str], limits: Limits = LIMITS) -> None:
        self.models = Models(models)
        self.bench = Bench(self.models)
        self.shelf = Shelf(limits)
        self.limits = limits
        self._answers = Answers(self.bench, limits)
        self._empty: dict[Any, Any] = {}
        self.page = self._build()

    def _build(self) -> gr.Blocks:
        # For what a visitor left behind who had to make room for others: see `Limits.sessions`.
        sweep = (60, int(self.limits.keep))
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=sweep) as page:
            gr.HTML(INTRODUCTION)
            self._pictures()
            with gr.Tabs():
                with gr.Tab("Audit"):
                    self._audit()
                with gr.Tab("Before and after"):
                    self._beside()
                with gr.Tab("Similarities"):
                    self._similarities()
                with gr.Tab("Layers"):
                    self._layers()
            outputs = list(self._empty)
            self._forgetting.click(self._forget, None, outputs, api_name="forget", **_QUICK)
            self.visits = Visits(page, self.limits)
            page.load(js=template("keys.js"))
        # Not `api_open`: a request would step past the queue.
        page.queue(max_size=self.limits.queue, default_concurrency_limit=1, api_open=False)
        return page

    def _pictures(self) -> None:
        """Which pictures: built-in ones, or up to four groups of the visitor's own."""
        answers = self._answers
        self._source = gr.Radio(
            [
                ("Faces (540 photographs, FairFace)", "faces"),
                ("Emoji (324 drawings, Noto)", "emoji"),
                ("My own pictures", OWN),
            ],
            value=SOURCES[0],
            label="Pictures",
        )
        preview, _ = answers.preview(SOURCES[0])
        strip = gr.HTML(preview)
        self._state = gr.State(None)
        self._names: list[gr.Textbox] = []
        with gr.Column(visible=False) as own:
            about = {
                "files": self.limits.files,
                "mega": self.limits.file_bytes // 2**20,
                "minutes": round(self.limits.keep / 60),
            }
            gr.HTML(SAFE_HANDLING.format(**about), padding=True)
            with gr.Row():
                for group, name in enumerate(_NAMES[: self.limits.groups]):
                    with gr.Column(min_width=200):
                        self._group(group, name)
            self._forgetting = gr.Button("Forget my pictures and results")
        self._source.change(
            answers.preview,
            self._source,
            [strip, own],
            **_HIDDEN,
            show_progress="hidden",
            **_QUICK,
        )

    async def _forget(self, request: gr.Request) -> list[Any]:
        """Keep nothing of this visitor's, here or on the page."""
        self.visits.forget(request)
        return list(self._empty.values())

    def _group(self, group: int, name: str) -> None:
        number = group + 1
        self._names.append(
            gr.Textbox(
                name, label=f"Name of group {number}", max_length=self.limits.name, max_lines=1
            )
        )
        field = upload_field(self.shelf, label=f"Add pictures to group {number}", height=160)
        held = gr.HTML(padding=True)
        field.upload(
            partial(self._answers.hand_in, group),
            [field, self._state],
            [held, self._state, field],
            api_name=f"hand_in_{number}",
            concurrency_id="look",
            concurrency_limit=2,
        )
        self._empty[held] = said("Your pictures and results are forgotten.")

    def _model(self, label: str, value: str = BUILT_IN) -> gr.Dropdown:
        return gr.Dropdown(
            list(self.models.names), value=value, label=label, filterable=False, min_width=300
        )

    def _stimuli(self) -> gr.CheckboxGroup:
        offered = [(load_stimuli(name).title, name) for name in STIMULI]
        label = "Words and pictures to ask about"
        return gr.CheckboxGroup(offered, value=["mmbias"], label=label, min_width=300)

    def _audit(self) -> None:
        with gr.Row():
            model = self._model("Model")
            stimuli = self._stimuli()
        run = gr.Button("Run the audit", variant="primary")
        inputs = [self._source, model, stimuli, self._state, *self._names]
        self._report(run, inputs, self._answers.audit, self._answers.closely)

    def _beside(self) -> None:
        after = DEBIASED if DEBIASED in self.models.names else self.models.names[-1]
        with gr.Row():
            first = self._model("Model before")
            second = self._model("Model after", after)
            stimuli = self._stimuli()
        run = gr.Button("Compare the two models", variant="primary")
        inputs = [self._source, first, second, stimuli, self._state, *self._names]
        self._report(run, inputs, self._answers.beside, self._answers.changed)

    def _report(
        self, run: gr.Button, inputs: list[Any], ask: Callable[..., Any], look: Callable[..., Any]
    ) -> None:
        """What stands below a button that makes a report: summary, a closer look, the files."""
        told = gr.HTML()
        choice = gr.Dropdown([], label="Look closely at", visible=False, filterable=False)
        closely = gr.HTML()
        report, folder = gr.State(None), folder_state()
        outputs = [told, report, choice, closely]
        run.click(ask, inputs, outputs, api_name=ask.__name__, **_HEAVY)
        choice.input(look, [report, choice], closely, **_HIDDEN, **_HEAVY)
        prepare = gr.Button("Prepare the report for download")
        note = gr.HTML()
        files = gr.File(label="The report", visible=False, interactive=False)
        outputs = [note, files, folder]
        prepare.click(
            self._download, [report, folder], outputs, api_name="download", **_HIDDEN, **_HEAVY
        )
        self._empty |= {told: "", choice: _NO_CHOICE, closely: "", note: "", files: _NO_FILES}

    def _download(
        self,
        report: AuditReport | None,
        earlier: str | None,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[Any, ...]:
        """The report as files, unless this visitor is forgotten while they are drawn."""
        asked = self.visits.kept(request)
        note, files, folder = self._answers.download(report, earlier, progress)
        if self.visits.kept(request) is not asked:
            remove(folder)  # nobody would know of it any more
            return "", _NO_FILES, None
        return note, files, folder

    def _similarities(self) -> None:
        model = self._model("Model")
        texts = gr.Textbox(
            TEXTS, lines=4, label=f"Texts, one on a line, {self.limits.texts} at most"
        )
        run = gr.Button("Compare pictures and texts", variant="primary")
        told = gr.HTML()
        inputs = [self._source, model, texts, self._state, *self._names]
        run.click(self._answers.similarities, inputs, told, api_name="similarities", **_HEAVY)
        self._empty[told] = ""

    def _layers(self) -> None:
        with gr.Row():
            first = self._model("First model")
            second = self._model("Second model")
        run = gr.Button("Compare the layers", variant="primary")
        told = gr.HTML()
        inputs = [first, second, self._source]
        run.click(self._answers.cka, inputs, told, api_name="layers", **_HEAVY)


def theme() -> gr.themes.Base:
    """Fonts of the visitor's own machine, and colours of enough contrast, by day and by night."""
    accent, soft, soft_dark = "#4b2c83", "#5c5966", "#c9c6d1"
    return gr.themes.Default(
        primary_hue=gr.themes.colors.purple,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_text_color_subdued=soft,
        body_text_color_subdued_dark=soft_dark,
        block_label_text_color=soft,
        block_label_text_color_dark=soft_dark,
        block_title_text_color=soft,
        block_title_text_color_dark=soft_dark,
        button_primary_background_fill=accent,
        button_primary_background_fill_dark=accent,
        button_primary_background_fill_hover="#35206b",
        button_primary_background_fill_hover_dark="#35206b",
    )


def style() -> str:
    """The page's own rules of style."""
    return template("style.css")


def template(name: str) -> str:
    """The text of a file of the page's."""
    return (files("unskew.demo") / "templates" / name).read_text(encoding="utf-8")


def launch_options(app: App) -> dict[str, Any]:
    """What `gr.Blocks.launch` must be given for the limits to hold."""
    return {
        "app_kwargs": {
            "routes": upload_routes(app.shelf, app.limits),
            "lifespan": app.visits.lifespan,
            "middleware": [Middleware(Heartbeats, visits=app.visits)],
        },
        "css": style(),
        "theme": theme(),
        "max_file_size": app.limits.file_bytes,
        "state_session_capacity": app.limits.sessions,
        "share": False,
        "ssr_mode": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "footer_links": ["api", "gradio"],
    }
