"""A tiny random CLIP, pictures for it, and a run in a process of its own."""

import json
import os
import signal
import sys
from pathlib import Path

import labelled_pictures as pictures
import torch
import transformers as hf

from unskew.corpora import load_images
from unskew.corpora.captioned import load_captioned
from unskew.debias.adversarial import AdversarialSettings, train_adversarial
from unskew.debias.fitting import fitting_data
from unskew.encoders import DualEncoder

WIDTHS = {
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
WORDS = ["a", "photo", "of", "the", "this", "is", "man", "woman", "person", "young", "old"]
QUICK = {"steps": 6, "batch_size": 16, "adversary_steps": 1, "checkpoint_every": 2}


def tiny_clip() -> tuple[hf.CLIPModel, hf.CLIPProcessor]:
    """Random weights of a fixed seed, and a tokenizer of a few words."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = hf.BertTokenizer(vocab={t: i for i, t in enumerate(tokens)}, model_max_length=32)
    text = WIDTHS | {"vocab_size": len(tokens), "eos_token_id": tokens.index("[SEP]")}
    vision = WIDTHS | {"image_size": 32, "patch_size": 8}
    config = hf.CLIPConfig(
        text_config=text | {"projection_dim": 16},
        vision_config=vision | {"projection_dim": 16},
        projection_dim=16,
    )
    torch.manual_seed(0)
    model = hf.CLIPModel(config)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))
    pixels = hf.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    return model, hf.CLIPProcessor(pixels, tokenizer)


def tiny_encoder() -> DualEncoder:
    return DualEncoder(*tiny_clip(), "tiny")


def tiny_data(encoder: DualEncoder, attributes=("gender",), n: int = 48):
    """Men and women whose pictures differ in colour, and general pictures with captions."""
    columns = ["gender", "age", "race"]
    parts = [load_images(pictures.faces(n, seed), categories=columns) for seed in (0, 1)]
    general = load_captioned(pictures.things(20, 7))
    exclude = [("race", "Others")] if "race" in attributes else []
    return fitting_data(encoder, *parts, attributes, [general], exclude=exclude)


def losses(out: Path) -> list[dict]:
    """Of every step, as a run left them."""
    lines = (Path(out) / "losses.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def main() -> None:
    """OUT OPTIONS [STEP]: train, and be killed in the evaluation after that step."""
    out, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    kill_after = int(sys.argv[3]) if len(sys.argv) > 3 else None
    evaluations = iter(range(1, 1000))

    def score(encoder: DualEncoder) -> float:
        step = next(evaluations) * options.get("evaluate_every", 50)
        if step == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    encoder = tiny_encoder()
    scored = score if "evaluate_every" in options else None
    settings = AdversarialSettings(**options)
    train_adversarial(encoder, tiny_data(encoder), settings, out=out, score=scored)


if __name__ == "__main__":
    main()
