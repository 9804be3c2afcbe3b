"""Train the projections of the built-in model `unskew/mini`, and measure the result.

    python scripts/train_mini.py --data ../shared/data

The towers stay as they are. Their features are computed once, for a few views of each training
image, and kept under `--cache`; the pooler and the two projections are then trained on them. Writes
`projections.safetensors` and `metrics.json` into the package. FairFace is measured at the end and
plays no part in training or in any choice: choices are made with `--validate`, which trains on
less, prints figures on held-out training data and writes nothing.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from measure_mini import (
    ADULT_FROM,
    CIFAR,
    GENDER_PROMPTS,
    OBJECT_PROMPTS,
    RACE_PROMPTS,
    Mini,
    choose,
    embed,
    measure,
    read,
    recalls,
)
from mini_features import SEED, views
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, gelu, normalize
from tqdm import tqdm

from unskew.encoders.mini.load import EMBEDDING_DIM, PROJECTIONS, load_mini, untrained_mini

METRICS = PROJECTIONS.with_name("metrics.json")
CIFAR_IMAGES = 8000
# So few photos are learnt by heart unless most of what is seen of them is withheld: with 0.3, 0.5
# and 0.8, held-out R@5 (image to text) was 0.48, 0.54 and 0.57.
SCENE_DROPPED = 0.8

# ------------------------------------------------------------------------------ the questions

TEMPLATES = [
    "a photo of a {}",
    "a photo of the {}",
    "a picture of a {}",
    "this is a photo of a {}",
    "an image of a {}",
    "{}",
    "there is a {}",
    "a blurry photo of a {}",
]
FACE_TEMPLATES = [
    *TEMPLATES,
    "a close-up photo of a {}",
    "a portrait of a {}",
    "the face of a {}",
    "a headshot of a {}",
    "a {} looking at the camera",
]
ADULTS = [
    ("man", "woman"),
    ("male person", "female person"),
    ("male", "female"),
    ("gentleman", "lady"),
    ("male face", "female face"),
]
CHILDREN = [("boy", "girl"), ("little boy", "little girl"), ("young boy", "young girl")]
# In the order of UTKFace's labels; its fifth, "Others", is left out of questions about race.
RACES = [
    ("white", "black", "asian", "indian"),
    ("caucasian", "african", "east asian", "south asian"),
    ("european", "african american", "asian", "indian"),
]
AGES = ("baby", "child", "teenager", "young adult", "middle-aged adult", "old person")
AGE_WORDS = ("baby", "little", "teenage", "young", "middle-aged", "old")
AGE_BOUNDS = (3, 10, 18, 36, 60)
CHILD_UNTIL = 16

Bank = dict[str, Tensor]


def questions() -> dict[str, list[list[str]]]:
    """Per question, wordings of the same choice: each a list with one text per answer."""
    races = [[f"{race} {noun}" for race in row] for row in RACES for noun in ("person", "face")]
    races += [[f"{race} {noun}" for race in RACES[0]] for pair in ADULTS[:1] for noun in pair]
    everything = [
        [f"{age} {race} {noun}" for noun in pair for race in RACES[0] for age in AGE_WORDS]
        for pair in ADULTS[:2]
    ]
    choices = {
        "gender": (ADULTS, FACE_TEMPLATES),
        "child": (CHILDREN, FACE_TEMPLATES),
        "race": (races, FACE_TEMPLATES),
        "age": ([AGES], FACE_TEMPLATES),
        "everything": (everything, FACE_TEMPLATES[:8]),
        "object": ([CIFAR], TEMPLATES),
    }
    return {
        question: [[t.format(answer) for answer in row] for row in rows for t in templates]
        for question, (rows, templates) in choices.items()
    }


def question_bank(mini: Mini) -> Bank:
    """Per question, the text features (wordings, answers, 384)."""
    return {
        question: torch.stack([embed(mini, row) for row in rows])
        for question, rows in questions().items()
    }


# ------------------------------------------------------------------------------- the training


@dataclass(frozen=True)
class Corpus:
    """Features (n, views, d) of the three sets with what is known of each image."""

    faces: Tensor
    gender: Tensor
    race: Tensor
    age: Tensor
    objects: Tensor
    label: Tensor
    scenes: Tensor
    captions: Tensor  # (n, 5, 384)


class Head(nn.Module):
    """The trained part: pooler, visual and text projection, on standardised features."""

    def __init__(self, mini: Mini, mean: Tensor, std: Tensor, common: Tensor) -> None:
        super().__init__()
        config = mini[0].config.vision_config
        self.means = config.head_channels
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        # One unit of the pooler is kept to carry the constant of the folded linear map.
        self.pooler = nn.Linear(len(mean), config.pooler_width - 1)
        self.linear = nn.Linear(self.means, EMBEDDING_DIM, bias=False)
        self.units = nn.Linear(config.pooler_width - 1, EMBEDDING_DIM, bias=False)
        self.text = nn.Linear(EMBEDDING_DIM, EMBEDDING_DIM, bias=False)
        self.scale = nn.Parameter(torch.tensor(3.0))
        # Near the identity, so that words never trained on keep their meaning; the direction that
        # all captions share is damped, since it only pushes every cosine up.
        self.register_buffer("start", torch.eye(EMBEDDING_DIM) - 0.9 * torch.outer(common, common))
        with torch.no_grad():
            self.text.weight.copy_(self.start)
            self.linear.weight.mul_(0.3)

    def image(self, seen: Tensor, dropped: float = 0.5) -> Tensor:
        """(n, d) features -> (n, 384), L2-normalised; training withholds the share `dropped`."""
        seen = dropout((seen.float() - self.mean) / self.std, dropped, self.training)
        units = dropout(gelu(self.pooler(seen)), 0.5, self.training)
        return normalize(self.linear(seen[:, -self.means :]) + self.units(units), dim=-1)

    def words(self, texts: Tensor) -> Tensor:
        """(..., 384) text features -> the same shape in the common space, L2-normalised."""
        return normalize(self.text(texts), dim=-1)

    def answer(self, images: Tensor, texts: Tensor, answers: Tensor) -> Tensor:
        """Cross-entropy of choosing among `texts` (answers, 384) for each image embedding."""
        return cross_entropy(self.scale.exp() * images @ self.words(texts).T, answers)

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """Weights under the model's names, with the standardisation folded in."""
        pooler = self.pooler.weight / self.std
        bias = self.pooler.bias - pooler @ self.mean
        linear = self.linear.weight / self.std[-self.means :]
        constant = -linear @ self.mean[-self.means :]
        level = 10.0  # where GELU is the identity
        state = {
            "vision_model.pooler.weight": torch.cat([pooler, torch.zeros_like(pooler[:1])]),
            "vision_model.pooler.bias": torch.cat([bias, torch.tensor([level])]),
            "visual_projection.weight": torch.cat(
                [linear, self.units.weight, constant[:, None] / level], dim=1
            ),
            "text_projection.weight": self.text.weight,
        }
        state = {name: value.half().contiguous() for name, value in state.items()}
        return state | {"logit_scale": self.scale.detach().clone()}


def face_loss(head: Head, corpus: Corpus, bank: Bank, draw: "Draw") -> Tensor:
    """Gender, race, age and all three at once, each as a choice among texts."""
    rows = draw.rows(len(corpus.faces), 192)
    images = head.image(draw.view(corpus.faces, rows))
    gender, race, age = corpus.gender[rows], corpus.race[rows], corpus.age[rows]
    band = torch.bucketize(age, torch.tensor(AGE_BOUNDS), right=True)
    named, child = race < 4, age < CHILD_UNTIL
    everything = gender * 24 + race * 6 + band
    loss = head.answer(images, draw.wording(bank["gender"]), gender)
    loss = loss + head.answer(images[named], draw.wording(bank["race"]), race[named])
    loss = loss + 0.5 * head.answer(images, draw.wording(bank["age"]), band)
    loss = loss + 0.5 * head.answer(
        images[named], draw.wording(bank["everything"]), everything[named]
    )
    return loss + 0.3 * head.answer(images[child], draw.wording(bank["child"]), gender[child])


def object_loss(head: Head, corpus: Corpus, bank: Bank, draw: "Draw") -> Tensor:
    """CIFAR-10's ten classes."""
    rows = draw.rows(len(corpus.objects), 192)
    images = head.image(draw.view(corpus.objects, rows))
    return head.answer(images, draw.wording(bank["object"]), corpus.label[rows])


def scene_loss(head: Head, corpus: Corpus, draw: "Draw") -> Tensor:
    """Contrastive, with captions that mean nearly the same counted as partly right.

    The target is the softmax of the captions' own similarity, which 800 photos need: one caption
    of two dogs fits the photo of other dogs as well.
    """
    rows = draw.rows(len(corpus.scenes), 160)
    images = head.image(draw.view(corpus.scenes, rows), SCENE_DROPPED)
    captions = draw.view(corpus.captions, rows)
    meaning = normalize(captions - captions.mean(dim=0), dim=-1)
    target = (meaning @ meaning.T / 0.15).softmax(dim=1)
    logits = head.scale.exp() * images @ head.words(captions).T
    return cross_entropy(logits, target) + cross_entropy(logits.T, target)


@dataclass(frozen=True)
class Draw:
    """The random choices of one training run."""

    generator: torch.Generator

    def rows(self, n: int, size: int) -> Tensor:
        """`size` different images of `n` (all of them if there are fewer)."""
        return torch.randperm(n, generator=self.generator)[:size]

    def view(self, views: Tensor, rows: Tensor) -> Tensor:
        """One view of each of these rows: (len(rows), d)."""
        return views[rows, torch.randint(views.shape[1], (len(rows),), generator=self.generator)]

    def wording(self, texts: Tensor) -> Tensor:
        """One wording of a question: (answers, 384)."""
        return texts[int(torch.randint(len(texts), (), generator=self.generator))]


def train(mini: Mini, corpus: Corpus, bank: Bank, steps: int) -> Head:
    """AdamW with one cycle of the learning rate; strong decay on the image side."""
    torch.manual_seed(SEED)
    draw = Draw(torch.Generator().manual_seed(SEED))
    seen = torch.cat([part.flatten(0, 1) for part in (corpus.faces, corpus.objects, corpus.scenes)])
    seen = seen.float()
    common = normalize(corpus.captions.mean(dim=(0, 1)), dim=0)
    head = Head(mini, seen.mean(dim=0), seen.std(dim=0) + 1e-2, common)
    image_side = [*head.pooler.parameters(), *head.linear.parameters(), *head.units.parameters()]
    groups = [
        {"params": image_side, "weight_decay": 0.3},
        {"params": [head.text.weight], "weight_decay": 0.0},
        {"params": [head.scale], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 2e-4, 1e-3], steps)
    for _ in tqdm(range(steps), desc="training"):
        loss = face_loss(head, corpus, bank, draw) + object_loss(head, corpus, bank, draw)
        loss = loss + 1.5 * scene_loss(head, corpus, draw)
        loss = loss + 30 / EMBEDDING_DIM * (head.text.weight - head.start).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


def validate(mini: Mini, head: Head, held: Corpus) -> dict[str, float]:
    """The figures choices are made by, on held-out training data; `_shifted`: on varied views."""
    state = head.folded()
    mini[0].text_projection.weight.data.copy_(state["text_projection.weight"])
    result: dict[str, float] = {}
    with torch.inference_mode():
        for number, suffix in enumerate(("", "_shifted")):
            faces = head.image(held.faces[:, number])
            gender = choose(mini, faces, GENDER_PROMPTS) == held.gender.numpy()
            race = choose(mini, faces, RACE_PROMPTS)
            right = [float((race == r)[held.race.numpy() == r].mean()) for r in range(4)]
            result[f"gender{suffix}"] = float(gender[held.age.numpy() >= ADULT_FROM].mean())
            result[f"gender_all_ages{suffix}"] = float(gender.mean())
            result[f"race{suffix}"] = float(np.mean(right))
        objects = choose(mini, head.image(held.objects[:, 0]), OBJECT_PROMPTS)
        result["object"] = float((objects == held.label.numpy()).mean())
        result |= recalls(head.image(held.scenes[:, 0]), head.words(held.captions))
    return {name: round(value, 3) for name, value in result.items()}


# ------------------------------------------------------------------------------------ the run


def corpus(mini: Mini, data: Path, cache: Path, split: str, rows: dict[str, slice]) -> Corpus:
    """The faces of `split`, and these rows of the objects and scenes for training."""
    faces = read(data, "utkface", split)
    objects = read(data, "cifar10_subset", "train").select(range(CIFAR_IMAGES))
    scenes = read(data, "flickr8k_subset", "train")
    captions = [caption for five in scenes["captions"] for caption in five]
    objects_seen = views(mini, objects, cache, "cifar10_subset", "train")
    scenes_seen = views(mini, scenes, cache, "flickr8k_subset", "train")
    return Corpus(
        faces=views(mini, faces, cache, "utkface", split),
        gender=torch.tensor(faces["gender"]),
        race=torch.tensor(faces["race"]),
        age=torch.tensor(faces["age"]),
        objects=objects_seen[rows["objects"]],
        label=torch.tensor(objects["label"])[rows["objects"]],
        scenes=scenes_seen[rows["scenes"]],
        captions=embed(mini, captions).view(len(scenes), 5, EMBEDDING_DIM)[rows["scenes"]],
    )


EVERYTHING = {"objects": slice(None), "scenes": slice(None)}
MOST = {"objects": slice(0, -1000), "scenes": slice(0, -200)}
REST = {"objects": slice(-1000, None), "scenes": slice(-200, None)}


def main() -> None:
    """Train and measure; or, with --validate, train on less and print the figures for choices."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the image sets")
    parser.add_argument("--cache", type=Path, default=Path("out/mini"), help="where features go")
    parser.add_argument("--steps", type=int, default=450)
    parser.add_argument("--validate", action="store_true")
    options = parser.parse_args()
    mini = untrained_mini()
    mini[0].eval()
    kept = MOST if options.validate else EVERYTHING
    start = time.process_time()
    training = corpus(mini, options.data, options.cache, "train", kept)
    head = train(mini, training, question_bank(mini), options.steps)
    if options.validate:
        held = corpus(mini, options.data, options.cache, "validation", REST)
        print(json.dumps(validate(mini, head, held), indent=1))
        return
    print(f"CPU time: {time.process_time() - start:.0f} s")
    partial = PROJECTIONS.with_suffix(".part")
    partial.write_bytes(save(head.folded()))
    os.replace(partial, PROJECTIONS)
    metrics = measure(load_mini(), options.data)
    partial = METRICS.with_suffix(".part")
    partial.write_text(json.dumps(metrics, indent=2) + "\n")
    os.replace(partial, METRICS)
    print(METRICS.read_text())


if __name__ == "__main__":
    main()
