"""How well do the pseudo-groups of a dual encoder agree with the labels of UTKFace?

    python benchmarks/pseudo_groups.py [--model unskew/mini] [--splits train validation test]

Prints for every shipped description set of gender, age (35 or younger) and race (White or not),
with the paper's template alone and with the ensemble of templates, the adjusted Rand index with
its 95 % interval, the accuracy and the share of each split's images that fall into the first
group. The default sets were chosen on train and validation: the test split took no part. The
built-in model was trained on the images and labels of the train split, where its agreement is
therefore higher than any model's on images it has not seen. Needs ../shared/data/utkface.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from datasets import load_dataset

from unskew.classify.pseudo_groups import pseudo_groups
from unskew.encoders import DualEncoder
from unskew.measures.partitions import adjusted_rand_index
from unskew.stimuli import load_descriptions

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "utkface"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="unskew/mini")
    parser.add_argument("--splits", nargs="+", default=["train", "validation", "test"])
    options = parser.parse_args()
    encoder, descriptions = DualEncoder.from_pretrained(options.model), load_descriptions()
    print("attribute | descriptions | templates | split | ARI | 95 % interval | accuracy | first")
    print("---|---|---|---|---|---|---|---")
    for split in options.splits:
        file = str(DATA / f"{split}-00000-of-00001.parquet")
        faces = load_dataset("parquet", data_files=file, split="train")
        labels = {
            "gender": np.array(faces["gender"]),
            "age": np.array(faces["age"]) > 35,
            "race": np.array(faces["race"]) > 0,
        }
        for attribute, of in descriptions.attributes.items():
            for name, groups in of.sets.items():
                for kind in ("template", "ensemble"):
                    used = getattr(descriptions, kind)
                    templates = (used,) if kind == "template" else used
                    found = pseudo_groups(encoder, faces["image"], groups, templates)
                    true = labels[attribute].astype(int)
                    ari = adjusted_rand_index(true, found.labels)
                    print(
                        f"{attribute} | {name} | {kind} | {split} | {ari.adjusted_rand_index:.3f} "
                        f"| {ari.ci_low:.3f} to {ari.ci_high:.3f} "
                        f"| {np.mean(found.labels == true):.3f} | {np.mean(found.labels == 0):.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
