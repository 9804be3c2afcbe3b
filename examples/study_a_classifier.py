"""Train a classifier on biased digits, see where it fails, help it, and look inside.

    python examples/study_a_classifier.py [FOLDER]

scikit-learn's handwritten digits (1,797 images, part of its package) are coloured so that in
training 97 of 100 digits have the colour of their class. A classifier that nobody told otherwise
learns the colour. Balancing the groups (digit x colour) helps; the layers of both are compared
by CKA. The images are 16 by 16 pixels, for speed. Needs no connection; half a minute on one core.
"""

import sys
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader

import unskew
from unskew.classify import TrainSettings, load_pixels, make_strategy
from unskew.classify.predict import predict
from unskew.classify.train import train
from unskew.corpora.biased import colored_mnist

SIZE = 16
SETTINGS = TrainSettings(batch_size=64, epochs=9, width=8, select="unbiased_accuracy")


def digits() -> DatasetDict:
    """scikit-learn's digits in the layout of MNIST: grey, 28 x 28, train and test."""
    found = load_digits()
    images = [
        Image.fromarray((image / 16 * 255).astype(np.uint8)).resize((28, 28))
        for image in found.images
    ]
    rows = train_test_split(
        range(len(images)), test_size=400, stratify=found.target, random_state=0
    )
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {"image": [images[i] for i in part], "label": found.target[part]}
            )
            for split, part in zip(("train", "test"), rows, strict=True)
        }
    )


def main(out: Path) -> None:
    biased = colored_mnist(digits(), conflict_ratio=0.03)
    parts = {split: load_pixels(biased[split], SIZE) for split in ("train", "validation", "test")}
    aligned = np.asarray(biased["test"]["alignment"]) == biased["test"].features[
        "alignment"
    ].str2int("aligned")

    networks = {}
    for name in ("none", "group-balanced"):
        strategy = make_strategy(
            name, parts["train"].targets.numpy(), parts["train"].attributes.numpy()
        )
        network = SETTINGS.network(n_classes=10, image_size=SIZE)
        train(network, parts["train"], parts["validation"], SETTINGS, strategy=strategy)
        networks[name] = network
        said = predict(network, parts["test"]).classes
        truth, colour = parts["test"].targets.numpy(), parts["test"].attributes.numpy()
        right = said == truth
        fairness = unskew.group_fairness(said, truth, colour)
        print(
            f"{name:15} right of aligned {right[aligned].mean():.0%}, of conflicting "
            f"{right[~aligned].mean():.0%}, worst group {fairness.worst_group_accuracy:.0%}"
        )

    loader = DataLoader(parts["test"].images.float() / 255, batch_size=100)
    layers = unskew.layer_cka(networks["none"], loader, networks["group-balanced"])
    out.mkdir(parents=True, exist_ok=True)
    layers.save(out / "cka.json")
    layers.heatmap(out / "cka.png")
    print("\n".join(layers.summary()))
    print(f"heatmap: {out / 'cka.png'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-classifier"))
