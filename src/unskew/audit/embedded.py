"""An image set as the measures want it: one embedding and one label per category and image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unskew.audit.rows import DatasetInfo, UnreadableImage
from unskew.corpora import ImageSet, load_images, refuse_twins
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

    def has(self, category: str) -> bool:
        """Whether the set has this category, under any of its spellings."""
        return canonical_category(category) in self.groups


def embed_set(
    source: str | Path | ImageSet | LabelledEmbeddings,
    encoder: Any,
    categories: Sequence[str] | None = None,
    cross: Iterable[tuple[str, str]] = (),
    exclude: Iterable[tuple[str, str]] = (),
    batch_size: int = 32,
    **load_options: Any,
) -> EmbeddedSet:
    """Load, label, check and embed one image set, or take embeddings that exist already.

    Labels are checked before the first image is decoded, so that a mistake costs seconds.

    Raises:
        InputError: a subgroup with fewer than 4 images, an unknown category, embeddings of
            another dimension than the model's.
    """
    embedded = _ready_embeddings(source)
    if embedded is not None:
        return _from_embeddings(embedded, encoder, categories, cross, exclude)
    images = (
        source
        if isinstance(source, ImageSet)
        else load_images(source, categories=categories, **load_options)
    )
    wanted = categories or images.categories
    groups = _groups(
        {c: images.labels(c) for c in wanted},
        {c: list(images.subgroups(c)) for c in wanted},
        cross,
        exclude,
        images.name,
    )
    found = encoder.embed_readable(images.images, batch_size=batch_size)
    unreadable = tuple(
        UnreadableImage(images.item_name(u.index), u.reason) for u in found.unreadable
    )
    if not len(found.kept):
        raise InputError(
            f"{images.name}: none of the {len(images)} images can be read; "
            f"the first is {unreadable[0].name} ({unreadable[0].reason})"
        )
    groups = _renumber(groups, np.asarray(found.kept), len(images))
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


def _ready_embeddings(source: Any) -> LabelledEmbeddings | None:
    if isinstance(source, LabelledEmbeddings):
        return source
    if isinstance(source, str | Path) and is_embeddings_file(source):
        return load_embeddings(source)
    return None


def _from_embeddings(
    given: LabelledEmbeddings,
    encoder: Any,
    categories: Sequence[str] | None,
    cross: Iterable[tuple[str, str]],
    exclude: Iterable[tuple[str, str]],
) -> EmbeddedSet:
    dim = given.embeddings.shape[1]
    if dim != encoder.dim:
        raise InputError(
            f"{given.name}: embeddings have {dim} dimensions, those of {encoder.name} {encoder.dim}"
        )
    unknown = [c for c in categories or () if c not in given.labels]
    if unknown or not given.labels:
        have = ", ".join(given.labels) or "none"
        raise InputError(
            f"{given.name}: no labels called {unknown[0] if unknown else ''!r}; it has {have}"
        )
    labels = {c: np.array(given.labels[c], dtype=object) for c in categories or given.labels}
    for category, values in labels.items():
        refuse_twins((v for v in values if v is not None), category, given.name)
    order = {c: sorted({x for x in v if x is not None}) for c, v in labels.items()}
    groups = _groups(labels, order, cross, exclude, given.name)
    info = DatasetInfo(
        given.name, len(given.embeddings), _counts(groups), (), "", "", "", given.demonstration
    )
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
    for category, subgroups in groups.items():
        for subgroup, rows in subgroups.items():
            if len(rows) < MIN_ITEMS:
                raise InputError(
                    f"{name}: subgroup {subgroup!r} of {category!r} has {len(rows)} images, "
                    f"at least {MIN_ITEMS} are needed; add some or leave it out "
                    f"(--exclude {category!r}={subgroup!r})"
                )
        if not subgroups:
            raise InputError(f"{name}: no subgroup of {category!r} is left")


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
