"""Step time of the adversarial trainer against a bare PEFT loop of the same model and batch.

    python benchmarks/adversarial_step.py [--model mini|vit-b-32|both] [--steps 5] [--rounds 3]

The bare loop does forward, the squared distance to the cached embeddings, backward and an AdamW
step of the same LoRA layers on the same pixels; ours adds the adversaries, the similarities to the
texts and what Accelerate does. The two alternate within one run, so that a busy machine slows
both. Pixels are prepared beforehand for both. Runs on the GPU if there is one.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers as hf
from datasets import Dataset, Features, Image, Value
from PIL import Image as Pillow

from unskew.corpora import load_images
from unskew.debias.adversarial import AdversarialSettings, prepared
from unskew.debias.fitting import FittingData, fitting_data
from unskew.debias.training import Towers
from unskew.encoders import DualEncoder


def noise(count: int, seed: int) -> Any:
    """Pictures of noise, every other one called Female."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (count, 64, 64, 3), dtype=np.uint8)
    rows = {
        "image": [Pillow.fromarray(p) for p in pixels],
        "gender": ["Female" if i % 2 else "Male" for i in range(count)],
    }
    features = Features({"image": Image(), "gender": Value("string")})
    return load_images(Dataset.from_dict(rows, features=features))


def vit_b_32() -> DualEncoder:
    hf.logging.set_verbosity_error()
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo", "of", "man", "woman"]
    tokenizer = hf.BertTokenizer(vocab={t: i for i, t in enumerate(words)}, model_max_length=77)
    model = hf.CLIPModel(hf.CLIPConfig())
    if torch.cuda.is_available():
        model.to("cuda")
    processor = hf.CLIPProcessor(hf.CLIPImageProcessorPil(), tokenizer)
    return DualEncoder(model, processor, "random ViT-B/32")


def data_for(encoder: DualEncoder, batch: int) -> FittingData:
    return fitting_data(encoder, noise(batch * 2, 0), noise(8, 1), ["gender"], [noise(batch, 2)])


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the wall and of processor time, after whatever the device still does."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - processor


def compare(encoder: DualEncoder, arguments: argparse.Namespace) -> None:
    settings = AdversarialSettings(
        steps=1000, batch_size=arguments.batch_size, blocks=arguments.blocks
    )
    data = data_for(encoder, settings.batch_size)
    ours, bare = (prepared(encoder, data, settings, seed=0) for _ in range(2))
    inputs = next(ours._batches())
    modality = bare.modalities["image"]
    towers = Towers(bare.model)
    trained = [p for p in bare.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)

    def bare_step() -> float:
        shard = modality.sampler.batch(0)[0]
        target = modality.originals[torch.from_numpy(modality.numbers(shard))]
        loss = (towers(inputs[0])["image"] - target).square().sum(1).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    def our_step() -> dict[str, float]:
        return ours.step(inputs)

    times: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": []}
    for _ in range(12 if torch.cuda.is_available() else 2):  # memory, threads, and a full memory
        bare_step()
        our_step()
    for _ in range(arguments.rounds):
        for _ in range(arguments.steps):
            times["bare"].append(timed(bare_step))
            times["ours"].append(timed(our_step))
    wall, processor = (
        {name: statistics.median(t[i] for t in found) for name, found in times.items()}
        for i in (0, 1)
    )
    rate = {name: settings.batch_size / value for name, value in wall.items()}
    print(
        f"{encoder.name} on {encoder.device}, batch {settings.batch_size}, last "
        f"{settings.blocks} blocks: bare {rate['bare']:.1f} images/s, ours {rate['ours']:.1f} "
        f"images/s; step {wall['ours'] / wall['bare']:.3f} x the bare one (median of "
        f"{len(times['ours'])}; of processor time {processor['ours'] / processor['bare']:.3f}; "
        "target 1.15)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("mini", "vit-b-32", "both"), default="both")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=AdversarialSettings().blocks)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.model != "vit-b-32":
        compare(DualEncoder.from_pretrained("unskew/mini"), arguments)
    if arguments.model != "mini":
        compare(vit_b_32(), arguments)


if __name__ == "__main__":
    main()
