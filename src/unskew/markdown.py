"""Text of other people in Markdown: labels and names from their data, none of which is markup."""

import re

_JOINER = "\u2060"
"""Word joiner: has no width, and allows no line break."""


def escaped(value: object) -> str:
    """Text as it is, on one line, in a paragraph or in the cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", unlinked(" ".join(str(value).split())))


def code(value: object) -> str:
    """Text as inline code, outside tables; the fence is longer than any run of ` in it."""
    text = " ".join(str(value).split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def unlinked(text: str) -> str:
    """GitHub links addresses and names by itself, escaped or not: an unseen joiner stops it.

    What is neither keeps its letters, as R@5, so that a search for it finds it.
    """
    return re.sub(
        r"((?<![A-Za-z0-9])@|@(?=[\w-]+\.)|#|:(?=//)|\bwww(?=\.))",
        rf"\1{_JOINER}",
        text,
        flags=re.IGNORECASE,
    )
