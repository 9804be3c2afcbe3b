"""A LoRA adapter merged into the weights of its base: whole towers, for people without PEFT."""

from pathlib import Path

from safetensors import SafetensorError

from unskew.encoders.debiaser import Debiaser
from unskew.encoders.encoder import DualEncoder
from unskew.encoders.folder import check_unmerged, contents_beside_towers
from unskew.encoders.publishable import publishable
from unskew.errors import InputError


def merged_files(folder: Path, into: Path) -> tuple[dict[str, bytes | Path], str]:
    """The files of a debiased model that needs no base model, and the class of its towers.

    `transformers` loads them by their folder alone; `DualEncoder.from_pretrained` adds the heads,
    where there are any, and knows what was done by `unskew_encoder.json`.

    Args:
        folder: of a saved `Debiaser`, whose base model is loaded and checked.
        into: an empty folder that the weights, float32, are written to.

    Raises:
        NotFoundError: there is no such folder, or no such base model.
        InputError: there is no adapter to merge, it is merged already, it is another base model,
            or the weights cannot be written.
    """
    debiaser = Debiaser.from_pretrained(folder)
    check_unmerged(debiaser)
    if debiaser.adapter is None:
        raise InputError(
            f"{folder} has no adapter to merge: it debiases by heads, which transformers does not "
            "know; publish it without --merged"
        )
    encoder = DualEncoder.from_pretrained(folder, device="cpu")
    try:
        encoder.model.save_pretrained(into)
        encoder.processor.save_pretrained(into)
    except (OSError, SafetensorError) as error:  # the latter of weights for which there is no room
        raise InputError(
            f"cannot write the merged weights to {into} ({error}): make room there, or set TMPDIR "
            "to a folder that has it"
        ) from error
    files: dict[str, bytes | Path] = {p.name: p for p in sorted(into.iterdir())}
    files |= contents_beside_towers(publishable(debiaser), encoder.weights)
    return files, type(encoder.model).__name__
