"""An image set as the measures want it: one embedding and one label per category and image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unskew.audit.rows import DatasetInfo, UnreadableImage
from unskew.corpora import ImageSet, load_images, refuse_twins, split_names
from unskew.corpora.splits import ALL, choose_split
from unskew.encoders import LabelledEmbeddings, is_embeddings_file, load_embeddings
from unskew.errors import InputError
from unskew.stimuli import canonical_category, canonical_subgroup

MIN_ITEMS = 4
"""Fewest images or phrases of a subgroup that an effect size is computed for."""

CROSSED = " × "
"""Between the two halves of an intersectional category or subgroup."""

Labels = dict[str, dict[str, np.ndarray]]
"""category -> subgroup -> row numbers, ascending."""


@dataclass(frozen=True)
class EmbeddedSet:
    """``embeddings``: (n, d), one row per readable image. ``groups``: see :data:`Labels`."""

    info: DatasetInfo
    embeddings: np.ndarray
    groups: Labels


@dataclass(frozen=True)
class LabelledSet:
    """An image set, or embeddings of one, whose labels are read and checked, not yet embedded.

    ``notes``: what was left out without being asked to.
    """

    content: ImageSet | LabelledEmbeddings
    groups: Labels
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.content.name

    def has(self, category: str) -> bool:
        """Whether the set has this category, under any of its spellings."""
        return canonical_category(category) in self.groups


def read_labels(
    source: str | Path | ImageSet | LabelledEmbeddings,
    categories: Sequence[str] | None = None,
    cross: Iterable[tuple[str, str]] = (),
    exclude: Iterable[tuple[str, str]] = (),
    **load_options: Any,
) -> LabelledSet:
    """Load one image set, or embeddings that exist already, and check its labels.

    No image is decoded here, so that a mistake costs seconds. A category that nobody asked for
    and that has one subgroup only is left out with a note.

    Raises:
        InputError: a subgroup with fewer than 4 images, an unknown category, a category asked for
            that has one subgroup only.
    """
    content = _content(source, categories, load_options)
    try:
        return _labelled(content, categories, cross, exclude)
    except TooFewError as error:
        raise InputError(f"{error}{_of_one_split(source, load_options)}") from error


class TooFewError(InputError):
    """Too few images, or subgroups, to compare."""


def _of_one_split(source: Any, load_options: dict[str, Any]) -> str:
    """Where these were the images of one split that nobody asked for, how to have all."""
    if load_options.get("split") is not None or isinstance(source, ImageSet | LabelledEmbeddings):
        return ""
    names = split_names(source, load_options.get("config"))
    if len(names) < 2:
        return ""
    return (
        f". These are the images of its split {choose_split(names, None, str(source))!r} alone: "
        f"--split {ALL} audits those of {', '.join(names)}, for a model that has been trained on "
        "none of them"
    )


def _labelled(
    content: ImageSet | LabelledEmbeddings,
    categories: Sequence[str] | None,
    cross: Iterable[tuple[str, str]],
    exclude: Iterable[tuple[str, str]],
) -> LabelledSet:
    if isinstance(content, ImageSet):
        wanted = tuple(categories or content.categories)
        labels = {c: content.labels(c) for c in wanted}
        order = {c: list(content.subgroups(c)) for c in wanted}
    else:
        labels = _own_labels(content, categories)
        order = {c: sorted({x for x in v if x is not None}) for c, v in labels.items()}
    single = [c for c in labels if len(order[c]) < 2]
    if categories and single:
        raise TooFewError(f"{content.name}: category {single[0]!r} has fewer than two subgroups")
    if len(single) == len(labels):
        raise TooFewError(f"{content.name}: no category has two subgroups to compare")
    notes = tuple(f"{content.name}: {c!r} has fewer than two subgroups, left out." for c in single)
    labels = {c: v for c, v in labels.items() if c not in single}
    return LabelledSet(content, _groups(labels, order, cross, exclude, content.name), notes)


def embed_set(labelled: LabelledSet, encoder: Any, batch_size: int = 32) -> EmbeddedSet:
    """The embeddings of a set's readable images.

    Raises:
        InputError: no image can be read, too few of a subgroup can, or embeddings that were
            given have another dimension than the model's.
    """
    images = labelled.content
    if isinstance(images, LabelledEmbeddings):
        return _given(images, labelled.groups, encoder)
    found = encoder.embed_readable(images.images, batch_size=batch_size)
    unreadable = tuple(
        UnreadableImage(images.item_name(u.index), u.reason) for u in found.unreadable
    )
    if not len(found.kept):
        raise InputError(
            f"{images.name}: none of the {len(images)} images can be read; "
            f"the first is {unreadable[0].name} ({unreadable[0].reason})"
        )
    groups = _renumber(labelled.groups, np.asarray(found.kept), len(images))
    _check_counts(groups, images.name)
    info = DatasetInfo(
        name=images.name,
        n_images=len(images),
        counts=_counts(groups),
        unreadable=unreadable,
        credit=images.credit,
        licence=images.licence,
        note=images.note,
        demonstration=images.demonstration,
    )
    return EmbeddedSet(info, found.embeddings, groups)


def _content(
    source: Any, categories: Sequence[str] | None, load_options: dict[str, Any]
) -> ImageSet | LabelledEmbeddings:
    if isinstance(source, ImageSet):
        return source
    given = source if isinstance(source, LabelledEmbeddings) else None
    if isinstance(source, str | Path) and is_embeddings_file(source):
        given = load_embeddings(source, categories)
    if given is None:
        return load_images(source, categories=categories, **load_options)
    for option, value in load_options.items():
        if value is not None:
            raise InputError(f"{given.name} holds embeddings and has no {option} to choose")
    return given


def _own_labels(
    given: LabelledEmbeddings, categories: Sequence[str] | None
) -> dict[str, np.ndarray]:
    unknown = [c for c in categories or () if c not in given.labels]
    if unknown or not given.labels:
        have = ", ".join(given.labels) or "none"
        raise InputError(
            f"{given.name}: no labels called {unknown[0] if unknown else ''!r}; it has {have}"
        )
    labels = {c: np.array(given.labels[c], dtype=object) for c in categories or given.labels}
    for category, values in labels.items():
        refuse_twins((v for v in values if v is not None), category, given.name)
    return labels


def _given(given: LabelledEmbeddings, groups: Labels, encoder: Any) -> EmbeddedSet:
    dim = given.embeddings.shape[1]
    if dim != encoder.dim:
        raise InputError(
            f"{given.name}: embeddings have {dim} dimensions, those of {encoder.name} {encoder.dim}"
        )
    n, counts = len(given.embeddings), _counts(groups)
    info = DatasetInfo(given.name, n, counts, (), "", "", "", given.demonstration)
    return EmbeddedSet(info, given.embeddings, groups)


def _groups(
    labels: Mapping[str, np.ndarray],
    order: Mapping[str, Sequence[str]],
    cross: Iterable[tuple[str, str]],
    exclude: Iterable[tuple[str, str]],
    name: str,
) -> Labels:
    """Rows of each subgroup, under the taxonomy's names, with what is crossed and left out."""
    groups: Labels = {}
    for category, values in labels.items():
        names = _canonical_names(category, order[category])
        if canonical_category(category) in groups:
            raise InputError(
                f"{name}: two columns are spellings of {canonical_category(category)!r}"
            )
        groups[canonical_category(category)] = {
            names[label]: np.flatnonzero(values == label) for label in order[category]
        }
    exclude = list(exclude)
    _leave_out(groups, [e for e in exclude if CROSSED not in e[0]], name)
    for one, two in (map(canonical_category, pair) for pair in cross):
        if one == two:
            raise InputError(f"category {one!r} cannot be crossed with itself")
        if one not in groups or two not in groups:
            continue  # as above
        groups[f"{one}{CROSSED}{two}"] = {
            f"{a}{CROSSED}{b}": both
            for a, rows_a in groups[one].items()
            for b, rows_b in groups[two].items()
            if len(both := np.intersect1d(rows_a, rows_b, assume_unique=True))
        }
    _leave_out(groups, [e for e in exclude if CROSSED in e[0]], name)
    _check_counts(groups, name)
    return groups


def _leave_out(groups: Labels, exclude: Iterable[tuple[str, str]], name: str) -> None:
    for category, subgroup in exclude:
        subgroups = groups.get(canonical_category(category))
        if subgroups is None:
            continue  # the option may be meant for another of several image sets
        if subgroups.pop(canonical_subgroup(category, subgroup), None) is None:
            have = ", ".join(subgroups)
            raise InputError(
                f"{name}: no subgroup {subgroup!r} of {category!r} to leave out; it has {have}"
            )


def _canonical_names(category: str, labels: Sequence[str]) -> dict[str, str]:
    """The taxonomy's names, unless two labels of the set would fall together under one."""
    names = {label: canonical_subgroup(category, label) for label in labels}
    return names if len(set(names.values())) == len(names) else {x: x for x in labels}


def _check_counts(groups: Labels, name: str) -> None:
    small = [
        (category, subgroup, len(rows))
        for category, subgroups in groups.items()
        for subgroup, rows in subgroups.items()
        if len(rows) < MIN_ITEMS
    ]
    if small:
        category, subgroup, n = small[0]
        rest = "".join(f"; {c}={s} has {k}" for c, s, k in small[1:])
        raise TooFewError(
            f"{name}: subgroup {subgroup!r} of {category!r} has {n} images, at least {MIN_ITEMS} "
            f"are needed; add some or leave it out (--exclude '{category}={subgroup}'){rest}"
        )
    for category, subgroups in groups.items():
        if len(subgroups) < 2:
            raise InputError(f"{name}: fewer than two subgroups of {category!r} are left")


def _renumber(groups: Labels, kept: np.ndarray, n: int) -> Labels:
    """Row numbers after the unreadable images are gone."""
    new = np.full(n, -1)
    new[kept] = np.arange(len(kept))
    return {
        c: {s: new[rows][new[rows] >= 0] for s, rows in subgroups.items()}
        for c, subgroups in groups.items()
    }


def _counts(groups: Labels) -> dict[str, dict[str, int]]:
    return {c: {s: len(rows) for s, rows in subgroups.items()} for c, subgroups in groups.items()}
