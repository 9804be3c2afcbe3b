"""Train the network that looks for writing, on writing laid over photographs.

    for p in fonts-lato fonts-open-sans fonts-roboto-unhinted fonts-cantarell fonts-comfortaa \
        fonts-crosextra-carlito fonts-crosextra-caladea fonts-freefont-ttf fonts-linuxlibertine \
        fonts-quicksand fonts-league-spartan fonts-inter fonts-texgyre fonts-urw-base35 \
        fonts-noto-core fonts-noto-cjk fonts-dancingscript fonts-play fonts-anonymous-pro \
        fonts-karla fonts-ebgaramond fonts-junction; do    # Debian 12
        apt-get download $p && dpkg-deb -x ${p}_*.deb FONTS; done
    pip install --target PRIVATE onnx rapidocr-onnxruntime==1.2.3
    PYTHONPATH=PRIVATE python scripts/train_writing.py --data ../shared/data --fonts FONTS \
        --detector PRIVATE/rapidocr_onnxruntime/models/ch_PP-OCRv3_det_infer.onnx --minutes 55

The detector's last layers are replaced by three convolutions with two outputs: writing that was
laid over the picture, for whose places and presence they are trained, and writing of any kind, as
the detector saw it before. Every fifth family of fonts and every fifth photograph are held out.
What is printed in the end is told of those, with writing of the same kinds, and with the
watermarks and pages of the tests, which have a font of their own: there the thresholds are read.
Photographs:
every fourth of the scraped pile, and rows of Flickr, FairFace and UTKFace, none of them in the
tables of recall in docs/curation.md. The learning rate follows the clock, so that two runs do not
give the same numbers; `--minutes 0` trains nothing and judges the network that is there.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from laid_over import family, font_files, laid_over, letters, nothing, page, sign
from onnx import numpy_helper
from onnx_in_torch import OnnxInTorch
from PIL import Image
from torch import nn

sys.path.append(str(Path(__file__).parents[1] / "tests" / "curate"))
from planted_defects import encoded, faint, screenshot, watermark
from planted_piles import development

from unskew.curate.pixels import small_copy
from unskew.curate.writing import HIGHEST, WEIGHTS, shown, told

NECK = "concat_0.tmp_0"  # its 96 channels, at a quarter of the size
CELL = 4
BATCH, CROP = 8, 288
BODY_RATE, HEAD_RATE, WARM_UP = 4e-4, 2e-3, 60
PER_SET, HELD_OUT = 800, 0.2
SETS = {"pile": 0.2, "flickr8k_subset": 0.5, "fairface540": 0.15, "utkface": 0.15}
KINDS = {"mark": 0.5, "clean": 0.35, "sign": 0.08, "page": 0.07}
ENGLISH = 0.78
# Letters are seen where they differ by more levels than this; a picture is marked where so many
# cells are.
SEEN, MARKED = 25, 25
# Thresholds, of which one of each is chosen.
LIMITS = {"laid over": (0.5, 0.6, 0.7, 0.8, 0.9), "share": (0.02, 0.05, 0.08, 0.12)}


class Item(NamedTuple):
    """``x``: float32 (3, h, w). ``seen``, ``faint``: bool, ``before``: float32, (h / 4, w / 4).
    ``marked``: 1, 0, or -1 where it is neither."""

    kind: str
    x: np.ndarray
    seen: np.ndarray
    faint: np.ndarray
    before: np.ndarray
    marked: int


class Network(nn.Module):
    def __init__(self, detector: Path) -> None:
        super().__init__()
        self.body = OnnxInTorch(detector, NECK)
        self.head = nn.Sequential(
            nn.Conv2d(96, 24, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 24, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(24, 2, 1),
        )
        nn.init.constant_(self.head[-1].bias, -3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class Pictures(torch.utils.data.IterableDataset):
    """Without end, or `count` of them, of what is held out or of the rest."""

    def __init__(
        self, asked: argparse.Namespace, held_out: bool, seed: int, count: int | None = None
    ):
        self.asked, self.held_out, self.seed, self.count = asked, held_out, seed, count

    def __iter__(self) -> Iterator[Item]:
        rng = np.random.default_rng([self.seed, 0])
        images, sets = self.photographs()
        families = self._families()
        english = [name for name, paths in families.items() if letters(paths[0])[0]]
        others = [name for name in families if name not in english]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        before = onnxruntime.InferenceSession(str(self.asked.detector), options)

        def pick() -> Path:
            names = english if rng.random() < ENGLISH else others
            paths = families[names[int(rng.integers(len(names)))]]
            return paths[int(rng.integers(len(paths)))]

        made = 0
        while self.count is None or made < self.count:
            name = rng.choice(list(SETS), p=list(SETS.values()))
            image = _cut(images[rng.choice(np.flatnonzero(sets == name))], rng)
            kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
            if kind == "mark":
                written = laid_over(image, pick(), rng)
            elif kind == "sign":
                written = sign(image, pick(), rng)
            else:
                written = page(image, pick, rng) if kind == "page" else nothing(image)
            content = encoded(written.image, quality=int(rng.integers(50, 96)))
            x = shown(small_copy(content).rgb)[0]
            size = x.shape[:0:-1]
            lines, contrast = (
                cv2.resize(v.astype(np.float32), size, interpolation=cv2.INTER_AREA)
                for v in (written.lines, written.contrast)
            )
            if not self.held_out:
                window = _window(x.shape[1:], rng)
                x, lines, contrast = x[:, *window], lines[window], contrast[window]
            x = np.ascontiguousarray(x)
            yield _item(kind, x, lines, contrast, before.run(None, {"x": x[None]})[0][0, 0])
            made += 1

    def photographs(self) -> tuple[list[Image.Image], np.ndarray]:
        found = list(development(self.asked.data, PER_SET))
        held_out = np.random.default_rng(99).random(len(found)) < HELD_OUT
        kept = [f for f, held in zip(found, held_out, strict=True) if held == self.held_out]
        return [image for _, image in kept], np.array([name for name, _ in kept])

    def _families(self) -> dict[str, list[Path]]:
        paths = font_files(self.asked.fonts)
        held_out = set(sorted({family(p) for p in paths})[::5])
        families: dict[str, list[Path]] = {}
        for path in paths:
            if (family(path) in held_out) == self.held_out:
                families.setdefault(family(path), []).append(path)
        return families


def _cut(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < 0.4:
        (left, top), (right, low) = rng.uniform(0, 0.35, 2), rng.uniform(0.65, 1, 2)
        w, h = image.size
        image = image.crop((int(left * w), int(top * h), int(right * w), int(low * h)))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def _window(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    sides = [min(CROP, side) for side in shape]
    starts = [
        32 * int(rng.integers(0, (of - s) // 32 + 1)) for of, s in zip(shape, sides, strict=True)
    ]
    rows, columns = (slice(start, start + s) for start, s in zip(starts, sides, strict=True))
    return rows, columns


def _item(
    kind: str, x: np.ndarray, lines: np.ndarray, contrast: np.ndarray, before: np.ndarray
) -> Item:
    cells = (x.shape[2] // CELL, x.shape[1] // CELL)
    lines, contrast, before = (
        cv2.resize(v, cells, interpolation=cv2.INTER_AREA) for v in (lines, contrast, before)
    )
    seen = (lines > 0.5) & (contrast > SEEN)
    faint = (lines > 0.02) & ~seen
    marked = 1 if seen.sum() >= MARKED else -1 if faint.any() or seen.any() else 0
    return Item(kind, x, seen, faint, before, marked)


def _stacked(items: list[Item]) -> tuple[torch.Tensor, ...]:
    """x, what is laid over, its weights, what was seen before, and what is within a picture."""
    high, wide = (max(item.x.shape[i] for item in items) for i in (1, 2))
    x = torch.zeros(len(items), 3, high, wide)
    shape = (len(items), high // CELL, wide // CELL)
    seen, weights, before, within = (torch.zeros(shape) for _ in range(4))
    for i, item in enumerate(items):
        x[i, :, : item.x.shape[1], : item.x.shape[2]] = torch.from_numpy(item.x)
        there = (i, slice(item.seen.shape[0]), slice(item.seen.shape[1]))
        seen[there] = torch.from_numpy(item.seen.astype(np.float32))
        weights[there] = torch.from_numpy(1 - item.faint.astype(np.float32))
        before[there] = torch.from_numpy(item.before)
        within[there] = 1
    return x, seen, weights, before, within, torch.tensor([item.marked for item in items])


def _loss(logits: torch.Tensor, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    _, seen, weights, before, within, marked = batch

    def mean(channel: int, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(
            logits[:, channel], target, weight, reduction="sum"
        )

    places = mean(0, seen, weights) / weights.sum()
    writing = mean(1, before, within) / within.sum()
    of_pictures = [
        F.binary_cross_entropy_with_logits(pooled(map_[there > 0]), is_marked.float())
        for map_, there, is_marked in zip(logits[:, 0], within, marked, strict=True)
        if is_marked >= 0
    ]
    pictures = torch.stack(of_pictures).mean() if of_pictures else torch.zeros(())
    return 3 * places + 2 * writing + pictures


def train(network: Network, asked: argparse.Namespace) -> None:
    groups = [{"params": part.parameters()} for part in (network.body, network.head)]
    optimizer = torch.optim.AdamW(groups, weight_decay=1e-4)
    pictures = Pictures(asked, held_out=False, seed=7)
    batches = torch.utils.data.DataLoader(
        pictures, BATCH, collate_fn=_stacked, num_workers=1, prefetch_factor=8
    )
    start, losses = time.monotonic(), []
    for step, batch in enumerate(batches):
        done = (time.monotonic() - start) / 60 / asked.minutes
        if done >= 1:
            break
        rate = min(1, step / WARM_UP) * (0.5 + 0.5 * np.cos(np.pi * done)) + 0.01
        for group, highest in zip(optimizer.param_groups, (BODY_RATE, HEAD_RATE), strict=True):
            group["lr"] = highest * rate
        loss = _loss(network(batch[0]), batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            print(f"{step + 1} steps, {done:.0%}: loss {np.mean(losses[-100:]):.3f}", flush=True)


def pooled(logits: torch.Tensor) -> torch.Tensor:
    """As `unskew.curate.writing.told` does it."""
    return logits.topk(max(HIGHEST[0], int(HIGHEST[1] * len(logits)))).values.mean()


def save(network: Network, path: Path) -> None:
    nodes, last = list(network.body.nodes), NECK
    numbers = network.body.initializers()
    for i, layer in enumerate(network.head):
        given, said = [last], {}
        if isinstance(layer, nn.Conv2d):
            for name, tensor in layer.named_parameters():
                numbers.append(numpy_helper.from_array(tensor.detach().numpy(), f"head.{i}.{name}"))
                given.append(f"head.{i}.{name}")
            said = {"pads": [*layer.padding * 2], "dilations": [*layer.dilation]}
        last = f"head.{i}"
        kind = "Conv" if said else "Relu"
        nodes.append(onnx.helper.make_node(kind, given, [last], name=last, **said))
    sizes = {"input": ["n", 3, "height", "width"], "output": ["n", 2, "rows", "columns"]}
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, sizes[end])
        for name, end in ((network.body.input, "input"), (last, "output"))
    ]
    graph = onnx.helper.make_graph(nodes, "writing", ends[:1], ends[1:], numbers)
    opset = [onnx.helper.make_opsetid("", network.body.opset)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def like_trained(asked: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Kind and what the network sees, of held-out pictures and fonts."""
    for item in Pictures(asked, held_out=True, seed=11, count=asked.judged):
        faint = item.kind == "mark" and item.marked != 1
        yield "faint mark" if faint else item.kind, item.x[None]


def as_in_tests(asked: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """The same of every held-out photograph, as it is and with what the tests plant in it."""
    rng = np.random.default_rng(5)
    images, sets = Pictures(asked, held_out=True, seed=0).photographs()
    for image, name in zip(images, sets, strict=True):
        marked, page_of = watermark(image, rng), screenshot(image, rng)
        kind = "faint watermark" if faint(image, marked) else "watermark"
        for told_as, shape in ((f"clean {name}", image), (kind, marked), ("page", page_of)):
            yield told_as, shown(small_copy(encoded(shape, quality=92)).rgb)


def judge(pictures: Iterable[tuple[str, np.ndarray]], weights: Path) -> None:
    """Print the shares of each kind that thresholds flag."""
    network = onnxruntime.InferenceSession(str(weights))
    kinds, said = [], []
    for kind, x in pictures:
        kinds.append(kind)
        said.append(told(network.run(None, {"x": x})[0][0]))
    of = np.array(kinds)
    scores = {"laid over": [w.laid_over for w in said], "share": [w.share for w in said]}
    for name, limits in LIMITS.items():
        values = np.array(scores[name])
        for limit in limits:
            flagged = {k: np.mean(values[of == k] >= limit) for k in sorted(set(kinds))}
            print(f"{name} from {limit:g}:", *(f"{k} {v:.3f}," for k, v in flagged.items()))
    print("pictures:", *(f"{k} {np.sum(of == k)}," for k in sorted(set(kinds))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--judged", type=int, default=600)
    asked = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    if asked.minutes:
        network = Network(asked.detector)
        train(network, asked)
        save(network, WEIGHTS)
    for pictures in (like_trained(asked), as_in_tests(asked)):
        judge(pictures, WEIGHTS)


if __name__ == "__main__":
    main()
