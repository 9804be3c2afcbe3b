"""Vectors of an image set and of all prompts, in files that the audit takes back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from unskew.audit.run import open_encoder
from unskew.audit.save import check_writable
from unskew.audit.texts import prompts_of
from unskew.corpora import load_images
from unskew.encoders import save_embeddings
from unskew.errors import InputError
from unskew.stimuli import builtin_stimuli, load_stimuli


def save_embedded(
    model: Any,
    source: Any,
    folder: Path,
    stimuli: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    batch_size: int = 32,
    **load_options: Any,
) -> tuple[Path, Path, list[str]]:
    """Write ``images.safetensors`` (with labels) and ``texts.safetensors`` to ``folder``.

    Returns both paths and a line for every image that could not be read. Images without labels
    are taken too.

    Raises:
        InputError: no image can be read; the folder cannot be written.
        NotFoundError: no such model, image set or stimuli.
    """
    check_writable(folder)
    asked = [load_stimuli(s) for s in stimuli or builtin_stimuli()]
    encoder = open_encoder(model)
    images = load_images(source, categories=categories, require_labels=False, **load_options)
    found = encoder.embed_readable(images.images, batch_size=batch_size)
    if not len(found.kept):
        raise InputError(f"{images.name}: none of the {len(images)} images can be read")
    labels = {c: images.labels(c)[found.kept].tolist() for c in categories or images.categories}
    prompts = prompts_of(asked)
    paths = folder / "images.safetensors", folder / "texts.safetensors"
    shown = encoder.demonstration or images.demonstration
    phrases = encoder.embed_texts(prompts)
    try:
        save_embeddings(paths[0], found.embeddings, labels=labels, demonstration=shown)
        save_embeddings(paths[1], phrases, texts=prompts, demonstration=encoder.demonstration)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write to {folder}: {error}") from error
    left_out = [f"{images.item_name(u.index)}: {u.reason}" for u in found.unreadable]
    return *paths, left_out
