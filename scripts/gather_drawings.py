"""Drawings of many artists as PNG files, to choose the weights of the check of drawings on, and to
test it.

    npm install --prefix NPM @iconify-json/{openmoji,fluent-emoji,fluent-emoji-flat,fxemoji} \
        @iconify-json/{emojione-v1,twemoji} @dicebear/{core,collection}@9 emoji-datasource-apple \
        @coinbase/cds-illustrations @douyinfe/semi-illustrations react-undraw-illustrations
    for p in openclipart-png wesnoth-1.16-data freecol; do    # Debian 12
        apt-get download $p && dpkg-deb -x ${p}_*.deb DEB/$p; done
    pip install --target PRIVATE resvg_py==0.5.0
    PYTHONPATH=PRIVATE python scripts/gather_drawings.py --npm NPM --deb DEB --out drawings

writes OUT/chosen-on/FAMILY/*.png and OUT/test/FAMILY/*.png: no artist is in both, but for Open
Clipart, of whose hundreds of artists some may be. The drawings stay with whoever made the folder;
their licences allow use, some only under the same terms.
"""

import argparse
import json
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

from PIL import Image

PARTS = ("chosen-on", "test")
PER_FAMILY = 100
SIDE = 320
# Clip art comes in any size; below this it is an ornament.
LEAST = 48
PERSON = re.compile("man|person|people|boy|girl|face|famil|child|adult")
# DiceBear's styles; those of one artist are in one part.
CHOSEN_STYLES = "avataaars open-peeps bottts lorelei adventurer big-smile micah pixel-art thumbs"
TEST_STYLES = "notionists big-ears miniavs croodles personas toon-head dylan fun-emoji"
PER_STYLE = 15
CLIPART = "usr/share/openclipart/png"
WESNOTH = "usr/share/games/wesnoth/1.16/data/core/images/portraits"
FREECOL = "usr/share/games/freecol/default/resources/images"
AVATARS = """
const {createAvatar} = require("@dicebear/core"), styles = require("@dicebear/collection");
const [names, each] = JSON.parse(process.argv[1]);
for (const name of names) {
  const style = styles[name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())];
  for (let i = 0; i < each; i++)
    console.log(JSON.stringify(createAvatar(style, {seed: `${name} ${i}`}).toString()));
}
"""
SCENES = """
const all = require("react-undraw-illustrations"), react = require("react");
const {renderToStaticMarkup} = require("react-dom/server"), [each] = JSON.parse(process.argv[1]);
const names = Object.keys(all).sort(), step = Math.ceil(names.length / each);
for (let i = 0; i < names.length; i += step)
  console.log(JSON.stringify(
    renderToStaticMarkup(react.createElement(all[names[i]], {primaryColor: "#6c68fb"}))));
"""


@dataclass(frozen=True)
class Folders:
    npm: Path
    deb: Path

    @property
    def modules(self) -> Path:
        return self.npm / "node_modules"


Drawings = Callable[[Folders], Iterator[Image.Image]]


def svg(text: str) -> Image.Image:
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=text, width=SIDE)
    return Image.open(BytesIO(bytes(png))).convert("RGBA")


def some(items: list[str], seed: str) -> list[str]:
    """In an order that does not hold one subject together."""
    return random.Random(seed).sample(sorted(items), len(items))


def iconify(name: str) -> Drawings:
    def drawn(folders: Folders) -> Iterator[Image.Image]:
        folder = folders.modules / "@iconify-json" / name
        said = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        people = [name for name in said["icons"] if PERSON.search(name)]
        # Every other one of people: they are what a pile of people is mistaken for.
        others = sorted(set(said["icons"]) - set(people))
        for pair in zip(some(people, name), some(others, name), strict=False):
            for icon in (said["icons"][n] for n in pair):
                width = icon.get("width", said.get("width", 16))
                height = icon.get("height", said.get("height", 16))
                yield svg(
                    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink='
                    f'"http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}">'
                    f"{icon['body']}</svg>"
                )

    return drawn


def scripted(script: str, *arguments: object) -> Drawings:
    def drawn(folders: Folders) -> Iterator[Image.Image]:
        command = ["node", "-e", script, json.dumps(arguments)]
        done = subprocess.run(command, cwd=folders.npm, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            text = json.loads(line).replace("height:250px;width:100%", "")
            if "xmlns=" not in text:
                text = text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
            yield svg(text)

    return drawn


def files(root: Callable[[Folders], Path], *patterns: str) -> Drawings:
    def drawn(folders: Folders) -> Iterator[Image.Image]:
        found = [str(p) for pattern in patterns for p in root(folders).glob(pattern)]
        for path in some(found, "files"):
            if path.endswith(".svg"):
                yield svg(Path(path).read_text(encoding="utf-8"))
                continue
            with Image.open(path) as image:
                if min(image.size) >= LEAST:
                    image.draft("RGB", (SIDE, SIDE))
                    yield image.convert("RGBA")

    return drawn


def npm(package: str, *patterns: str) -> Drawings:
    return files(lambda folders: folders.modules / package, *patterns)


def deb(package: str, where: str, *patterns: str) -> Drawings:
    return files(lambda folders: folders.deb / package / where, *patterns)


def clipart(*folders: str) -> Drawings:
    return deb("openclipart-png", CLIPART, *(f"{name}/**/*.png" for name in folders))


FAMILIES: dict[str, dict[str, Drawings]] = {
    "chosen-on": {
        "openmoji": iconify("openmoji"),
        "fluent emoji": iconify("fluent-emoji"),
        "fluent emoji, flat": iconify("fluent-emoji-flat"),
        "Firefox OS emoji": iconify("fxemoji"),
        "EmojiOne": iconify("emojione-v1"),
        "avatars": scripted(AVATARS, CHOSEN_STYLES.split(), PER_STYLE),
        "Coinbase illustrations": npm("@coinbase/cds-illustrations", "**/*.png"),
        "Semi illustrations": npm("@douyinfe/semi-illustrations", "src/svgs/*.svg"),
        "clip art": clipart("animals", "food", "plants", "transportation", "recreation", "office"),
    },
    "test": {
        "Twemoji": iconify("twemoji"),
        "Apple emoji": npm("emoji-datasource-apple", "img/apple/64/*.png"),
        "avatars": scripted(AVATARS, TEST_STYLES.split(), PER_STYLE),
        "unDraw illustrations": scripted(SCENES, PER_FAMILY),
        "clip art": clipart("people", "education", "tools", "buildings"),
        "painted portraits, Wesnoth": deb("wesnoth-1.16-data", WESNOTH, "**/*.png", "**/*.webp"),
        "painted portraits, FreeCol": deb(
            "freecol", FREECOL, "foundingFathers/*[a-zA-Z].jpg", "monarch/*"
        ),
    },
}


def fitted(image: Image.Image) -> Image.Image | None:
    """Cut to what is drawn and made small; None if nothing is."""
    box = image.getchannel("A").getbbox()
    if box is None:
        return None
    image = image.crop(box)
    image.thumbnail((SIDE, SIDE))
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("npm", "deb", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    chosen = parser.parse_args()
    folders = Folders(chosen.npm.resolve(), chosen.deb.resolve())
    for part, families in FAMILIES.items():
        for family, drawn in families.items():
            folder = chosen.out / part / family
            folder.mkdir(parents=True, exist_ok=True)
            found = (image for image in map(fitted, drawn(folders)) if image is not None)
            count = 0
            limit = PER_FAMILY if family != "avatars" else None
            for count, image in enumerate(islice(found, limit), 1):
                image.save(folder / f"{count:03d}.png")
            print(f"{part}: {family}: {count}")


if __name__ == "__main__":
    main()
