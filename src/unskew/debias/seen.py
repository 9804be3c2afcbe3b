"""Held-out images and the texts asked of them, as one encoder sees them.

Embedded once for the original; a debiaser that is heads alone is a map of these embeddings, so
judging it costs no forward and no reading of images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unskew.audit.texts import Texts, prompts_of
from unskew.corpora import CaptionedSet, ImageSet, refuse_shared_images
from unskew.debias.fitting import Labelled, attribute_labels, labelled
from unskew.debias.utility import Classified, Photos, class_labels, classified, headed, photos
from unskew.encoders import LabelledEmbeddings, PrecomputedEncoder
from unskew.encoders.heads import Heads
from unskew.errors import InputError
from unskew.stimuli import Stimuli, load_stimuli

MIN_ITEMS = 4
"""Fewest images of a subgroup, as in the audit."""


@dataclass(frozen=True)
class HeldOut:
    """The image sets that are judged on; no image of theirs may be fitted on or chosen by.

    ``in_domain``: of the same kind as the images fitted on. ``out_of_domain``: labelled in the
    same attributes. ``retrieval``: photos with captions. ``zero_shot``: its one category is the
    class. What is None is not judged.
    """

    in_domain: ImageSet
    out_of_domain: ImageSet | None = None
    retrieval: CaptionedSet | None = None
    zero_shot: ImageSet | None = None

    @property
    def present(self) -> dict[str, ImageSet | CaptionedSet]:
        """The sets there are, by role."""
        return {role: s for role, s in vars(self).items() if s is not None}


@dataclass(frozen=True)
class Seen:
    """``probe``: images to fit a probe on. ``asked``: the stimuli whose prompts ``texts`` has."""

    name: str
    probe: Labelled
    in_domain: Labelled
    out_of_domain: Labelled | None
    photos: Photos | None
    classified: Classified | None
    asked: tuple[Stimuli, ...]
    prompts: tuple[str, ...]
    texts: Texts

    def through(self, heads: Heads, name: str) -> Seen:
        """What the encoder with these heads on top, called `name`, sees."""

        def faces(images: Labelled) -> Labelled:
            return replace(images, embeddings=headed(heads.image, images.embeddings))

        vectors = headed(heads.text, self.texts(self.prompts))
        given = PrecomputedEncoder(LabelledEmbeddings(vectors, {}, list(self.prompts), name))
        return replace(
            self,
            name=name,
            probe=faces(self.probe),
            in_domain=faces(self.in_domain),
            out_of_domain=None if self.out_of_domain is None else faces(self.out_of_domain),
            photos=None if self.photos is None else self.photos.through(heads),
            classified=None if self.classified is None else self.classified.through(heads),
            texts=Texts(given, self.prompts),
        )


def see(
    encoder: Any,
    held_out: HeldOut,
    attributes: Sequence[str],
    probe: Labelled,
    *,
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
) -> Seen:
    """Embed everything that is judged.

    Args:
        encoder: the model to judge.
        held_out: the image sets.
        attributes: label columns, as in `fitting_data`.
        probe: the images to fit the probe on, embedded anew with this encoder.
        exclude: (attribute, subgroup) to leave out.

    Raises:
        InputError: a set lacks an attribute or a subgroup of those fitted on, has other subgroups
            or too few images of one.
    """
    asked = tuple(load_stimuli(n) for n in ("ranking_benchmark", "mmbias", "contrast_prompts"))
    prompts = tuple(prompts_of(asked))

    def faces(images: ImageSet) -> Labelled:
        found = labelled(
            encoder,
            images,
            attributes,
            subgroups=probe.subgroups,
            exclude=exclude,
            batch_size=batch_size,
        )
        _refuse_few(found)
        return found

    outside, captioned, things = held_out.out_of_domain, held_out.retrieval, held_out.zero_shot
    pictures = probe.images.data.select(probe.rows)[probe.images.image_column]
    return Seen(
        name=encoder.name,
        probe=replace(probe, embeddings=encoder.embed_images(pictures, batch_size)),
        in_domain=faces(held_out.in_domain),
        out_of_domain=None if outside is None else faces(outside),
        photos=None if captioned is None else photos(encoder, captioned, batch_size),
        classified=None if things is None else classified(encoder, things, batch_size),
        asked=asked,
        prompts=prompts,
        texts=Texts(encoder, prompts),
    )


def check_held_out(
    held_out: HeldOut,
    attributes: Sequence[str],
    fitted: Sequence[ImageSet | CaptionedSet],
    validation: ImageSet,
    exclude: Sequence[tuple[str, str]] = (),
) -> None:
    """Raise InputError for sets that cannot be judged on, before anything is embedded.

    That is for labels that are missing, and for an image that is also fitted on or chosen by.
    """
    faces = [held_out.in_domain, held_out.out_of_domain]
    for images in (s for s in faces if s is not None):
        for attribute in attributes:
            attribute_labels(images, attribute, exclude)
    if held_out.zero_shot is not None:
        class_labels(held_out.zero_shot)
    inside = [s for role, s in held_out.present.items() if role != "out_of_domain"]
    outside = [] if held_out.out_of_domain is None else [held_out.out_of_domain]
    refuse_shared_images(fitted, validation, inside, outside)


def _refuse_few(faces: Labelled) -> None:
    for name, count in zip(faces.subgroups, np.bincount(faces.labels), strict=True):
        if count < MIN_ITEMS:
            raise InputError(
                f"{faces.images.name}: {name!r} has {count} images to be judged on, at least "
                f"{MIN_ITEMS} are needed; add some or leave it out"
            )
