"""Plain text out of the markup that services send."""

import html
import re

_TAG = re.compile(r"<[^>]*>")


def plain(text: str | None) -> str:
    """Without tags and entities, in one line."""
    return " ".join(html.unescape(_TAG.sub(" ", text or "")).split())


def joined(*parts: str | None) -> str:
    """The parts that say something, each once, as sentences."""
    kept = dict.fromkeys(filter(None, (plain(part) for part in parts)))
    return " ".join(part if part[-1] in ".!?…" else f"{part}." for part in kept)
