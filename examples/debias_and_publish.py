"""Debias the built-in model, publish it with its card, and load it as anyone would.

    python examples/debias_and_publish.py [FOLDER]

The Hub is one on the loopback, the one of the tests, so that nothing leaves this machine. Without
the two lines that start it, and after `hf auth login`, the same commands publish on the real one;
with `--dry-run` they print the files and the card instead. The model demonstrates the tool; its
results are no evidence about people.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from loopback_hub import environment, serve

REPO = "you/mini-debiased"
LOAD = f"""
import unskew
from unskew.measures import representation_skew

encoder = unskew.DualEncoder.from_pretrained("{REPO}")
faces = unskew.load_images("faces")
scores = encoder.embed_texts(["a kind person", "a leader"]) @ encoder.embed_images(faces.images).T
found = representation_skew(scores, faces.labels("gender"), k=100)
print(f"loaded again: MaxSkew@100 {{found.max_skew:.3f}}, chance {{found.chance_max_skew:.3f}}")
"""


def main(out: Path) -> None:
    unskew = [str(Path(sys.executable).with_name("unskew"))]
    debiased = str(out / "debiased")
    fit = ["debias", "leace", "unskew/mini", "--data", "faces", "--attribute", "gender"]
    publish = ["publish", "model", debiased, "--repo", REPO]
    with serve() as hub:
        there = environment(hub.endpoint, out / "hub-cache")
        subprocess.run([*unskew, *fit, "--out", debiased], check=True)
        subprocess.run([*unskew, *publish], env=there, check=True)
        subprocess.run([sys.executable, "-c", LOAD], env=there, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-debiased"))
