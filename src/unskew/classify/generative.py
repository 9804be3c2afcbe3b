"""Pseudo-groups from a model that looks at an image and answers a question about it in words."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import length_hint
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from unskew.classify.answers import UNSURE, read_answer
from unskew.classify.pseudo_groups import PseudoGroups, absences
from unskew.encoders.fetching import explained
from unskew.encoders.images import UnreadableImageError, name_of, to_rgb, undecoded
from unskew.errors import InputError
from unskew.stimuli.descriptions import Question

MAX_NEW_TOKENS = 32


@dataclass(frozen=True)
class Answered:
    """What a model answered for n images, and the groups read out of it."""

    groups: PseudoGroups
    answers: tuple[str, ...]


def generative_groups(
    model: Any, images: Iterable[Any], question: Question, batch_size: int = 1
) -> Answered:
    """Ask `question` of every image; "unsure" is one more group, the last.

    In a strategy, images of that group are one more attribute: they are a group of their own in
    each class, neither guessed into another group nor left out of the training.

    Args:
        model: a Hub id or folder of an image-text-to-text model (LLaVA-NeXT, for one) whose
            processor has a chat template, or such a pipeline of transformers.
        images: n images in any form a `DualEncoder` reads.
        question: what to ask and how to read the answer; `load_descriptions` has some.
        batch_size: images per forward, at least 1; more is faster on a GPU.

    The most likely words are taken, at most 32 tokens, so the answers do not depend on chance.

    Raises:
        NotFoundError: no such model.
        InputError: the model takes no chat with images, no image, or one that cannot be read.
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, got {batch_size}")
    pipe = _pipeline(model)
    answers: list[str] = []
    pictures = iter(tqdm(_pictures(images), total=length_hint(images), desc="Asking", disable=None))
    with _padded_left(pipe):
        while block := list(islice(pictures, batch_size)):
            answers += _answers(pipe, [_chat(image, question.prompt) for image in block])
    if not answers:
        raise InputError("there are no images to group")
    names = (*question.answers, UNSURE)
    read = [read_answer(answer, question) or UNSURE for answer in answers]
    labels = np.array([names.index(group) for group in read], dtype=np.int64)
    scores = np.full((len(labels), len(names)), np.nan, dtype=np.float32)
    notes = absences(labels, names[:-1])
    if UNSURE in read:
        notes += (f"{read.count(UNSURE)} of {len(read)} answers say no group",)
    return Answered(PseudoGroups(labels, names, scores, notes), tuple(answers))


def _pipeline(model: Any) -> Any:
    from transformers import pipeline

    if isinstance(model, str | os.PathLike):
        name = os.fspath(model)
        with explained(name, "image-text-to-text model"):
            model = pipeline("image-text-to-text", model=name)
    if getattr(getattr(model, "processor", None), "chat_template", None) is None:
        raise InputError(
            "the model's processor has no chat template, so a question cannot be put together "
            "with an image: use a model that was tuned on instructions"
        )
    return model


def _pictures(images: Iterable[Any]) -> Iterator[Any]:
    """RGB images, read one at a time."""
    for index, item in enumerate(undecoded(images)):
        try:
            yield to_rgb(item)
        except UnreadableImageError as error:
            raise InputError(f"{name_of(item, index)} cannot be read: {error}") from error


def _answers(pipe: Any, chats: list[Any]) -> list[str]:
    """What the pipeline writes in each chat, all of them in one batch."""
    outputs = pipe(
        text=chats,
        batch_size=len(chats),
        return_full_text=False,
        generate_kwargs={"max_new_tokens": MAX_NEW_TOKENS, "do_sample": False},
    )
    return [output[0]["generated_text"].strip() for output in outputs]


def _chat(image: Any, prompt: str) -> list[dict[str, Any]]:
    content = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
    return [{"role": "user", "content": content}]


@contextmanager
def _padded_left(pipe: Any) -> Iterator[None]:
    """A batch of prompts of different lengths must end together for what is written to follow."""
    before = pipe.tokenizer.padding_side
    pipe.tokenizer.padding_side = "left"
    try:
        yield
    finally:
        pipe.tokenizer.padding_side = before
