"""One run: a model and labelled images in; a debiased model and what changed out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unskew.audit import AuditReport, audit_model
from unskew.audit.embedded import read_labels
from unskew.audit.save import check_folder
from unskew.corpora import CaptionedSet, ImageSet, partition, refuse_shared_images
from unskew.corpora.columns import find_categories
from unskew.corpora.load import Source
from unskew.debias.fitting import attribute_labels, fitting_data
from unskew.debias.methods import find_method, fit_method
from unskew.debias.options import check_options
from unskew.debias.preserve import MOST_PRESERVED, general_images
from unskew.encoders import Debiaser, DualEncoder
from unskew.encoders.folder import DESCRIPTION
from unskew.errors import InputError
from unskew.stimuli import Stimuli, canonical_category, load_identities

CHECKPOINTS = "checkpoints"
REPORT = "report"


@dataclass(frozen=True)
class Debiased:
    """``encoder``: the debiased model. ``report``: its audit on the test part, beside the one of
    the model it was made from."""

    debiaser: Debiaser
    encoder: DualEncoder
    report: AuditReport


def debias_model(
    method: str,
    model: str | Path | DualEncoder,
    images: Source,
    attributes: Sequence[str],
    out: str | Path,
    *,
    preserve: Sequence[Source | CaptionedSet] = (),
    preserve_limit: int = MOST_PRESERVED,
    exclude: Sequence[tuple[str, str]] = (),
    identities: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    stimuli: str | Path | Stimuli | Sequence[str | Path | Stimuli] | None = None,
    k: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    device: str | None = None,
    dtype: str | None = None,
) -> Debiased:
    """Debias a dual encoder, save it, and audit it before and after on images held out.

    Args:
        method: one of `unskew.debias.METHODS`.
        model: an encoder, a Hub id or a path.
        images: fitted on its train part; the validation part is for choices, the test part is
            audited. See `unskew.corpora.partition`.
        attributes: label columns to debias for; several are crossed.
        out: folder for the debiased encoder, and in it ``report/``. A training run that was
            stopped goes on from the checkpoints it left here.
        preserve: general images that should stay as they are; see `general_images`.
        preserve_limit: images taken of each of them.
        exclude: (attribute, subgroup) to leave out.
        identities: a file of words for the subgroups; the shipped ones by default.
        options: the method's own.
        stimuli, k: what the audit asks; see `audit_model`.
        seed: of every random draw.
        batch_size: images per forward.
        device, dtype: of a model that is named; see `DualEncoder.from_pretrained`.

    Raises:
        InputError: see the message; nothing is written, and an earlier result in ``out`` stays.
        NotFoundError: no such model, image set or file.
    """
    out = Path(out)
    chosen = check_options(find_method(method).options(), options or {}, method)
    _refuse_idle(exclude, attributes)
    train, validation, test = parts(images, attributes)
    kept = [general_images(source, preserve_limit) for source in preserve]
    refuse_shared_images([train, *kept], validation, test)
    judged = relabelled(test, attributes, exclude)
    read_labels(judged)  # said now, not after the training
    words = load_identities(identities)
    encoder = (
        model
        if isinstance(model, DualEncoder)
        else DualEncoder.from_pretrained(model, device, dtype)
    )
    _check_out(out, Debiaser.of(encoder, method=method))
    data = fitting_data(
        encoder,
        train,
        validation,
        attributes,
        kept,
        identities=words,
        exclude=exclude,
        batch_size=batch_size,
    )
    debiaser = fit_method(method, encoder, data, seed, out / CHECKPOINTS, **chosen)
    debiaser.save_pretrained(out)
    debiased = debiaser.apply(encoder)
    after, before = (
        audit_model(e, judged, stimuli, k=k, seed=seed, batch_size=batch_size)
        for e in (debiased, encoder)
    )
    report = after.beside(before)
    report.save(out / REPORT)
    return Debiased(debiaser, debiased, report)


def parts(images: Source, attributes: Sequence[str]) -> tuple[ImageSet, ...]:
    """Train, validation and test, with the attributes and all else that looks like labels.

    What else is known of a face goes into its caption; an attribute may be a column that does not
    look like labels, such as one of integers.

    Raises:
        NotFoundError, InputError: see `partition`.
    """
    if isinstance(images, ImageSet):
        return partition(images)
    found = partition(images, categories=attributes)
    others = find_categories(found[0].data, found[0].image_column, found[0].name, None)
    every = tuple(dict.fromkeys((*found[0].categories, *others)))
    return tuple(dataclasses.replace(part, categories=every) for part in found)


def relabelled(
    images: ImageSet, attributes: Sequence[str], exclude: Sequence[tuple[str, str]] = ()
) -> ImageSet:
    """The images with the labels that debiasing knows: age groups, and none for what is left out.

    Raises:
        InputError: no such column, or a subgroup to leave out is not there.
    """
    columns = dict(attribute_labels(images, a, exclude) for a in attributes)
    data = images.data.select_columns([images.image_column])
    for category, labels in columns.items():
        data = data.add_column(category, labels.tolist())
    return dataclasses.replace(images, data=data, categories=tuple(columns))


def _refuse_idle(exclude: Sequence[tuple[str, str]], attributes: Sequence[str]) -> None:
    """Raise for an exclusion that would do nothing."""
    if not attributes:
        raise InputError("name an attribute to debias for, such as gender")
    known = {canonical_category(a) for a in attributes}
    known |= {"age", "age_group"} if known & {"age", "age_group"} else set()
    for category, subgroup in exclude:
        if canonical_category(category) not in known:
            raise InputError(
                f"cannot leave out {category}={subgroup}: {category} is not among the attributes "
                f"to debias for, {', '.join(attributes)}"
            )


def _check_out(out: Path, new: Debiaser) -> None:
    """Raise unless ``out`` is free, or holds an earlier result of the same method and model.

    Raises:
        InputError: it holds something else, or cannot be written.
    """
    check_folder(out / REPORT)
    if (out / DESCRIPTION).is_file():
        old = Debiaser.from_pretrained(out)
        if (old.method, old.base_fingerprint) != (new.method, new.base_fingerprint):
            raise InputError(
                f"{out} holds {old.base} debiased by {old.method}: choose another --out"
            )
    elif out.is_dir() and any(p.name not in (CHECKPOINTS, REPORT) for p in out.iterdir()):
        raise InputError(f"{out} holds files of other origin: choose another --out")
