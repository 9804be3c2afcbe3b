"""Images per second of `DualEncoder.embed_images` against the bare forward loop.

    python benchmarks/encoder_throughput.py [--images 256] [--repeats 5] [--batch-size 32]

The model is a ViT-B/32 of CLIP's real size with random weights, the images are real JPEG files
held as bytes. The bare loop runs the same image tower over tensors that were preprocessed
beforehand, so it bounds what any pipeline can reach; ours also decodes, preprocesses, hashes and
writes its cache. The two alternate, so a busy machine slows both; the median ratio is printed.
The ratio of processor seconds, over all threads, is what remains readable on a busy machine.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Image, load_dataset

from unskew.encoders import DualEncoder
from unskew.encoders.images import to_rgb

REAL_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data"


def jpegs(folder: Path, count: int) -> list[bytes]:
    """`count` different encoded images of a folder of parquet files."""
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    data = load_dataset("parquet", data_files=files, split="train")
    column = "image" if "image" in data.column_names else "img"
    data = data.cast_column(column, Image(decode=False))
    if len(data) < count:
        raise SystemExit(f"{folder} holds {len(data)} images, fewer than {count}")
    return [row["bytes"] for row in data[:count][column]]


def vit_b_32(device: str | None) -> tuple[Any, Any, DualEncoder]:
    transformers.logging.set_verbosity_error()
    model = transformers.CLIPModel(transformers.CLIPConfig()).eval()
    if device is not None:
        model.to(device)
    pixels = transformers.CLIPImageProcessorPil()
    processor = transformers.CLIPProcessor(pixels, transformers.CLIPTokenizer())
    return model, processor, DualEncoder(model, processor, "random ViT-B/32")


def clocks() -> tuple[float, float]:
    """Seconds on the wall, and of processor time over all threads."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    wall, processor = clocks()
    return wall - start[0], processor - start[1]


def bare_loop(model: Any, batches: list[torch.Tensor]) -> tuple[float, float]:
    start = clocks()
    with torch.inference_mode():
        for batch in batches:
            model.get_image_features(pixel_values=batch).pooler_output.cpu()
    return since(start)


def ours(model: Any, processor: Any, images: list[bytes], batch_size: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNSKEW_CACHE"] = folder  # an empty cache, which this run then fills
        encoder = DualEncoder(model, processor, "random ViT-B/32")
        encoder.dim  # noqa: B018 - computed once per encoder, not per image
        start = clocks()
        encoder.embed_images(images, batch_size=batch_size)
        return since(start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--device")
    parser.add_argument("--folder", type=Path, default=REAL_IMAGES / "fairface540")
    arguments = parser.parse_args()

    images = jpegs(arguments.folder, arguments.images)
    model, processor, encoder = vit_b_32(arguments.device)
    start = time.thread_time()
    pixels = [encoder._preprocess(to_rgb(image))["pixel_values"] for image in images]
    prepare = (time.thread_time() - start) / len(images)
    batches = [b.to(encoder.device) for b in torch.cat(pixels).split(arguments.batch_size)]
    bare_loop(model, batches)  # the first pass pays for memory and threads
    wall, processor_time = [], []
    for _ in range(arguments.repeats):
        bare = bare_loop(model, batches)
        own = ours(model, processor, images, arguments.batch_size)
        wall.append(bare[0] / own[0])
        processor_time.append(bare[1] / own[1])
        print(
            f"bare {len(images) / bare[0]:7.1f} images/s   ours {len(images) / own[0]:7.1f} "
            f"images/s   ratio {wall[-1]:.3f}   ratio of processor time {processor_time[-1]:.3f}",
            flush=True,
        )
    print(
        f"decoding and preprocessing: {1000 * prepare:.1f} ms of one core per image; forward: "
        f"{1000 * bare[1] / len(images):.1f} ms of processor time"
    )
    print(
        f"median ratio {statistics.median(wall):.3f}, of processor time "
        f"{statistics.median(processor_time):.3f} (1 = the forward alone; target 0.95)"
    )


if __name__ == "__main__":
    main()
