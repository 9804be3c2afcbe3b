"""How far photos still tell a caption from the same with the identity swapped, after debiasing.

    python benchmarks/swap_weight.py --data ../shared/data --steps 100 --batch-size 16 \
        --weights 0 30 100

Adversarial training of unskew/mini on faces of UTKFace and training photos of Flickr8k, with
every weight of the term for swapped captions; judged on test photos and captions of Flickr8k.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from unskew import DualEncoder
from unskew.corpora import CaptionedSet, load_images
from unskew.corpora.captioned import load_captioned
from unskew.debias.adversarial import AdversarialSettings, train_adversarial
from unskew.debias.fitting import fitting_data
from unskew.stimuli import counterfactuals

OTHER = {"Male": "Female", "Female": "Male"}


def judged(encoder: DualEncoder, photos: CaptionedSet) -> str:
    """A row of the table, from "mean absolute change" on."""
    images = encoder.embed_images(photos.images)
    rows, texts, swapped = [], [], []
    for row, captions in enumerate(photos.captions):
        for caption in captions:
            found = counterfactuals(caption, "gender")
            if found is not None and OTHER.get(found[0]) in found[1]:
                rows.append(row)
                texts.append(caption)
                swapped.append(found[1][OTHER[found[0]]])
    apart = encoder.embed_texts(swapped) - encoder.embed_texts(texts)
    changes = (apart * images[rows]).sum(axis=1)
    first = encoder.embed_texts([captions[0] for captions in photos.captions]) @ images.T
    recall = float(((first > np.diag(first)[:, None]).sum(axis=1) < 5).mean())
    size = f"{np.abs(changes).mean():.4f} | {changes.mean():+.4f} | {recall:.3f}"
    return f"{size} | {len(changes)} captions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=48)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 30.0])
    asked = parser.parse_args()
    encoder = DualEncoder.from_pretrained("unskew/mini")
    train, validation = (
        load_images(asked.data / "utkface", split) for split in ("train", "validation")
    )
    photos, held_out = (
        load_captioned(asked.data / "flickr8k_subset", split) for split in ("train", "test")
    )
    data = fitting_data(encoder, train, validation, ["gender"], [photos])
    print("| | mean absolute change | mean change | recall@5 | of | CPU seconds |")
    print("|---|---|---|---|---|---|")
    print(f"| before | {judged(encoder, held_out)} | |", flush=True)
    for weight in asked.weights:
        settings = AdversarialSettings(
            steps=asked.steps, batch_size=asked.batch_size, swap_weight=weight
        )
        start = time.process_time()
        debiased = train_adversarial(encoder, data, settings).apply(encoder)
        seconds = time.process_time() - start
        print(f"| swap_weight={weight:g} | {judged(debiased, held_out)} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
