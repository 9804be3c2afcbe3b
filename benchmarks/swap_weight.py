"""How far photos still tell a caption from the same with the identity swapped, after debiasing.

    python benchmarks/swap_weight.py --data ../shared/data --steps 100 --batch-size 16 \
        --weights 0 30 100

Adversarial training of unskew/mini on faces of UTKFace and training photos of Flickr8k, with
every weight of the term for swapped captions; judged on test photos and captions of Flickr8k.
In brackets 95 % intervals over photos, whose captions belong together, of means over seeds;
differences are to the first weight, photo by photo.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unskew import DualEncoder
from unskew.corpora import CaptionedSet, load_images
from unskew.corpora.captioned import load_captioned
from unskew.debias.adversarial import AdversarialSettings, train_adversarial
from unskew.debias.fitting import fitting_data
from unskew.measures import clustered_mean
from unskew.stimuli import counterfactuals

OTHER = {"Male": "Female", "Female": "Male"}


@dataclass(frozen=True)
class Asked:
    """Captions (n,) of photos, and the same with the identity swapped. `rows`: of the photos."""

    photos: CaptionedSet
    rows: np.ndarray
    texts: list[str]
    swapped: list[str]

    @classmethod
    def of(cls, photos: CaptionedSet) -> "Asked":
        rows, texts, swapped = [], [], []
        for row, captions in enumerate(photos.captions):
            for caption in captions:
                found = counterfactuals(caption, "gender")
                if found is not None and OTHER.get(found[0]) in found[1]:
                    rows.append(row)
                    texts.append(caption)
                    swapped.append(found[1][OTHER[found[0]]])
        return cls(photos, np.array(rows), texts, swapped)


@dataclass(frozen=True)
class Answers:
    """`changes`: (n,), of the similarity of each caption to its photo, once swapped. `found`: for
    every photo, whether it is among the five nearest to its first caption."""

    changes: np.ndarray
    found: np.ndarray

    @classmethod
    def of(cls, encoder: DualEncoder, asked: Asked) -> "Answers":
        images = encoder.embed_images(asked.photos.images)
        apart = encoder.embed_texts(asked.swapped) - encoder.embed_texts(asked.texts)
        first = encoder.embed_texts([c[0] for c in asked.photos.captions]) @ images.T
        nearer = (first > np.diag(first)[:, None]).sum(axis=1)
        return cls((apart * images[asked.rows]).sum(axis=1), (nearer < 5).astype(float))


def told(values: np.ndarray, cluster: np.ndarray, form: str) -> str:
    """The mean over seeds and captions, with its interval. `values`: (seeds, n)."""
    mean = clustered_mean(values.mean(axis=0), cluster)
    return f"{mean.mean:{form}} [{mean.ci_low:{form}}, {mean.ci_high:{form}}]"


def row(name: str, asked: Asked, runs: list[Answers], first: list[Answers] | None) -> str:
    """A row of the table; `runs` and `first` are of the same seeds in the same order."""
    size, found = (np.array(x) for x in ([abs(r.changes) for r in runs], [r.found for r in runs]))
    photos = np.arange(found.shape[1])
    cells = [told(size, asked.rows, ".4f")]
    if first is None:
        cells += ["", told(np.array([r.changes for r in runs]), asked.rows, "+.4f")]
        cells += [told(found, photos, ".3f"), ""]
    else:
        cells.append(told(size - [abs(r.changes) for r in first], asked.rows, "+.4f"))
        cells.append(told(np.array([r.changes for r in runs]), asked.rows, "+.4f"))
        cells.append(told(found, photos, ".3f"))
        cells.append(told(found - [r.found for r in first], photos, "+.3f"))
    cells.append(", ".join(f"{s.mean():.4f}" for s in size) if len(size) > 1 else "")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=48)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 30.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--towers", nargs="+", default=["image"], choices=["image", "text"])
    given = parser.parse_args()
    encoder = DualEncoder.from_pretrained("unskew/mini")
    train, validation = (
        load_images(given.data / "utkface", split) for split in ("train", "validation")
    )
    photos, held_out = (
        load_captioned(given.data / "flickr8k_subset", split) for split in ("train", "test")
    )
    data = fitting_data(encoder, train, validation, ["gender"], [photos])
    asked = Asked.of(held_out)
    print(f"{len(asked.texts)} captions of {len(set(asked.rows))} photos; {given.towers}")
    print("| | mean absolute change | less first | mean change | recall@5 | less first | by seed |")
    print("|---|---|---|---|---|---|---|")
    print(row("before", asked, [Answers.of(encoder, asked)], None), flush=True)
    first: list[Answers] | None = None
    for weight in given.weights:
        settings = AdversarialSettings(
            towers=tuple(given.towers),
            steps=given.steps,
            batch_size=given.batch_size,
            swap_weight=weight,
        )
        runs = []
        start = time.process_time()
        for seed in given.seeds:
            debiased = train_adversarial(encoder, data, settings, seed=seed).apply(encoder)
            runs.append(Answers.of(debiased, asked))
        print(row(f"swap_weight={weight:g}", asked, runs, first))
        print(f"{time.process_time() - start:.0f} CPU seconds", file=sys.stderr)
        first = first or runs


if __name__ == "__main__":
    main()
