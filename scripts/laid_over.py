"""Writing laid over photographs, and the same where writing belongs: what to train a network on.

The fonts are those of Debian, of living scripts alone; families are drawn alike, whether they have
one cut or twenty.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

LIVING = re.compile(
    "sans|serif|arabic|naskh|devanagari|bengali|tamil|telugu|thai|hebrew|armenian|georgian|"
    "ethiopic|khmer|lao|myanmar|sinhala|gujarati|gurmukhi|kannada|malayalam|oriya",
    re.I,
)
NO_WRITING = re.compile(
    r"math|symbol|emoji|dingbat|standardsym|D0500|Z003_|braille|music|NotoSansMono.*CJK", re.I
)
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
SAID_ON_PICTURES = """
photo image stock sample preview copyright archive news press agency studio media pictures pics
gallery free demo proof getty editorial rights reserved do not copy watermark by for use only daily
times world art design
"""
KNOWN = SAID_ON_PICTURES.split()
CHINESE_JAPANESE_KOREAN = ((0x4E00, 0x7000), (0x3041, 0x30FF), (0xAC00, 0xB800))
Rng = np.random.Generator


@dataclass(frozen=True)
class Written:
    """``lines``: bool (h, w), where lines of writing lie. ``contrast``: float32 (h, w), by how many
    of 255 levels the letters there differ from what they lie on."""

    image: Image.Image
    lines: np.ndarray
    contrast: np.ndarray


def nothing(image: Image.Image) -> Written:
    shape = image.size[::-1]
    return Written(image, np.zeros(shape, bool), np.zeros(shape, np.float32))


def family(path: Path) -> str:
    return re.split(r"[-_\[ ]", path.stem)[0].rstrip("BIO").lower()


def font_files(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        noto = re.match(r"Noto(Sans|Serif|Naskh|Kufi|Rashi|Music|Mono)?([A-Z][a-z]+)?", path.name)
        script = noto and "CJK" not in path.name and noto.group(2)
        known = not script or LIVING.fullmatch(script)
        if known and path.suffix in (".ttf", ".otf", ".ttc") and not NO_WRITING.search(path.name):
            found.append(path)
    return found


@cache
def letters(path: Path) -> tuple[bool, tuple[int, ...]]:
    """Whether a font has the letters of English, and the letters of other scripts that it has."""
    cmap = TTFont(path, fontNumber=0, lazy=True).getBestCmap() or {}
    others = tuple(code for code in cmap if code > 0x2FF and chr(code).isalpha())
    return all(ord(c) in cmap for c in "abcxyzABCXYZ019@."), others


@lru_cache(maxsize=400)
def font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def word(rng: Rng) -> str:
    if rng.random() < 0.4:
        return str(rng.choice(KNOWN))
    said = ""
    for _ in range(rng.integers(1, 5)):
        said += str(rng.choice(list(CONSONANTS))) + str(rng.choice(list(VOWELS)))
        said += str(rng.choice(list(CONSONANTS))) if rng.random() < 0.3 else ""
    return said


def words(rng: Rng, most: int) -> list[str]:
    return [word(rng) for _ in range(rng.integers(1, most))]


def english(rng: Rng) -> str:
    """What is laid over pictures: names, addresses, credits, dates, numbers, handles."""
    kind = rng.random()
    if kind < 0.2:
        said = "".join(words(rng, 3))
    elif kind < 0.45:
        said = " ".join(words(rng, 4))
    elif kind < 0.6:
        ends = [".com", ".net", ".org", ".de", ".co.uk"]
        said = "www." if rng.random() < 0.6 else ""
        said += word(rng) + word(rng) + str(rng.choice(ends))
    elif kind < 0.75:
        said = str(rng.choice(["©", "(c) ", "© ", "Photo: ", "@", "by "])) + " ".join(words(rng, 3))
        said += f" {rng.integers(1990, 2027)}" if rng.random() < 0.5 else ""
    elif kind < 0.85:
        if rng.random() < 0.5:
            day, month = rng.integers(1, 29), rng.integers(1, 13)
            said = f"{day:02d}.{month:02d}.{rng.integers(1990, 2027)}"
        else:
            said = str(rng.integers(10**6, 10**9))
    else:
        said = f"@{word(rng)}_{word(rng)}"
    case = rng.random()
    return said.upper() if case < 0.3 else said.title() if case < 0.55 else said


def text_for(path: Path, rng: Rng) -> str:
    """In the letters of a font: English, or letters of another script that are neighbours."""
    latin, others = letters(path)
    ideographs = "CJK" in path.name
    if latin and not (ideographs and rng.random() < 0.8) and (not others or rng.random() < 0.85):
        return english(rng)
    if not others:
        return english(rng)
    if ideographs:
        others = tuple(c for c in others if any(a <= c < b for a, b in CHINESE_JAPANESE_KOREAN))
    count = int(rng.integers(3, 12))
    first = int(rng.integers(len(others)))
    steps = rng.integers(-40, 40, count)
    return "".join(chr(others[(first + int(step)) % len(others)]) for step in steps)


def ink(rng: Rng) -> tuple[int, ...]:
    kind = rng.random()
    if kind < 0.42:
        return (255, 255, 255)
    if kind < 0.72:
        return (int(rng.integers(0, 60)),) * 3
    if kind < 0.8:
        return (int(rng.integers(60, 255)),) * 3
    return tuple(int(v) for v in rng.integers(0, 256, 3))


class Layer:
    """Transparent, of a picture's size; knows where its letters and its lines are."""

    def __init__(self, shape: tuple[int, int], path: Path, size: int, rng: Rng) -> None:
        self.path, self.size, self.font = path, size, font(path, size)
        colour, opacity = ink(rng), int(rng.uniform(90, 256))
        self.ink = (*colour, opacity)
        self.other = tuple(255 - c for c in colour)
        self.shown = Image.new("RGBA", shape, (*colour, 0))
        self.glyphs, self.lines = Image.new("L", shape), Image.new("L", shape)
        self.drawn = [ImageDraw.Draw(on) for on in (self.shown, self.glyphs, self.lines)]
        self.layout = rng.random()
        self.outline = int(max(1, size * 0.06)) if rng.random() < 0.15 else 0
        self.shadow = rng.random() < 0.15 and not self.outline
        self.plate = rng.random() < 0.08

    def put(self, x: float, y: float, text: str) -> None:
        shown, glyphs, lines = self.drawn
        box = glyphs.textbbox((x, y), text, self.font)
        opacity = self.ink[3]
        if self.plate:
            edges = (box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3)
            shown.rectangle(edges, fill=(*self.other, int(opacity * 0.6)))
        if self.shadow:
            aside = max(1, self.size // 14)
            shown.text((x + aside, y + aside), text, (*self.other, opacity), self.font)
        edge = {"stroke_width": self.outline, "stroke_fill": (*self.other, opacity)}
        shown.text((x, y), text, self.ink, self.font, **edge)
        glyphs.text((x, y), text, 255, self.font)
        lines.rectangle(box, fill=255)

    def turn(self, degrees: float) -> None:
        self.shown = self.shown.rotate(degrees, Image.Resampling.BICUBIC)
        self.glyphs, self.lines = self.glyphs.rotate(degrees), self.lines.rotate(degrees)

    def over(self, image: Image.Image) -> Written:
        out = Image.alpha_composite(image.convert("RGBA"), self.shown).convert("RGB")
        before, after = (np.asarray(i.convert("RGB")).astype(np.float32) for i in (image, out))
        change = np.abs(before - after).max(axis=2)
        glyphs, lines = np.asarray(self.glyphs) > 127, np.asarray(self.lines) > 127
        window = (int(self.size * 2) | 1,) * 2
        there = cv2.blur(glyphs.astype(np.float32), window)
        mean = cv2.blur(change * glyphs, window) / np.maximum(there, 1e-3)
        return Written(out, lines, np.where(lines & (there > 1e-3), mean, 0).astype(np.float32))


def laid_over(image: Image.Image, path: Path, rng: Rng) -> Written:
    """A line in a corner or anywhere, lines at the edge, or one repeated all over the picture."""
    width, height = image.size
    size = max(8, int(min(image.size) * np.exp(rng.uniform(np.log(0.045), np.log(0.17)))))
    layer = Layer(image.size, path, size, rng)
    text = text_for(path, rng)
    while (long := layer.font.getlength(text)) > width * 1.1 and len(text) > 4:
        text = text[:-2]
    degrees = 0.0
    if layer.layout < 0.4:
        x = rng.choice([0.02 * width, max(0, (width - long) / 2), max(0, 0.97 * width - long)])
        y = rng.choice([0.02 * height, height - 1.5 * size])
        layer.put(float(x), float(y), text)
    elif layer.layout < 0.68:
        x = rng.uniform(0, max(1, width - long))
        layer.put(float(x), float(rng.uniform(0, height - 1.3 * size)), text)
        degrees = rng.uniform(-50, 50) if rng.random() < 0.4 else 0
    elif layer.layout < 0.93:
        down, across = size * rng.uniform(2.2, 5), long + size * rng.uniform(1, 5)
        for i, y in enumerate(np.arange(-0.2 * height, 1.2 * height, down)):
            start = -0.2 * width - (i % 2) * across / 2 * (rng.random() < 0.5)
            for x in np.arange(start, 1.2 * width, across):
                layer.put(float(x), float(y), text)
        degrees = rng.uniform(-50, 50) if rng.random() < 0.75 else 0
    else:
        y = float(rng.choice([0.03 * height, max(0, height - 4 * size)]))
        for i in range(int(rng.integers(2, 4))):
            line = text_for(path, rng)[: max(3, int(width / size * 1.5))]
            layer.put(0.03 * width, y + i * 1.25 * size, line)
    if degrees:
        layer.turn(degrees)
    return layer.over(image)


def sign(image: Image.Image, path: Path, rng: Rng) -> Written:
    """Writing that belongs to the scene, on a plate or a shirt: in perspective, lit as what it
    stands on. It is not laid over the picture, so that nothing is told of where it is."""
    width, height = image.size
    text, large = text_for(path, rng)[:14], font(path, 40)
    long, high = int(large.getlength(text)) + 30, int(rng.integers(60, 120))
    ground = [int(v) for v in rng.integers(0, 256, 3)]
    plate = Image.new("RGBA", (long, high), (*ground, 255 if rng.random() < 0.6 else 0))
    colour = (20, 20, 20) if np.mean(ground) > 128 else (240, 240, 240)
    if rng.random() < 0.3:
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    ImageDraw.Draw(plate).text((15, high / 2), text, (*colour, 255), large, anchor="lm")
    across = width * rng.uniform(0.15, 0.6)
    down = across * high / long
    x, y = rng.uniform(0, width - across), rng.uniform(0, max(1, height - down))
    corners = np.array([[x, y], [x + across, y], [x + across, y + down], [x, y + down]])
    corners = corners + rng.normal(0, down * 0.22, (4, 2))
    angle, centre = rng.uniform(-0.35, 0.35), corners.mean(axis=0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = ((corners - centre) @ turn.T + centre).astype(np.float32)
    flat = np.array([[0, 0], [long, 0], [long, high], [0, high]], np.float32)
    way = cv2.getPerspectiveTransform(flat, corners)
    there = cv2.warpPerspective(np.asarray(plate).astype(np.float32), way, image.size)
    pixels = np.asarray(image.convert("RGB")).astype(np.float32)
    light = cv2.GaussianBlur(pixels.mean(axis=2), (0, 0), max(2, across / 8)) / 140
    light = np.clip(light * 0.7 + 0.25, 0.2, 1.3)[..., None]
    body = cv2.GaussianBlur(there[..., :3], (0, 0), rng.uniform(0.4, 1.4))
    cover = cv2.GaussianBlur(there[..., 3] / 255, (0, 0), rng.uniform(0.4, 1.4))[..., None]
    out = pixels * (1 - cover) + body * light * cover + rng.normal(0, 3, pixels.shape) * cover
    return nothing(Image.fromarray(np.clip(out, 0, 255).astype(np.uint8)))


def page(image: Image.Image, pick: Callable[[], Path], rng: Rng) -> Written:
    """A page of writing, perhaps with the picture in it."""
    width, height, kind = int(rng.integers(320, 760)), int(rng.integers(320, 760)), rng.random()
    dark = tuple(int(v) for v in rng.integers(0, 60, 3)) if 0.45 <= kind < 0.7 else None
    bright = tuple(int(v) for v in rng.integers(0, 256, 3)) if kind >= 0.7 else (255, 255, 255)
    ground = dark or bright
    shown, where = Image.new("RGB", (width, height), ground), Image.new("L", (width, height))
    on_page, on_lines = ImageDraw.Draw(shown), ImageDraw.Draw(where)
    colour = (20, 20, 20) if np.mean(ground) > 120 else (235, 235, 235)
    y, path, size = int(rng.integers(5, 30)), pick(), int(rng.integers(11, 26))
    left, pictured = int(rng.integers(6, 40)), rng.random()
    while y < height - size * 1.5:
        if 0.3 < pictured < 0.7 and rng.random() < 0.12:
            inset = image.copy()
            inset.thumbnail((width - 2 * left, height // 2))
            shown.paste(inset, (left, y))
            y, pictured = y + inset.height + 8, 0
            continue
        if rng.random() < 0.1:
            y += size
            continue
        if rng.random() < 0.08:
            size = int(rng.integers(11, 34))
        text, drawn_in = text_for(path, rng), font(path, size)
        while drawn_in.getlength(text) < (width - 2 * left) * rng.uniform(0.3, 1):
            text += " " + text_for(path, rng)
        while drawn_in.getlength(text) > width - left - 4 and len(text) > 2:
            text = text[:-2]
        on_page.text((left, y), text, colour, drawn_in)
        on_lines.rectangle(on_page.textbbox((left, y), text, drawn_in), fill=255)
        y += int(size * rng.uniform(1.2, 1.6))
    lines = np.asarray(where) > 0
    return Written(shown, lines, np.where(lines, 200, 0).astype(np.float32))
