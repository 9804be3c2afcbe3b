"""What debiasers are fitted on: labelled images, the prompts that name their subgroups, and
general images whose embeddings should stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from unskew.corpora import CaptionedSet, ImageSet
from unskew.corpora.ages import age_groups
from unskew.encoders import DualEncoder
from unskew.errors import InputError
from unskew.stimuli import Identities, canonical_category, canonical_subgroup, load_identities

CROSSED = " × "
AGE_GROUP = "age_group"
MIN_FIT_IMAGES = 4
"""Fewest images of a combination of subgroups to be fitted on, as many as an audit asks for."""

Combination: TypeAlias = tuple[str, ...]
"""A subgroup of each attribute."""


@dataclass(frozen=True)
class Labelled:
    """Embeddings of labelled images.

    ``rows``: (n,) their places in ``images``. ``embeddings``: (n, d) float32, L2-normalised.
    ``labels``: (n,) indices into ``subgroups``, the combinations of all ``attributes``.
    ``by_attribute``: attribute -> (names, (n,) indices into them).
    ``combinations``: of each of ``subgroups``, its subgroup in each attribute.
    """

    images: ImageSet
    rows: np.ndarray
    embeddings: np.ndarray
    labels: np.ndarray
    subgroups: tuple[str, ...]
    by_attribute: Mapping[str, tuple[tuple[str, ...], np.ndarray]]
    combinations: tuple[Combination, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: np.ndarray) -> Labelled:
        """The images at these positions, in this order."""
        return replace(
            self,
            rows=self.rows[chosen],
            embeddings=self.embeddings[chosen],
            labels=self.labels[chosen],
            by_attribute={a: (n, v[chosen]) for a, (n, v) in self.by_attribute.items()},
        )


@dataclass(frozen=True)
class SubgroupTexts:
    """Text embeddings that name the subgroups, in the order of the labels.

    ``prompts``: (S, p, d); ``prompts[:, j]`` differ in the subgroup alone.
    ``neutral``: (q, d), the same templates without a subgroup.
    ``captions``: (c, d), the different captions of the images to fit on; caption
    ``caption_of[i, s]`` says what image i shows, were it of subgroup s.
    """

    prompts: np.ndarray
    neutral: np.ndarray
    captions: np.ndarray
    caption_of: np.ndarray


@dataclass(frozen=True)
class FittingData:
    """Everything a method may use; each takes what it needs.

    ``preserve``: (m, d), embeddings of general images that should stay as they are, m >= 0.
    """

    attributes: tuple[str, ...]
    fit: Labelled
    validation: Labelled
    preserve: np.ndarray
    preserve_images: tuple[ImageSet | CaptionedSet, ...]
    named: SubgroupTexts | None
    wordless: str = ""
    """Why ``named`` is None."""
    words: Identities = field(default_factory=load_identities)
    """The identity words that ``named`` was made with, for methods that train on texts."""
    notes: tuple[str, ...] = ()
    """Which images were left out and why, a sentence each."""

    @property
    def subgroups(self) -> tuple[str, ...]:
        """Names of the subgroups, in the order of all labels."""
        return self.fit.subgroups

    @property
    def texts(self) -> SubgroupTexts:
        """For methods that need text. Raises InputError if a subgroup has no words."""
        if self.named is None:
            raise InputError(self.wordless)
        return self.named


def fitting_data(
    encoder: DualEncoder,
    fit: ImageSet,
    validation: ImageSet,
    attributes: Sequence[str],
    preserve: Sequence[ImageSet | CaptionedSet] = (),
    *,
    identities: Identities | None = None,
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
) -> FittingData:
    """Embed all that debiasers are fitted on; images without a label are left out.

    So are, of several attributes, combinations with fewer than MIN_FIT_IMAGES images to fit on or
    none of validation; `notes` counts them.

    Args:
        encoder: the model to debias.
        fit, validation: two parts of one image set, without a common image.
        attributes: label columns; several are crossed. Ages in years or narrower bins become
            age groups.
        preserve: general images, no labels needed; captions, or one category of classes, let a
            `Validator` measure utility on them.
        identities: words for the subgroups; the shipped ones by default.
        exclude: (attribute, subgroup) to leave out.

    Raises:
        InputError: an unknown attribute, fewer than two subgroups, a subgroup of a single
            attribute with images in one of the two parts only, no labelled image, nothing there
            to leave out.
    """
    attributes = tuple(attributes)
    _check_excluded(fit, attributes, exclude)
    notes = [n for s in (fit, validation) for a in attributes for n in _unlabelled(s, a)]

    def faces(images: ImageSet, subgroups: Sequence[str] | None) -> Labelled:
        return labelled(
            encoder,
            images,
            attributes,
            subgroups=subgroups,
            exclude=exclude,
            batch_size=batch_size,
        )

    fitted = faces(fit, None)
    if len(fitted.by_attribute) > 1:
        fitted, held_out, rare = _both(fitted, faces(validation, None))
        notes += rare
    else:
        held_out = faces(validation, fitted.subgroups)
    words = identities or load_identities()
    named, wordless = None, ""
    try:
        named = _subgroup_texts(encoder, fitted, words)
    except InputError as error:
        wordless = str(error)  # raised for the methods that need words; the others do without
    return FittingData(
        attributes=tuple(fitted.by_attribute),
        fit=fitted,
        validation=held_out,
        preserve=_embedded(encoder, preserve, batch_size),
        preserve_images=tuple(preserve),
        named=named,
        wordless=wordless,
        words=words,
        notes=tuple(notes),
    )


def labelled(
    encoder: DualEncoder,
    images: ImageSet,
    attributes: Sequence[str],
    *,
    subgroups: Sequence[str] | None = None,
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
) -> Labelled:
    """Embed the images that have a label in every attribute and can be read.

    Args:
        subgroups: the subgroups of data seen earlier, which these must have, and no others; of
            several attributes, other combinations are left out.

    Raises:
        InputError: see `fitting_data`.
    """
    columns = dict(attribute_labels(images, a, exclude) for a in attributes)
    found = _combined(columns)
    wanted = None if subgroups is None or len(columns) == 1 else set(subgroups)
    rows = np.flatnonzero(
        [None not in c and (wanted is None or CROSSED.join(c) in wanted) for c in found]
    )
    _indexed(images, columns, rows, subgroups)  # refuses before the long work
    seen = encoder.embed_readable(images.data.select(rows)[images.image_column], batch_size)
    rows = rows[seen.kept]
    combinations, labels, by_attribute = _indexed(images, columns, rows, subgroups)
    names = tuple(CROSSED.join(c) for c in combinations)
    return Labelled(images, rows, seen.embeddings, labels, names, by_attribute, combinations)


def attribute_labels(
    images: ImageSet, attribute: str, exclude: Sequence[tuple[str, str]] = ()
) -> tuple[str, np.ndarray]:
    """The category's name in the taxonomy and the subgroup (n,) of every image, None if unknown.

    Ages become age groups, and the subgroups to leave out become None. Raises InputError: no such
    column.
    """
    labels = images.labels(attribute)
    category = canonical_category(attribute)
    if category in ("age", AGE_GROUP) and any(v is not None for v in age_groups(labels)):
        category, labels = AGE_GROUP, age_groups(labels)
    names = {v: canonical_subgroup(category, v) for v in set(labels.tolist()) if v is not None}
    for excluded, subgroup in exclude:
        if canonical_category(excluded) in (category, canonical_category(attribute)):
            gone = canonical_subgroup(category, subgroup)
            names = {v: name for v, name in names.items() if name != gone}
    return category, np.array([names.get(v) for v in labels], dtype=object)


def _check_excluded(
    images: ImageSet, attributes: Sequence[str], exclude: Sequence[tuple[str, str]]
) -> None:
    """Raise InputError unless every subgroup to leave out is one of these attributes'."""
    for excluded, subgroup in exclude:
        for attribute in attributes:
            category, labels = attribute_labels(images, attribute)
            if canonical_category(excluded) in (category, canonical_category(attribute)):
                break
        else:
            raise InputError(
                f"cannot leave out {subgroup!r} of {excluded!r}: it is not among the attributes "
                f"to debias, {', '.join(attributes)}"
            )
        found = sorted({v for v in labels if v is not None})
        if canonical_subgroup(category, subgroup) not in found:
            raise InputError(
                f"{images.name}: no subgroup {subgroup!r} of {excluded!r} to leave out; it has "
                f"{', '.join(found)}"
            )


def _indexed(
    images: ImageSet,
    columns: Mapping[str, np.ndarray],
    rows: np.ndarray,
    subgroups: Sequence[str] | None,
) -> tuple[tuple[Combination, ...], np.ndarray, dict[str, tuple[tuple[str, ...], np.ndarray]]]:
    """The combinations of these rows, the index of each row's, and the same by attribute."""
    by_attribute = {}
    for attribute, column in columns.items():
        found = tuple(sorted(set(column[rows].tolist())))
        if len(found) < 2:
            raise InputError(
                f"{images.name}: {attribute!r} has "
                f"{f'one subgroup only: {found[0]!r}' if found else 'no labelled image'}; "
                "debiasing needs at least two"
            )
        by_attribute[attribute] = found, np.array([found.index(v) for v in column[rows]])
    combined = _combined({a: column[rows] for a, column in columns.items()})
    combinations = tuple(sorted(set(combined), key=CROSSED.join))
    named = {CROSSED.join(c): c for c in combinations}
    if len(named) < len(combinations):
        raise InputError(
            f"{images.name}: two combinations of {CROSSED.join(columns)} have one name, as a label "
            f"contains {CROSSED!r}: rename that label"
        )
    odd = sorted(set(named) ^ set(named if subgroups is None else subgroups))
    if odd and len(columns) > 1:
        raise InputError(
            f"{images.name}: no image of {odd[0]!r} of {CROSSED.join(columns)}, which was fitted "
            "on; add some, or leave one of its subgroups out"
        )
    if odd:
        raise InputError(
            f"{images.name}: {odd[0]!r} of {CROSSED.join(columns)} has images in one part of the "
            "data only; leave it out"
        )
    if subgroups is not None:
        combinations = tuple(named[name] for name in subgroups)
    place = {c: index for index, c in enumerate(combinations)}
    return combinations, np.array([place[c] for c in combined]), by_attribute


def _combined(columns: Mapping[str, np.ndarray]) -> list[Combination]:
    """What each image is in all the columns."""
    return list(zip(*columns.values(), strict=True))


def _both(fitted: Labelled, held_out: Labelled) -> tuple[Labelled, Labelled, list[str]]:
    """The two parts without combinations too rare to be fitted on or missing in one; and a note.

    Raises:
        InputError: fewer than two combinations, or subgroups of an attribute, are left.
    """
    in_each = [Counter(p.combinations[label] for label in p.labels) for p in (fitted, held_out)]
    counts = {c: [some[c] for some in in_each] for c in in_each[0] | in_each[1]}
    rare = [c for c, (fit, validation) in counts.items() if fit < MIN_FIT_IMAGES or not validation]
    if not rare:
        return fitted, held_out, []
    parts = [_restricted(p, [c for c in counts if c not in rare]) for p in (fitted, held_out)]
    said = [f"{CROSSED.join(c)} ({counts[c][0]} and {counts[c][1]} images)" for c in sorted(rare)]
    note = (
        f"Left out, with fewer than {MIN_FIT_IMAGES} images to fit on or none of validation: "
        f"{', '.join(said)}."
    )
    return parts[0], parts[1], [note]


def _restricted(faces: Labelled, kept: Sequence[Combination]) -> Labelled:
    """The images of these combinations."""
    columns = {a: np.array(n, dtype=object)[v] for a, (n, v) in faces.by_attribute.items()}
    chosen = np.flatnonzero([c in kept for c in _combined(columns)])
    combinations, labels, by_attribute = _indexed(faces.images, columns, chosen, None)
    return replace(
        faces,
        rows=faces.rows[chosen],
        embeddings=faces.embeddings[chosen],
        labels=labels,
        subgroups=tuple(CROSSED.join(c) for c in combinations),
        by_attribute=by_attribute,
        combinations=combinations,
    )


def _unlabelled(images: ImageSet, attribute: str) -> list[str]:
    """A note of the images that have no label, if there are any."""
    category, labels = attribute_labels(images, attribute)
    count = sum(label is None for label in labels)
    what = "age group" if category == AGE_GROUP else f"label of {category}"
    said = f"{count} of {len(images)} images of {images.name} have no {what} and are left out."
    return [said] if count else []


def _subgroup_texts(encoder: Any, fitted: Labelled, words: Identities) -> SubgroupTexts:
    """Raises InputError if a subgroup has no words."""
    names = [
        dict(zip(fitted.by_attribute, combination, strict=True))
        for combination in fitted.combinations
    ]
    prompts = [words.prompts(name) for name in names]
    unique: dict[str, int] = {}
    caption_of = np.empty((len(fitted), len(names)), dtype=np.int64)
    for i, others in enumerate(_context(fitted, words)):
        for s, name in enumerate(names):
            text = words.describe({**others, **name})
            caption_of[i, s] = unique.setdefault(text, len(unique))
    return SubgroupTexts(
        prompts=np.stack([encoder.embed_texts(p) for p in prompts]),
        neutral=encoder.embed_texts(words.prompts({})),
        captions=encoder.embed_texts(list(unique)),
        caption_of=caption_of,
    )


def _context(fitted: Labelled, words: Identities) -> list[dict[str, str]]:
    """What else is known of each image: its subgroup in the categories not debiased."""
    context: list[dict[str, str]] = [{} for _ in range(len(fitted))]
    for column in fitted.images.categories:
        category, labels = attribute_labels(fitted.images, column)
        if category in fitted.by_attribute or category not in words.categories:
            continue
        for described, label in zip(context, labels[fitted.rows], strict=True):
            if label in words.names(category):
                described[category] = label
    return context


def _embedded(encoder: Any, sets: Sequence[ImageSet | CaptionedSet], batch_size: int) -> np.ndarray:
    parts = [encoder.embed_readable(s.images, batch_size).embeddings for s in sets]
    return np.concatenate([np.empty((0, encoder.dim), dtype=np.float32), *parts])
