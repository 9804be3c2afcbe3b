"""Image sets and an encoder in which bias and utility are planted, so that the truth is known.

A picture is 6 x 4 grey pixels that spell its embedding; a text's embedding is looked up, or drawn
from its characters.
"""

import io
import zlib

import numpy as np
from datasets import ClassLabel, Dataset, Features, Image, List, Value
from PIL import Image as Pillow

from unskew.corpora import CaptionedSet, ImageSet
from unskew.encoders.image_run import Embedded
from unskew.stimuli import load_stimuli

DIM = 24
GENDER, TOPIC = 0, slice(4, DIM)
CLASSES = ["ship", "horse", "tree", "lamp"]


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def picture(vector):
    """PNG bytes that spell a vector (DIM,) with values within -1..1."""
    pixels = np.clip(np.round(vector * 127) + 128, 0, 255).astype(np.uint8).reshape(4, 6)
    file = io.BytesIO()
    Pillow.fromarray(pixels, "L").save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


class PixelEncoder:
    """Reads the pixels. `towers` (DIM, DIM) stands for weights that were trained."""

    name, fingerprint, dim, demonstration = "pixels", "0", DIM, False

    def __init__(self, texts=(), towers=None):
        self.texts = dict(texts)
        self.towers = np.eye(DIM) if towers is None else towers
        self.forwards = 0

    def embed_readable(self, images, batch_size=32):
        images = list(images)
        self.forwards += len(images)
        rows = [np.asarray(Pillow.open(io.BytesIO(i["bytes"]))).ravel() for i in images]
        vectors = (np.array(rows, dtype=np.float64) - 128) / 127
        return Embedded(unit(vectors @ self.towers.T), np.arange(len(rows)), ())

    def embed_images(self, images, batch_size=32):
        return self.embed_readable(images, batch_size).embeddings

    def embed_texts(self, texts, template=None):
        filled = [template.replace("{}", t) if template else t for t in texts]
        return unit(np.array([self._text(t) for t in filled]).reshape(-1, DIM))

    def _text(self, text):
        return self.texts.get(
            text, np.random.default_rng(zlib.crc32(text.encode())).normal(size=DIM)
        )


def people(n=80, name="people", seed=0, shift=0.5):
    """Women and men in turn; gender is the first coordinate."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 0.15, (n, DIM))
    labels = np.arange(n) % 2
    vectors[:, GENDER] += np.where(labels == 1, shift, -shift)
    features = Features(
        {"image": Image(decode=False), "gender": ClassLabel(names=["Male", "Female"])}
    )
    rows = {"image": [picture(v) for v in vectors], "gender": labels.tolist()}
    data = Dataset.from_dict(rows, features=features)
    return ImageSet(name, data, "image", ("gender",))


def things(n=60, name="things", seed=1):
    """Images of four classes, each near a direction of its own; see `class_texts`."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(CLASSES)
    vectors = 0.12 * rng.normal(size=(n, DIM)) + 0.5 * directions()[labels]
    features = Features({"image": Image(decode=False), "label": ClassLabel(names=CLASSES)})
    rows = {"image": [picture(v) for v in vectors], "label": labels.tolist()}
    return ImageSet(name, Dataset.from_dict(rows, features=features), "image", ("label",))


def directions():
    """(classes, DIM): orthogonal, and orthogonal to gender."""
    return np.eye(DIM)[4 : 4 + len(CLASSES)]


def album(n=40, name="album", seed=2, noise=0.25):
    """(photos with two captions each, what the captions' embeddings are)."""
    rng = np.random.default_rng(seed)
    vectors = np.clip(rng.normal(0, 0.3, (n, DIM)), -1, 1)
    captions = [[f"{name} {i} seen", f"{name} {i} told"] for i in range(n)]
    texts = {
        text: vectors[i] + noise * rng.normal(size=DIM)
        for i, both in enumerate(captions)
        for text in both
    }
    features = Features({"image": Image(decode=False), "captions": List(Value("string"))})
    rows = {"image": [picture(v) for v in vectors], "captions": captions}
    return CaptionedSet(
        name, Dataset.from_dict(rows, features=features), "image", "captions"
    ), texts


def encoder_for(*albums, bias=0.6):
    """Knows the captions and the classes; half of its concepts lean to one gender."""
    texts = {f"a photo of a {c}": v for c, v in zip(CLASSES, directions(), strict=True)}
    ranking = load_stimuli("ranking_benchmark").ranking
    rng = np.random.default_rng(9)
    for i, prompt in enumerate(ranking.prompts):
        vector = rng.normal(0, 0.3, DIM)
        vector[GENDER] += bias * (1 if i % 2 else -1)
        texts[prompt] = vector
    for _, captions in albums:
        texts |= captions
    return PixelEncoder(texts)
