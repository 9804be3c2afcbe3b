"""Joint vision-language debiasing as published.

Zhang, Guo, Kankanhalli, "Joint Vision-Language Social Bias Removal for CLIP", CVPR 2025, arXiv
2411.12785. Both towers stay frozen. A module with non-negative output is added to the embedding,
``outer`` for both modalities and ``inner`` before it for images alone (`ResidualMLP`); what it
takes away is the embedding's bias. With s the original and s' the debiased embeddings' similarities
to a queue of originals, softmax at temperature 0.07, it minimises

    L = alpha (L_text + L_image) / 2 + (1 - alpha) L_ba
    L_text  = - sum s(t) log s'(a(t, t'))  over the image queue; t' names another subgroup, and
              a picks t or t' by one coin for the batch
    L_image = - sum s(v) log s'(v)  over the text queue: there are no counterfactual images
    L_ba    = KL(p(bias of t) || p(bias of v)), bias = unit(f) - unit(f + residual), each over the
              queue of its own modality; the gradient goes to both sides

From the sixth epoch on, 0.4 of the targets are those of a slow average of the heads. The queues
start as noise and take in original embeddings, first in, first out. The paper writes f minus a
bias; the released code adds a residual that is never negative, and so does this.

What differs from the released code: the embeddings are of unit length before the module too. ReLU
networks are homogeneous, so on embeddings c times longer the same network computes what one with
biases divided by c computes on these: only the first biases, of the size of the weights, count for
more here. Batches are shuffled. The other subgroup is drawn evenly among the others; the released
draws for race favour one index. The score may be any; theirs is ABLE too.

On ``unskew/mini`` this does not help: `joint` says why.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unskew.debias.fitting import FittingData
from unskew.debias.joint_parts import (
    Best,
    Score,
    bias_alignment,
    distillation,
    image_head,
    log_similarities,
    new_heads,
    unit,
)
from unskew.encoders.heads import Heads
from unskew.errors import InputError

MOMENTUM = 0.995
MOMENTUM_SHARE = 0.4
MOMENTUM_EPOCH = 5
"""Epochs, counted from 0, from which on the slow average has a share in the targets."""
CHECK_EVERY, PATIENCE = 2, 10
"""Epochs between two looks at the score; looks without gain after which training stops."""


def fit(
    data: FittingData,
    seed: int = 0,
    *,
    alpha: float = 0.3,
    temperature: float = 0.07,
    learning_rate: float = 5e-6,
    batch_size: int = 512,
    epochs: int = 100,
    queue: int = 65_536,
    hidden: int = 1024,
    image_hidden: int = 512,
    score: Score | None = None,
) -> Heads:
    """Both heads, trained on embeddings as the module's docstring says; all defaults as published.

    Args:
        seed: of the first weights and of every draw.
        alpha: weight of the counterfactual terms; 1 - alpha is that of bias alignment.
        queue: embeddings per modality. Time and memory go with it: at its default a step
            compares 512 x 66,048 similarities several times over, seconds on one core.
        hidden, image_hidden: widths of the shared module and of the one for images alone.
        score: of held-out data, higher is better. It is looked at every 2 epochs, the best is
            kept, and 10 looks without gain end training. Without it, the last weights.

    Raises:
        InputError: a subgroup without words, or an option out of range.
    """
    _check(alpha, temperature, learning_rate, (batch_size, epochs, queue, hidden, image_hidden))
    texts, faces = data.texts, torch.as_tensor(data.fit.embeddings)
    labels, caption_of = torch.as_tensor(data.fit.labels), torch.as_tensor(texts.caption_of)
    captions = torch.as_tensor(texts.captions)
    generator = torch.Generator().manual_seed(seed)
    heads = new_heads(faces.shape[1], hidden, image_hidden, seed, rectified=True)
    slow = copy.deepcopy(heads)
    queues = Queues.noise(queue, faces.shape[1], generator)
    optimiser = torch.optim.Adam(image_head(heads).parameters(), lr=learning_rate)
    best = Best(score)
    for epoch in range(epochs):
        for chosen in torch.randperm(len(faces), generator=generator).split(batch_size):
            own = labels[chosen]
            other = other_subgroup(own, len(data.subgroups), generator)
            batch = Batch(
                faces[chosen],
                captions[caption_of[chosen, own]],
                captions[caption_of[chosen, other]],
                swapped=bool(torch.rand((), generator=generator) < 0.5),
            )
            share = MOMENTUM_SHARE if epoch >= MOMENTUM_EPOCH else 0.0
            loss = published_loss(heads, slow, batch, queues, alpha, temperature, share)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            follow(image_head(slow), image_head(heads))
            queues.push(batch.faces, batch.captions)
        if (epoch + 1) % CHECK_EVERY == 0 or epoch + 1 == epochs:
            best.look(heads)
            if best.misses >= PATIENCE:
                break
    return best.restore(heads)


def _check(alpha: float, temperature: float, learning_rate: float, counts: tuple[int, ...]) -> None:
    if not (0 <= alpha <= 1 and temperature > 0 and learning_rate > 0):
        raise InputError(
            f"alpha is {alpha}, temperature {temperature} and learning_rate {learning_rate}; "
            "alpha must lie within 0 and 1, the others above 0"
        )
    if min(counts) < 1:
        raise InputError(
            "batch_size, epochs, queue, hidden and image_hidden must each be at least 1, not "
            f"{', '.join(map(str, counts))}"
        )


@dataclass
class Queues:
    """The last original embeddings, (m, d) of each modality, row i of both from one image."""

    faces: Tensor
    captions: Tensor
    next: int = 0

    @classmethod
    def noise(cls, size: int, dim: int, generator: torch.Generator) -> Queues:
        """Random unit vectors."""
        faces, captions = unit(torch.randn(2, size, dim, generator=generator))
        return cls(faces, captions)

    def push(self, faces: Tensor, captions: Tensor) -> None:
        """Put these in the place of the oldest."""
        size = len(self.faces)
        faces, captions = faces[-size:], captions[-size:]
        places = (self.next + torch.arange(len(faces))) % size
        self.faces[places], self.captions[places] = faces, captions
        self.next = (self.next + len(faces)) % size


@dataclass(frozen=True)
class Batch:
    """Faces (b, d), their captions, and those of another subgroup, shown instead if `swapped`."""

    faces: Tensor
    captions: Tensor
    counterfactuals: Tensor
    swapped: bool


def published_loss(
    heads: Heads,
    slow: Heads,
    batch: Batch,
    queues: Queues,
    alpha: float,
    temperature: float,
    share: float,
) -> Tensor:
    """alpha (L_text + L_image) / 2 + (1 - alpha) L_ba; `share` is that of the slow heads."""
    assert heads.image is not None
    assert heads.text is not None
    images = torch.cat([batch.faces, queues.faces])
    texts = torch.cat([batch.captions, queues.captions])

    def similarities(x: Tensor, queue: Tensor) -> Tensor:
        return log_similarities(x, queue, temperature)

    def targets(x: Tensor, slow_head: nn.Module | None, queue: Tensor) -> Tensor:
        original = similarities(x, queue).exp()
        if share == 0:
            return original
        assert slow_head is not None
        with torch.no_grad():
            moved = similarities(unit(slow_head(x)), queue).exp()
        return share * moved + (1 - share) * original

    face, caption = unit(heads.image(batch.faces)), unit(heads.text(batch.captions))
    shown = unit(heads.text(batch.counterfactuals)) if batch.swapped else caption
    text = distillation(targets(batch.captions, slow.text, images), similarities(shown, images))
    image = distillation(targets(batch.faces, slow.image, texts), similarities(face, texts))
    aligned = bias_alignment(
        similarities(batch.captions - caption, texts), similarities(batch.faces - face, images)
    )
    return alpha * (text + image) / 2 + (1 - alpha) * aligned


def other_subgroup(own: Tensor, subgroups: int, generator: torch.Generator) -> Tensor:
    """For each subgroup (b,) one of the others, each as likely."""
    return (own + torch.randint(1, subgroups, own.shape, generator=generator)) % subgroups


def follow(slow: nn.Module, fast: nn.Module) -> None:
    """Move the slow average a step towards the weights."""
    with torch.no_grad():
        for average, weight in zip(slow.parameters(), fast.parameters(), strict=True):
            average.lerp_(weight, 1 - MOMENTUM)
