"""Joint vision-language debiasing with counterfactual images: ours, after arXiv 2411.12785.

Zhang, Guo, Kankanhalli (CVPR 2025) train a small module on frozen embeddings, one part of it for
both modalities: captions that name another subgroup shall have the same similarities to images,
and the image's bias shall be distributed like its caption's. `joint_published` is that. On
``unskew/mini`` and gender it does not help, and this is what does. The form of the module, soft
targets in place of distances, the temperature and the choice by ABLE stay. What changed, and what
MaxSkew@200 of the validation faces became without it (0.342 before debiasing, 0.071 as it is, 0.05
by chance; seed 0, all other things equal):

* Images have counterfactuals. A face's place along the axes between the subgroups' means is
  exchanged for that of a face of another subgroup. Without them 0.343: as published, the images'
  term asks that a face keeps all its similarities to captions, those that name gender among them,
  so nothing moves images. Their means stay 0.57 apart, while those of captions come as close as
  here (0.83 to 0.27). And it is the axis of the images along which neutral prompts lean: with that
  projected out of the prompts 0.054 is left, with the texts' own gender direction 0.221.
* What goes in and whose similarities should come out are two independent draws of "the face as it
  is, or counterfactual". With the face as it is for target, always, 0.349: the rest of a face tells
  gender too, so the module reads it there and puts it back. Texts are few: all versions are shown,
  and the target is the mean over them, which is the same in expectation.
* Every subgroup is as likely in a draw, the own included; for two that is the paper's coin.
* Bias alignment is gone. It is zero where nothing is moved, and it holds both modalities there:
  with a weight of 0.1 beside the rest 0.169, with the published weight, 0.7, 0.339.
* The last ReLU is gone, and training starts from heads that change nothing. With it, from random
  weights, 0.271; from nothing it could not start, since its gradient is zero there. A random start
  alone, untrained, gives 0.275, 0.339 or 0.359, by the seed: gains of that size prove no method.
* The queue is drawn anew from the data at every step, half faces and half general images. Frozen
  embeddings do not age, and the published queue begins as noise, of which 6,400 images replace the
  last in the eleventh epoch.
* General images and prompts without a subgroup are held in place (`keep`). Without that 0.057, but
  utility falls by 1.9 points even on photos the built-in model has seen, here by 0.3.
* Adam's rate is 1e-3, falling, for 300 steps. At the published 5e-6 a weight moves by about 0.0065
  at most in 100 epochs of 6,400 images (13 steps each), a quarter of a typical first weight.

All this is gender. By the same measure on the validation faces, without a score to choose by, race
goes from 0.450 to 0.190 (chance 0.132), age groups from 0.423 to no better than 0.407 (chance
0.101) and all three crossed from 1.136 to 1.097 (chance 0.80). With age it is the text head that
spoils it: the image head alone reaches 0.236, the text head alone raises it to 0.644, since what
it learns from a few dozen prompts moves other prompts too.

Real captions with the identity swapped, shown beside the prompts (`swapped_captions`, 0 unless
asked for), help a little: with 200 of Flickr8k MaxSkew of gender goes from 0.082 to 0.074 and from
0.084 to 0.079 (seeds 0 and 1, without a score to choose by), recall@5 of photos the model has seen
from 0.986 to 0.991, and other captions' two versions come twice as close (0.155 to 0.082); of age
groups, with 69 such captions, from 0.356 to 0.347 and from 0.395 to 0.353.

Like the paper's, it aims at similarities, not at what a probe can find: the subgroups' means come
together, and a linear probe on other directions still tells gender of 0.88 of the validation
faces, 0.89 before. Where that matters, use LEACE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unskew.debias.fitting import FittingData
from unskew.debias.joint_parts import (
    Best,
    Score,
    distillation,
    image_head,
    log_similarities,
    new_heads,
    unit,
)
from unskew.encoders.heads import Heads
from unskew.errors import InputError

CHECK_EVERY = 50
"""Steps between two looks at the score."""
TINY = 1e-5
"""Singular values of the subgroup means below this share of the largest are rounding."""


def fit(
    data: FittingData,
    seed: int = 0,
    *,
    temperature: float = 0.07,
    learning_rate: float = 1e-3,
    steps: int = 300,
    batch_size: int = 256,
    queue: int = 1024,
    keep: float = 3.0,
    hidden: int = 1024,
    image_hidden: int = 512,
    swapped_captions: int = 0,
    swap: Callable[[int], np.ndarray] | None = None,
    score: Score | None = None,
) -> Heads:
    """Both heads, trained on embeddings; the module's docstring says how and why.

    Args:
        seed: of the first weights and of every draw.
        temperature: of all similarities.
        learning_rate: Adam's at the start; it falls to 0 along a cosine.
        steps, batch_size: of training; faces in a batch.
        queue: images that similarities are taken to, half of them general where there are any.
        keep: weight of the squared moves of general images and neutral prompts.
        hidden, image_hidden: widths of the shared module and of the one for images alone.
        swapped_captions: at most so many captions of general images are shown beside the prompts,
            each in the version of every subgroup.
        swap: makes them: (r, S, d) of at most so many, see `counterfactual.swapped_captions`.
        score: of held-out data, higher is better; the best of the looks every 50 steps is kept.
            Without it, the last weights.

    Raises:
        InputError: a subgroup without words, a subgroup without images, or an option out of range.
    """
    _check(temperature, learning_rate, keep, (steps, batch_size, queue, hidden, image_hidden))
    source = Source.of(data, _shown(swapped_captions, swap))
    heads = new_heads(source.faces.shape[1], hidden, image_hidden, seed, rectified=False)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(image_head(heads).parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    best = Best(score)
    for step in range(1, steps + 1):
        loss = joint_loss(heads, source.draw(batch_size, queue, generator), temperature, keep)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % CHECK_EVERY == 0 or step == steps:
            best.look(heads)
    return best.restore(heads)


def _shown(most: int, swap: Callable[[int], np.ndarray] | None) -> np.ndarray | None:
    """Raises InputError for a number below 0, or captions that nothing can make."""
    if most < 0:
        raise InputError(f"swapped_captions is {most}; give 0 or the most captions to show")
    if most and swap is None:
        raise InputError("swapped_captions needs what swaps them: fit by name, with fit_method")
    return swap(most) if most and swap else None


def _check(temperature: float, learning_rate: float, keep: float, counts: tuple[int, ...]) -> None:
    if not (temperature > 0 and learning_rate > 0 and keep >= 0):
        raise InputError(
            f"temperature is {temperature}, learning_rate {learning_rate} and keep {keep}; the "
            "first two must be above 0, and keep at least 0"
        )
    if min(counts) < 1:
        raise InputError(
            "steps, batch_size, queue, hidden and image_hidden must each be at least 1, not "
            f"{', '.join(map(str, counts))}"
        )


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    ``seen``, ``meant``: (b, d), two independent draws of the same faces, each as it is or
    counterfactual: what goes in, and whose similarities should come out.
    ``versions``: (r, S, d), texts that differ in the subgroup alone.
    ``images``, ``texts``: (m, d), (t, d), what similarities are taken to.
    ``general``, ``neutral``: (g, d), (q, d), images and texts that should stay.
    """

    seen: Tensor
    meant: Tensor
    versions: Tensor
    images: Tensor
    texts: Tensor
    general: Tensor
    neutral: Tensor


def joint_loss(heads: Heads, batch: Batch, temperature: float, keep: float) -> Tensor:
    """(L_text + L_image) / 2 + keep * (mean squared moves of neutral texts + general images)."""
    assert heads.image is not None
    assert heads.text is not None

    def similarities(x: Tensor, asked: Tensor) -> Tensor:
        return log_similarities(x, asked, temperature)

    same = similarities(batch.versions, batch.images).exp().mean(dim=1, keepdim=True)
    shown = unit(heads.text(batch.versions))
    text = distillation(same, similarities(shown, batch.images))
    seen = unit(heads.image(batch.seen))
    image = torch.zeros(())
    for asked in (batch.images, batch.texts):
        meant = similarities(batch.meant, asked).exp()
        image = image + distillation(meant, similarities(seen, asked)) / 2
    moves = _mean_square(heads.text(batch.neutral) - batch.neutral)
    moves = moves + _mean_square(heads.image(batch.general) - batch.general)
    return (text + image) / 2 + keep * moves


def _mean_square(moves: Tensor) -> Tensor:
    """Mean squared length of the rows (n, d); 0 where there are none."""
    return moves.square().sum() / max(1, len(moves))


@dataclass(frozen=True)
class Source:
    """What batches are drawn from.

    ``faces``: (n, d) with ``labels`` (n,). ``axes``: (r, d), orthonormal; they span the
    differences between the means of the subgroups. ``order``: (n,) the faces by subgroup, of which
    subgroup s has ``count[s]``, from ``first[s]`` on. The rest as in `Batch`.
    """

    faces: Tensor
    labels: Tensor
    axes: Tensor
    order: Tensor
    first: Tensor
    count: Tensor
    general: Tensor
    versions: Tensor
    texts: Tensor
    neutral: Tensor

    @classmethod
    def of(cls, data: FittingData, swapped: np.ndarray | None = None) -> Source:
        """``swapped``: more texts (r, S, d) that differ in the subgroup alone.

        Raises:
            InputError: a subgroup without words, or without images.
        """
        words = data.texts
        faces, labels = torch.as_tensor(data.fit.embeddings), torch.as_tensor(data.fit.labels)
        count = torch.bincount(labels, minlength=len(data.subgroups))
        if not count.all():
            raise InputError(
                f"no image of {data.subgroups[int(count.argmin())]!r} to fit on; leave that "
                "subgroup out"
            )
        captions = words.captions[np.unique(words.caption_of, axis=0)]
        versions = np.concatenate([captions, words.prompts.swapaxes(0, 1)])
        if swapped is not None:
            versions = np.concatenate([versions, swapped])
        texts = np.concatenate([versions.reshape(-1, versions.shape[-1]), words.neutral])
        return cls(
            faces=faces,
            labels=labels,
            axes=subgroup_axes(faces, labels, len(count)),
            order=torch.argsort(labels, stable=True),
            first=count.cumsum(0) - count,
            count=count,
            general=torch.as_tensor(data.preserve),
            versions=torch.as_tensor(versions),
            texts=torch.as_tensor(texts),
            neutral=torch.as_tensor(words.neutral),
        )

    def draw(self, size: int, queue: int, generator: torch.Generator) -> Batch:
        """A batch of `size` faces and as many general images, and a queue of images."""
        chosen = _some(self.faces, size, generator)
        general = self.general[_some(self.general, queue // 2, generator)]
        images = self.faces[_some(self.faces, queue - len(general), generator)]
        return Batch(
            seen=self.drawn(chosen, generator),
            meant=self.drawn(chosen, generator),
            versions=self.versions,
            images=torch.cat([images, general]),
            texts=self.texts,
            general=self.general[_some(self.general, size, generator)],
            neutral=self.neutral,
        )

    def drawn(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """The chosen faces (b, d), each of a subgroup drawn at random: its own, or another.

        For another one, the face's place along the axes becomes that of a random face of it.
        """
        subgroup = torch.randint(len(self.count), chosen.shape, generator=generator)
        place = (torch.rand(chosen.shape, generator=generator) * self.count[subgroup]).long()
        mates = self.order[self.first[subgroup] + place]
        mates = torch.where(subgroup == self.labels[chosen], chosen, mates)
        faces = self.faces[chosen]
        return unit(faces + (self.faces[mates] - faces) @ self.axes.T @ self.axes)


def subgroup_axes(faces: Tensor, labels: Tensor, subgroups: int) -> Tensor:
    """Orthonormal rows (r, d), r < subgroups, spanning the differences of the subgroups' means."""
    means = torch.stack([faces[labels == s].mean(dim=0) for s in range(subgroups)])
    _, sizes, axes = torch.linalg.svd(means - means.mean(dim=0), full_matrices=False)
    return axes[sizes > TINY * sizes[0]]


def _some(rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` places among the rows, drawn with replacement; none where there are no rows."""
    return torch.randint(max(1, len(rows)), (size if len(rows) else 0,), generator=generator)
