"""One audit: a model, image sets and stimuli in; a report out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from unskew import __version__
from unskew.audit.attributes import describe_subgroups
from unskew.audit.embedded import EmbeddedSet, LabelledSet, embed_set, read_labels
from unskew.audit.pairs import contrast_pairs, image_only_pairs, image_text_pairs, text_only_pairs
from unskew.audit.ranking import ranking_rows
from unskew.audit.report import AuditReport
from unskew.audit.rows import (
    ModelInfo,
    PairRow,
    RankingRow,
    Settings,
    StimuliInfo,
    SubgroupRow,
    TopAttributeRow,
    WordTestRow,
)
from unskew.audit.texts import Texts, prompts_of
from unskew.audit.words import word_tests
from unskew.corpora import BUILTIN, ImageSet
from unskew.encoders import (
    DualEncoder,
    LabelledEmbeddings,
    PrecomputedEncoder,
    is_embeddings_file,
    load_embeddings,
)
from unskew.errors import InputError
from unskew.measures.options import WeatOptions
from unskew.stimuli import Stimuli, builtin_stimuli, load_stimuli
from unskew.stimuli.schema import SECTIONS

Source = str | Path | ImageSet | LabelledEmbeddings


def audit_model(
    model: Any,
    images: Source | Sequence[Source] = tuple(BUILTIN),
    stimuli: str | Path | Stimuli | Sequence[str | Path | Stimuli] | None = None,
    *,
    categories: Sequence[str] | None = None,
    cross: Iterable[tuple[str, str]] = (),
    exclude: Iterable[tuple[str, str]] = (),
    k: int | None = None,
    ranking_target: Literal["uniform", "pool"] = "pool",
    top: int = 8,
    permutations: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
    batch_size: int = 32,
    **load_options: Any,
) -> AuditReport:
    """Audit a dual encoder: every applicable question of ``stimuli``, asked of every image set.

    Args:
        model: an encoder, a Hub id or path, ``"unskew/mini"``, or a file of text embeddings.
        images: one or several of: ``"faces"``, ``"emoji"``, a Hub id, a folder, a table, an
            ``ImageSet``, or a file of image embeddings with labels.
        stimuli: shipped names, files or ``Stimuli``; all shipped ones by default.
        categories: label columns to use; by default all that look like labels.
        cross: pairs of categories whose intersections are audited as subgroups of their own;
            applied to the image sets that have both.
        exclude: (category, subgroup) to leave out.
        k: length of the ranked list; a tenth of the images by default.
        ranking_target: what counts as even in a ranking: the subgroups' shares of the images
            ("pool"), or equal shares ("uniform", as most papers have it, on balanced sets).
        top: nearest attributes to list per subgroup.
        permutations: draws of a p-value that is not exact; more where a large family needs them.
        confidence: of the intervals; 1 - confidence is also what a corrected p-value must be
            below for a difference to count as clear.
        seed: of every random draw.
        batch_size: images per forward.
        **load_options: passed to ``load_images`` (``split``, ``config``, ``image_column``).

    Raises:
        InputError: see the message; nothing is written.
        NotFoundError: no such model, image set or stimuli.
    """
    settings = Settings(
        ddof=1,
        permutations=permutations,
        alternative="two-sided",
        confidence=confidence,
        interval="noncentral-t",
        correction="Holm; Benjamini-Hochberg",
        seed=seed,
        top=top,
        ranking_target=ranking_target,
    )
    _check(settings, k, batch_size)
    asked = [load_stimuli(s) for s in _listed(builtin_stimuli() if stimuli is None else stimuli)]
    _refuse_repeats("stimuli", [s.name for s in asked])
    cross, exclude = list(cross), list(exclude)
    labelled = [
        read_labels(source, categories, cross, exclude, **load_options)
        for source in _listed(images)
    ]
    _refuse_repeats("image sets", [s.name for s in labelled])
    _refuse_unused("cross", [c for pair in cross for c in pair], labelled)
    _refuse_unused("leave subgroups out of", [category for category, _ in exclude], labelled)
    encoder = open_encoder(model)
    texts = Texts(encoder, prompts_of(asked))
    sets = [embed_set(s, encoder, batch_size) for s in labelled]
    notes = [note for s in labelled for note in s.notes]
    return _ask(encoder, asked, sets, texts, settings, k, notes)


def open_encoder(model: Any, device: str | None = None, dtype: str | None = None) -> Any:
    """An encoder from whatever names one; an encoder is passed through.

    Raises:
        NotFoundError, InputError: see ``DualEncoder.from_pretrained`` and ``load_embeddings``.
    """
    if not isinstance(model, str | Path):
        return model
    if is_embeddings_file(model):
        return PrecomputedEncoder(load_embeddings(model, categories=[]))
    return DualEncoder.from_pretrained(str(model), device, dtype)


def _check(settings: Settings, k: int | None, batch_size: int) -> None:
    """Raise for an option that cannot be used, before anything is loaded."""
    WeatOptions(
        ddof=settings.ddof,
        permutations=settings.permutations,
        alternative=settings.alternative,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    for name, value in (("k", k), ("top", settings.top), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}; give a whole number of at least 1")
    if settings.ranking_target not in ("uniform", "pool"):
        raise InputError(f"ranking target {settings.ranking_target!r}: use uniform or pool")


def _ask(
    encoder: Any,
    asked: Sequence[Stimuli],
    sets: Sequence[EmbeddedSet],
    texts: Texts,
    settings: Settings,
    k: int | None,
    notes: list[str],
) -> AuditReport:
    pairs: list[PairRow] = []
    subgroups: list[SubgroupRow] = []
    nearest: list[TopAttributeRow] = []
    rankings: list[RankingRow] = []
    words: list[WordTestRow] = []
    for s in asked:
        for images in sets:
            pairs += image_text_pairs(images, s, texts, settings)
            pairs += contrast_pairs(images, s, texts, settings)
            found, remarks = image_only_pairs(images, s, settings)
            pairs += found
            notes += remarks
            described, top = describe_subgroups(images, s, texts, settings)
            subgroups += described
            nearest += top
            ranked, remarks = ranking_rows(images, s, texts, settings, k)
            rankings += ranked
            notes += remarks
        pairs += text_only_pairs(s, texts, settings)
        words += word_tests(s, texts, settings)
    return AuditReport(
        model=ModelInfo(encoder.name, encoder.fingerprint, encoder.dim, encoder.demonstration),
        settings=settings,
        stimuli=tuple(
            StimuliInfo(s.name, s.title, s.source, s.licence, s.historical, s.note) for s in asked
        ),
        datasets=tuple(s.info for s in sets),
        pairs=tuple(sorted(pairs, key=_by_place(sets))),
        subgroups=tuple(subgroups),
        top_attributes=tuple(nearest),
        rankings=tuple(rankings),
        word_tests=tuple(words),
        notes=tuple(notes),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        unskew_version=__version__,
    )


def _by_place(sets: Sequence[EmbeddedSet]) -> Callable[[PairRow], tuple[int, int, int]]:
    """Order of the rows: data set, category, section; rows of phrases last."""
    names = [s.info.name for s in sets]
    categories = {s.info.name: list(s.groups) for s in sets}

    def place(row: PairRow) -> tuple[int, int, int]:
        section = SECTIONS.index(row.section)
        if row.dataset not in categories:
            return len(names), 0, section
        return names.index(row.dataset), categories[row.dataset].index(row.category), section

    return place


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _refuse_repeats(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two {what} are called {name!r}; give each once, or rename one")


def _refuse_unused(what: str, categories: Iterable[str], sets: Sequence[LabelledSet]) -> None:
    for category in categories:
        if not any(s.has(category) for s in sets):
            have = ", ".join(sorted({c for s in sets for c in s.groups}))
            raise InputError(f"no category {category!r} to {what}; there are {have}")
