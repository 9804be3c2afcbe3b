"""Which layers of a dual encoder LoRA adapts, found from the model itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from unskew.errors import InputError

PARTS = {
    "image": ("vision_model", "visual_projection"),
    "text": ("text_model", "text_projection"),
}
"""The tower and the projection of each modality, as all dual encoders of transformers call them."""


def lora_targets(model: Any, towers: Sequence[str], blocks: int) -> str:
    """A regular expression for PEFT's `target_modules`: it matches whole names of layers.

    Linear layers and ungrouped convolutions of the last `blocks` blocks of each tower, of what
    comes after them, and of the projection. All before that stays as it is, so no gradient has to
    pass through it. Left out are grouped (depthwise) convolutions, and what is inside torch's own
    attention module, whose forward passes a wrapped layer by.

    Raises:
        InputError: no blocks, an unknown tower, or a tower without any such layer.
    """
    if blocks < 0:
        raise InputError(f"blocks is {blocks}; it must be 0 or more")
    names: list[str] = []
    for tower in towers:
        if tower not in PARTS:
            raise InputError(f"there is no tower {tower!r}; there are {', '.join(PARTS)}")
        found = [n for part in PARTS[tower] for n in _adaptable(model, part, blocks)]
        if not found:
            raise InputError(f"{type(model).__name__} has no layer of its {tower} tower to adapt")
        names += found
    return _pattern(names)


def _adaptable(model: Any, part: str, blocks: int) -> Iterator[str]:
    root = getattr(model, part, None)
    if root is None:
        return
    late = _late(root, blocks)
    attention = tuple(
        f"{name}." for name, m in root.named_modules() if isinstance(m, nn.MultiheadAttention)
    )
    for name, module in root.named_modules():
        grouped = isinstance(module, nn.Conv2d) and module.groups > 1
        if not isinstance(module, nn.Linear | nn.Conv2d) or grouped or name.startswith(attention):
            continue
        if late is None or any(name == p or name.startswith(f"{p}.") for p in late):
            yield f"{part}.{name}" if name else part


def _late(root: nn.Module, blocks: int) -> list[str] | None:
    """The last blocks of a tower and all that is registered after them; None: the whole of it.

    The blocks are the longest list of modules that is in no other list.
    """
    lists = [(n, m) for n, m in root.named_modules() if isinstance(m, nn.ModuleList) and len(m)]
    outermost = [
        (n, m) for n, m in lists if not any(n.startswith(f"{o}.") for o, _ in lists if o != n)
    ]
    if not outermost:
        return None
    name, stack = max(outermost, key=lambda pair: len(pair[1]))
    found = [f"{name}.{i}" for i in range(max(0, len(stack) - blocks), len(stack))]
    path = name.split(".")
    for depth in range(len(path)):  # siblings that follow, on every level down to the list
        parent = root.get_submodule(".".join(path[:depth]))
        children = [child for child, _ in parent.named_children()]
        later = children[children.index(path[depth]) + 1 :]
        found += [".".join([*path[:depth], child]) for child in later]
    return found


def _pattern(names: Sequence[str]) -> str:
    """One expression for exactly these names; the numbers of equal layers are put together."""
    numbers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        number = re.search(r"(?<=\.)\d+(?=\.)", name)
        place = (len(name), len(name)) if number is None else number.span()
        numbers[name[: place[0]], name[place[1] :]].append(name[slice(*place)])
    parts = []
    for (before, after), found in numbers.items():
        middle = f"(?:{'|'.join(found)})" if found != [""] else ""
        parts.append(f"{re.escape(before)}{middle}{re.escape(after)}")
    return f"(?:{'|'.join(parts)})"
