"""A curation of a few made pictures, for tests that need one and look at no picture."""

import json

from PIL import Image

from unskew.curate.pipeline import curate


def small_curation(folder, text="a text"):
    """Five records below `folder`: three proposed as Muslim, one as nothing, one has no image."""
    lines = []
    for n in range(4):
        Image.effect_noise((90 + n, 80), 60).convert("RGB").save(folder / f"{n}.png")
        label = {} if n == 3 else {"category": "religion", "subgroup": "Muslim"}
        lines.append({"image": f"{n}.png", "text": f"{text} {n}", "query": text, **label})
    lines.append({"image": "none.png", "text": "gone"})
    (folder / "pile.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return curate(folder / "pile.jsonl", folder / "curation").folder
