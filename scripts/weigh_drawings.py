"""Choose the weights of the check of drawings, on drawings and on photographs.

    python scripts/weigh_drawings.py --data ../shared/data --drawings FOLDER

FOLDER is what scripts/gather_drawings.py made, of which "chosen-on" is used. Photographs: every
fourth of the scraped pile, and rows of Flickr, FairFace and UTKFace of which none is tested on.
Writes src/unskew/curate/drawing.json, and prints how the weights do on families of drawings and on
photographs that they were not chosen on, in five folds. The same files give the same weights.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.append(str(Path(__file__).parents[1] / "tests" / "curate"))
from planted_defects import encoded
from planted_drawings import families, laid, photograph, stored
from planted_piles import development

from unskew.curate.drawing import FEATURES, WEIGHTS, features
from unskew.curate.pixels import small_copy
from unskew.curate.tones import background

FOLDS = 5
# Ways in which each picture is shown; the pile has few pictures, but what a pile is like.
WAYS = {"pile": 8, "photograph": 2, "drawing": 2}
PER_SET = 160
# Of the photographs of the pile, and of the others, the share that may pass for drawings.
ALLOWED = 0.05
DIGITS = 6


def looked_at(content: bytes) -> np.ndarray:
    copy = small_copy(content)
    return features(copy.rgb, background(copy.rgb))


def photographs(data: Path, rng: np.random.Generator) -> Iterator[tuple[str, int, np.ndarray]]:
    """The set, the picture and the features of every way in which it is shown."""
    for number, (name, image) in enumerate(development(data, PER_SET)):
        yield name, number, looked_at(encoded(image, quality=92))
        for _ in range(WAYS["pile" if name == "pile" else "photograph"]):
            yield name, number, looked_at(stored(photograph(image, rng), rng))


def drawings(folder: Path, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    for family, image in families(folder, "chosen-on"):
        for _ in range(WAYS["drawing"]):
            yield family, looked_at(stored(laid(image, rng), rng))


def shares(names: np.ndarray) -> np.ndarray:
    """Weights that sum to one and give every name the same share."""
    found, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    return 1 / (len(found) * counts[place])


def fitted(x: np.ndarray, drawn: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and offset for the features as they are."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=10, max_iter=5000, tol=1e-8))
    model.fit(x, drawn, logisticregression__sample_weight=weights * len(x))
    scaler, regression = model[0], model[1]
    of = regression.coef_[0] / scaler.scale_
    return of, float(regression.intercept_[0] - of @ scaler.mean_)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--drawings", type=Path, required=True)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    sets, numbers, rows = zip(*photographs(chosen.data, rng), strict=True)
    kinds, drawn_rows = zip(*drawings(chosen.drawings, rng), strict=True)
    names = np.array([*sets, *kinds])
    x = np.array([*rows, *drawn_rows])
    drawn = np.arange(len(x)) >= len(rows)
    usual = np.nanmean(x[~drawn], axis=0)
    x = np.where(np.isnan(x), usual, x)
    weights = np.concatenate([shares(names[~drawn]), shares(names[drawn])]) / 2
    order = sorted(set(kinds))
    folds = np.array([*(n % FOLDS for n in numbers), *(order.index(k) % FOLDS for k in kinds)])
    judge(x, names, drawn, weights, folds)
    of, offset = fitted(x, drawn, weights)
    said = {
        "weights": {n: round(float(w), DIGITS) for n, w in zip(FEATURES, of, strict=True)},
        "offset": round(offset, DIGITS),
        "usual": {n: round(float(u), DIGITS) for n, u in zip(FEATURES, usual, strict=True)},
    }
    said["usual"] = {n: said["usual"][n] for n in FEATURES[-4:]}
    WEIGHTS.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def judge(
    x: np.ndarray, names: np.ndarray, drawn: np.ndarray, weights: np.ndarray, folds: np.ndarray
) -> None:
    """Print the share flagged in each fold by weights from the others, at one threshold."""
    scores = np.empty(len(x))
    for fold in range(FOLDS):
        there = folds == fold
        of, offset = fitted(x[~there], drawn[~there], weights[~there])
        scores[there] = 1 / (1 + np.exp(-(x[there] @ of + offset)))
    pile = names == "pile"
    highest = [np.quantile(scores[part], 1 - ALLOWED) for part in (pile, ~pile & ~drawn)]
    print(f"thresholds that allow {ALLOWED:.0%} of the pile, of the others: {np.round(highest, 3)}")
    for name in dict.fromkeys(names):
        there = scores[names == name]
        print(f"{name}: {np.mean(there >= max(highest)):.3f} of {len(there)}")


if __name__ == "__main__":
    main()
