"""One run: a model and labelled images in; a debiased model and what changed out."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unskew.audit import AuditReport, audit_model
from unskew.audit.embedded import MIN_ITEMS, read_labels
from unskew.audit.save import UTILITY, check_folder, save_report
from unskew.corpora import CaptionedSet, ImageSet, partition, refuse_shared_images
from unskew.corpora.columns import find_categories
from unskew.corpora.load import Source
from unskew.debias.cost import NOT_MEASURED, UtilityChange, answers, utility_changes
from unskew.debias.fitting import CROSSED, FittingData, attribute_labels, fitting_data
from unskew.debias.methods import find_method, fit_method
from unskew.debias.options import check_options
from unskew.debias.prepare import check_length
from unskew.debias.preserve import MOST_PRESERVED, general_images
from unskew.debias.validation import POOL_SHARE
from unskew.encoders import Debiaser, DualEncoder
from unskew.encoders.folder import DESCRIPTION
from unskew.errors import InputError
from unskew.stimuli import Stimuli, canonical_category, load_identities

CHECKPOINTS = "checkpoints"
REPORT = "report"


@dataclass(frozen=True)
class Debiased:
    """``encoder``: the debiased model. ``report``: its audit on the test part, beside the one of
    the model it was made from. ``utility``: what it cost, empty where nothing could be measured."""

    debiaser: Debiaser
    encoder: DualEncoder
    report: AuditReport
    utility: tuple[UtilityChange, ...]


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
    config: str | None = None,
) -> Debiased | None:
    """Debias a dual encoder, save it, and audit it before and after on images held out.

    The model as it is, is audited before anything is fitted, so that what the report cannot be
    made of is said before the long work. Of several processes (torchrun), the one of rank 0 audits
    and writes; the others return None.

    Args:
        method: one of `unskew.debias.METHODS`.
        model: an encoder, a Hub id or a path.
        images: fitted on its train part; the validation part is for choices, the test part is
            audited. See `unskew.corpora.partition`.
        attributes: label columns to debias for; several are crossed.
        out: folder for the debiased encoder, and in it ``report/``. A training run that was
            stopped goes on from the checkpoints it left here.
        preserve: general images that should stay as they are; the held-out part of those with
            captions or classes shows what was lost. See `general_images`.
        preserve_limit: images taken of each of them.
        exclude: (attribute, subgroup) to leave out.
        identities: a file of words for the subgroups; the shipped ones by default.
        options: the method's own.
        stimuli: what the audit asks; see `audit_model`.
        k: length of the ranked list; a quarter of the test images by default.
        seed: of every random draw.
        batch_size: images per forward.
        device, dtype: of a model that is named; see `DualEncoder.from_pretrained`.
        config: the configuration of ``images``, where a data set has several.

    Raises:
        InputError: see the message; nothing is written, and an earlier result in ``out`` stays.
        NotFoundError: no such model, image set or file.
    """
    out = Path(out)
    chosen = check_options(find_method(method).options(), options or {}, method)
    _refuse_idle(exclude, attributes)
    train, validation, test = parts(images, attributes, config)
    general = [general_images(source, preserve_limit) for source in preserve]
    kept = [g.kept for g in general]
    held_out = [g.held_out for g in general if g.held_out is not None]
    refuse_shared_images([train, *kept], validation, [test, *held_out])
    judged, remarks = relabelled(test, attributes, exclude)
    read_labels(judged)  # said before the model is loaded
    check_length(k, judged, len(judged))
    k = k or max(1, round(len(judged) / POOL_SHARE))  # as a comparison has it
    words = load_identities(identities)
    encoder = (
        model
        if isinstance(model, DualEncoder)
        else DualEncoder.from_pretrained(model, device, dtype)
    )
    own = tuple(attribute_labels(test, a)[0] for a in attributes)
    _check_out(out, Debiaser.of(encoder, method=method, attributes=own))
    audit = partial(
        audit_model, images=judged, stimuli=stimuli, k=k, seed=seed, batch_size=batch_size
    )
    writes = os.environ.get("RANK", "0") == "0"
    before = audit(encoder) if writes else None
    asked = [answers(encoder, s, batch_size) for s in held_out] if writes else []
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
    begun = time.perf_counter()
    debiaser = fit_method(method, encoder, data, seed, out / CHECKPOINTS, **chosen)
    seconds = time.perf_counter() - begun
    if before is None:
        return None
    remarks = [*_remarks(data), *remarks]
    debiaser = _noted(debiaser, data, remarks, _cost(encoder, seconds))
    debiased = debiaser.apply(encoder)
    utility = utility_changes(asked, [answers(debiased, s, batch_size) for s in held_out])
    cost = [u.sentence for u in utility] or [NOT_MEASURED]
    report = audit(debiased).beside(before)
    report = dataclasses.replace(report, notes=(*cost, *remarks, *report.notes))
    listed = json.dumps([dataclasses.asdict(u) for u in utility], indent=1, ensure_ascii=False)
    save_report(
        report,
        out / REPORT,
        also={UTILITY: listed + "\n"} if utility else {},
        between=lambda: debiaser.save_pretrained(out),
    )
    return Debiased(debiaser, debiased, report, tuple(utility))


def parts(
    images: Source, attributes: Sequence[str], config: str | None = None
) -> tuple[ImageSet, ...]:
    """Train, validation and test, with the attributes and all else that looks like labels.

    What else is known of a face goes into its caption; an attribute may be a column that does not
    look like labels, such as one of integers.

    Raises:
        NotFoundError, InputError: see `partition`.
    """
    if isinstance(images, ImageSet):
        return partition(images, config=config)
    found = partition(images, categories=attributes, config=config)
    others = find_categories(found[0].data, found[0].image_column, found[0].name, None)
    every = tuple(dict.fromkeys((*found[0].categories, *others)))
    return tuple(dataclasses.replace(part, categories=every) for part in found)


def relabelled(
    images: ImageSet, attributes: Sequence[str], exclude: Sequence[tuple[str, str]] = ()
) -> tuple[ImageSet, list[str]]:
    """The images with the labels that debiasing knows, and remarks on what is not judged.

    Ages are groups, several attributes are also crossed, and images without a label in each, or
    of a subgroup that is left out, are gone. A crossing with too few images of a subgroup to be
    audited is not among the categories.

    Raises:
        InputError: no such column, or a subgroup to leave out is not there.
    """
    columns = dict(attribute_labels(images, a, exclude) for a in attributes)
    rows = np.flatnonzero(np.all([[v is not None for v in c] for c in columns.values()], axis=0))
    remarks = _left_out(images, len(rows), tuple(columns), "judged on")
    labels = {category: column[rows].tolist() for category, column in columns.items()}
    if len(columns) > 1:
        name = CROSSED.join(columns)
        crossed = [CROSSED.join(parts) for parts in zip(*labels.values(), strict=True)]
        few = [(s, n) for s, n in sorted(Counter(crossed).items()) if n < MIN_ITEMS]
        if few:
            remarks.append(
                f"{images.name}: {name} is not audited, since {few[0][0]!r} has {few[0][1]} "
                f"images; at least {MIN_ITEMS} are needed."
            )
        else:
            labels[name] = crossed
    data = images.data.select(rows).select_columns([images.image_column])
    for category, values in labels.items():
        data = data.add_column(category, values)
    return dataclasses.replace(images, data=data, categories=tuple(labels)), remarks


def _remarks(data: FittingData) -> list[str]:
    """What was left out of the images fitted on and chosen by."""
    remarks = []
    for part, use in ((data.fit, "fitted on"), (data.validation, "chosen by")):
        remarks += [part.images.note] if part.images.note else []
        remarks += _left_out(part.images, len(part), data.attributes, use)
    return list(dict.fromkeys([*remarks, *data.notes]))


def _left_out(images: ImageSet, n: int, attributes: Sequence[str], use: str) -> list[str]:
    if n == len(images):
        return []
    return [
        f"{n} of {len(images)} images of {images.name} are {use}; the others lack a label in "
        f"{' or '.join(attributes)}, are of a subgroup left out, or cannot be read."
    ]


def _cost(encoder: DualEncoder, seconds: float) -> dict[str, Any]:
    """Of the fit alone; a run that went on from checkpoints counts from where it went on."""
    device = encoder.device
    return {
        "seconds": round(seconds, 3),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "threads": torch.get_num_threads(),
    }


def _noted(
    debiaser: Debiaser, data: FittingData, remarks: Sequence[str], cost: Mapping[str, Any]
) -> Debiaser:
    """With how many images there were to fit on, why some were not used, and what it took."""
    described = dict(debiaser.settings["data"])
    for role, part in (("fit", data.fit), ("validation", data.validation)):
        described[role] = {**described[role], "of": len(part.images)}
    settings = {**debiaser.settings, "data": {**described, "notes": list(remarks)}, "cost": cost}
    return dataclasses.replace(debiaser, settings=settings)


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
    """Raise unless ``out`` is free, or holds an earlier result of the same method, model and
    attributes.

    Raises:
        InputError: it holds something else, or cannot be written.
    """
    check_folder(out / REPORT)
    if (out / DESCRIPTION).is_file():
        old = Debiaser.from_pretrained(out)
        if _identity(old) != _identity(new):
            raise InputError(
                f"{out} holds {old.base} debiased by {old.method} for "
                f"{' and '.join(old.attributes)}: choose another --out"
            )
    elif out.is_dir() and any(p.name not in (CHECKPOINTS, REPORT) for p in out.iterdir()):
        raise InputError(f"{out} holds files of other origin: choose another --out")


def _identity(debiaser: Debiaser) -> tuple[str, str, frozenset[str]]:
    return debiaser.method, debiaser.base_fingerprint, frozenset(debiaser.attributes)
