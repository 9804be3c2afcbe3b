"""What adversarial training works on: fitting data, laid out for one modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from unskew.corpora import CaptionedSet
from unskew.debias.adversary import Adversary
from unskew.debias.batches import Pictures, Sampler, Words, readable
from unskew.debias.counterfactual import identity_texts
from unskew.debias.fitting import FittingData
from unskew.debias.modality import Modality, Swaps, Weights
from unskew.debias.swaps import swapped_photos
from unskew.encoders import DualEncoder
from unskew.stimuli import Identities

GENERAL_SHARE = 4
"""One in so many items of a batch is general, if there are any."""
BANK = 512
"""Texts, or images, to which similarities are kept."""


@dataclass(frozen=True)
class Plan:
    """``shards``: forwards that a batch is divided among. ``adversary``: learning rate and steps
    of its network."""

    batch_size: int
    shards: int
    seed: int
    weights: Weights
    adversary: tuple[float, int]

    def modality(
        self,
        device: torch.device,
        items: Pictures | Words,
        originals: np.ndarray,
        targets: np.ndarray,
        bank: np.ndarray,
        labels: Mapping[str, np.ndarray],
        swaps: Swaps | None = None,
    ) -> Modality:
        """The first items are those with `labels`; see `Modality`."""
        first, *_ = labels.values()
        count = len(first)
        general = self.batch_size // GENERAL_SHARE if len(items) > count else 0
        embeddings = torch.from_numpy(originals).to(device)
        placed = {a: torch.from_numpy(np.asarray(v)).long().to(device) for a, v in labels.items()}
        draws = torch.Generator().manual_seed(self.seed)
        sampler = Sampler(
            (count, len(items) - count),
            self.batch_size - general,
            general,
            self.shards,
            self.seed,
        )
        return Modality(
            items=items,
            originals=embeddings,
            targets=torch.from_numpy(targets).to(device),
            bank=torch.from_numpy(bank).to(device),
            labels=placed,
            adversaries={
                a: Adversary(embeddings[:count], v, *self.adversary, draws)
                for a, v in placed.items()
            },
            sampler=sampler,
            weights=self.weights,
            swaps=swaps,
        )

    def some(self, rows: np.ndarray, most: int) -> np.ndarray:
        """At most so many of the rows, always the same ones."""
        rng = np.random.default_rng(self.seed)
        return rows if len(rows) <= most else rows[rng.permutation(len(rows))[:most]]


def images(encoder: DualEncoder, data: FittingData, plan: Plan) -> Modality:
    """Labelled images, then the general ones; texts whose similarities to both are kept.

    Raises:
        InputError: captions with the identity swapped are wanted, and there are none.
    """
    kept = [(s, readable(encoder, s, plan.batch_size)) for s in data.preserve_images]
    bank = [plan.some(encoder.embed_texts(_captions(data)), BANK)]
    if data.named is not None:
        # Of the prompts that name subgroups the mean: what tells them apart is not to be kept.
        bank += [data.named.neutral, data.named.prompts.mean(axis=0)]
    originals = np.concatenate([data.fit.embeddings, data.preserve])
    swaps = None
    if plan.weights.swapped:
        photos = swapped_photos(encoder, data, [rows for _, rows in kept])
        counts = len(data.fit.embeddings), len(data.preserve)
        swaps = photos.swaps(*counts, encoder.device)
    return plan.modality(
        encoder.device,
        Pictures(encoder, [(data.fit.images, data.fit.rows), *kept]),
        originals,
        originals,
        np.concatenate(bank),
        {a: labels for a, (_, labels) in data.fit.by_attribute.items()},
        swaps,
    )


def texts(
    encoder: DualEncoder, data: FittingData, plan: Plan, words: Identities, counterfactual: bool
) -> Modality:
    """Texts that name subgroups, then captions of general images; the bank is of images.

    Raises:
        InputError: a subgroup has no words.
    """
    named = identity_texts(data, words)
    captions = _captions(data)
    embedded, kept = encoder.embed_texts(named.texts), encoder.embed_texts(captions)
    targets = named.neutralised(embedded) if counterfactual else embedded
    return plan.modality(
        encoder.device,
        Words(encoder, [*named.texts, *captions]),
        np.concatenate([embedded, kept]),
        np.concatenate([targets, kept]),
        np.concatenate([plan.some(e, BANK // 2) for e in (data.fit.embeddings, data.preserve)]),
        named.by_attribute,
    )


def _captions(data: FittingData) -> list[str]:
    """The first caption of every general image that has one."""
    sets = [s for s in data.preserve_images if isinstance(s, CaptionedSet)]
    return [captions[0] for s in sets for captions in s.captions]
