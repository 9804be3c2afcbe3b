"""What happens on each press of a button: choices in, HTML and state out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import gradio as gr
from gradio.utils import get_upload_folder

from unskew.audit import AuditReport
from unskew.audit.blocks import Paragraph
from unskew.corpora import BUILTIN, load_images
from unskew.demo import telling
from unskew.demo.bench import Bench
from unskew.demo.check import Refused, readable
from unskew.demo.limits import Limits
from unskew.demo.shelf import Upload
from unskew.demo.show import Alert, Shown, Strip, alert, said, table_of, to_fragment
from unskew.demo.visitor import OWN, Pictures, image_set, spread, thumbnails
from unskew.demo.visits import remove
from unskew.errors import InputError, UnskewError

Handler = TypeVar("Handler", bound=Callable[..., Any])
PROGRESS = gr.Progress(track_tqdm=True)
"""Tells gradio where an event wants its progress bar: before the names, which are the rest."""
_STRIP = 12
_COMPARED = 8
"""Pictures of a set that are shown, and that are held against texts."""


def explained(outputs: int) -> Callable[[Handler], Handler]:
    """An error that a visitor can mend becomes a message in place of the first output."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return handler(*args, **kwargs)
            except UnskewError as error:
                message = alert(f"This did not work: {' '.join(str(error).split())}.")
                return message if outputs == 1 else (message, *[None] * (outputs - 1))

        return guarded  # type: ignore[return-value]

    return wrap


class Answers:
    """The app's answers. Of a visitor it knows what comes in, and keeps nothing."""

    def __init__(self, bench: Bench, limits: Limits) -> None:
        self._bench = bench
        self._limits = limits

    def hand_in(
        self, group: int, uploads: Sequence[Upload], pictures: Pictures | None
    ) -> tuple[str, Pictures, None]:
        """Look at uploads for one group: what is there now, the pictures, an empty field."""
        pictures = pictures or Pictures.none(self._limits)
        pictures, refused = pictures.with_uploads(group, uploads, self._limits)
        return self._shelved(group, pictures, refused), pictures, None

    def preview(self, source: str) -> tuple[str, dict[str, Any]]:
        """Some pictures of a built-in set, and whether the upload fields are shown."""
        if source not in BUILTIN:
            return "", gr.update(visible=True)
        images = load_images(source)
        strip = Strip(
            f"Some of the {len(images)} pictures of {source}",
            tuple(thumbnails(images, spread(images, _STRIP))),
        )
        about = f"{images.credit}. Licence: {images.licence}. {images.note}"
        return to_fragment([strip, Paragraph(about)]), gr.update(visible=False)

    @explained(outputs=4)
    def audit(
        self,
        source: str,
        model: str,
        stimuli: list[str],
        pictures: Pictures | None,
        progress: gr.Progress = PROGRESS,
        *names: str,
    ) -> tuple[Any, ...]:
        """Summary, report, what can be looked at closely, and the first of it."""
        progress(0, "Reading the pictures and the model")
        images = self._images(source, pictures, names)
        report = self._bench.audit(model, images, stimuli)
        progress(0.9, "Drawing")
        choice, first = _choice(report)
        return to_fragment(telling.summary(report)), report, choice, self.closely(report, first)

    def closely(self, report: AuditReport | None, choice: str | None) -> str:
        """One category of a report."""
        found = {} if report is None else telling.choices(report)
        if report is None or choice not in found:
            return ""
        return to_fragment(telling.closely(report, found[choice]))

    @explained(outputs=4)
    def beside(
        self,
        source: str,
        before: str,
        after: str,
        stimuli: list[str],
        pictures: Pictures | None,
        progress: gr.Progress = PROGRESS,
        *names: str,
    ) -> tuple[Any, ...]:
        """As `audit`, of one model beside another."""
        progress(0, "Reading the pictures and both models")
        images = self._images(source, pictures, names)
        report = self._bench.beside(before, after, images, stimuli)
        progress(0.9, "Drawing")
        choice, first = _choice(report)
        return to_fragment(telling.summary(report)), report, choice, self.changed(report, first)

    def changed(self, report: AuditReport | None, choice: str | None) -> str:
        """One category of a report, before and after."""
        found = {} if report is None else telling.choices(report)
        if report is None or report.before is None or choice not in found:
            return ""
        return to_fragment(telling.changed(report, found[choice]))

    @explained(outputs=1)
    def similarities(
        self,
        source: str,
        model: str,
        texts: str,
        pictures: Pictures | None,
        progress: gr.Progress = PROGRESS,
        *names: str,
    ) -> str:
        """A table of cosines between pictures and the lines of a text."""
        lines = self._lines(texts)
        progress(0, "Reading the pictures and the model")
        images = self._images(source, pictures, names)
        rows = spread(images, _COMPARED if source != OWN else self._limits.files)
        cosines = self._bench.similarities(model, images, rows, lines)
        return to_fragment([telling.similarities(thumbnails(images, rows), lines, cosines)])

    @explained(outputs=1)
    def cka(
        self,
        model_a: str,
        model_b: str,
        source: str,
        progress: gr.Progress = PROGRESS,
    ) -> str:
        """The heatmap of the layers of two models."""
        if source not in BUILTIN:
            raise InputError("layers are compared on the built-in pictures: choose faces or emoji")
        progress(0, "Reading both models")
        return to_fragment(telling.layers(self._bench.cka(model_a, model_b, source)))

    @explained(outputs=3)
    def download(
        self,
        report: AuditReport | None,
        earlier: str | None,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[str, Any, str]:
        """The report as files, in a folder that takes the place of an earlier one."""
        remove(earlier)
        if report is None:
            raise InputError("there is no report, or no more: run the audit first")
        progress(0.1, "Drawing every figure of the report")
        folder = Path(get_upload_folder()) / secrets.token_hex(16)
        with TemporaryDirectory(prefix="unskew-report-", dir=get_upload_folder()) as whole:
            report.save(whole)
            folder.mkdir()
            files = [
                str(Path(whole, name).rename(folder / name))
                for name in ("report.html", "report.json")
            ]
        minutes = round(self._limits.keep / 60)
        note = f"The report is ready. It can be downloaded for {minutes} minutes."
        return said(note), gr.update(value=files, visible=True), str(folder)

    def _images(self, source: str, pictures: Pictures | None, names: Sequence[str]) -> Any:
        given = pictures or Pictures.none(self._limits)
        return image_set(source, given, names, self._limits)

    def _lines(self, texts: str) -> list[str]:
        written = (readable(line.strip()) for line in texts.splitlines() if line.strip())
        lines = list(dict.fromkeys(written))
        if not lines:
            raise InputError("write at least one text, one on a line")
        if len(lines) > self._limits.texts:
            raise InputError(f"{len(lines)} texts are too many: {self._limits.texts} at most")
        if max(map(len, lines)) > self._limits.text:
            raise InputError(f"a text is longer than {self._limits.text} characters")
        return lines

    def _shelved(self, group: int, pictures: Pictures, refused: Sequence[Refused]) -> str:
        held = pictures.groups[group]
        blocks: list[Shown] = []
        if refused:
            reasons = "; ".join(f"“{r.name}”: {r.reason}" for r in refused[:3])
            more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
            blocks.append(Alert(f"Refused {len(refused)} of the files. {reasons}{more}."))
        if len(refused) > 3:
            rows = [(r.name, r.reason) for r in refused]
            blocks.append(table_of("Files that were refused", ("file", "reason"), rows))
        many = "1 picture" if len(held) == 1 else f"{len(held)} pictures"
        blocks.append(Paragraph(f"Group {group + 1} has {many}, kept in memory alone."))
        if held:
            images = image_set(
                OWN,
                Pictures((held,)),
                (f"group {group + 1}",),
                self._limits,
            )
            drawn = thumbnails(images, range(len(images)))
            blocks.append(Strip(f"Pictures of group {group + 1}", tuple(drawn)))
        return to_fragment(blocks)


def _choice(report: AuditReport) -> tuple[dict[str, Any], str | None]:
    """The list of what can be looked at closely, and the first of it; hidden if there is none."""
    names = list(telling.choices(report))
    first = names[0] if names else None
    return gr.update(choices=names, value=first, visible=bool(names)), first
