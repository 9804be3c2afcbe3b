"""The models that the app offers, each loaded when somebody first asks for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from importlib.resources import files
from pathlib import Path
from typing import Any

from unskew.encoders import Debiaser, DualEncoder
from unskew.encoders.fetching import BUILT_IN
from unskew.errors import InputError

DEBIASED = f"{BUILT_IN}, debiased"
"""The built-in model with the heads that ship with the app; see its ``README.md``."""
PUBLIC = (BUILT_IN, DEBIASED, "openai/clip-vit-base-patch32", "openai/clip-vit-base-patch16")
"""All that a public Space lets anybody load."""
LOCAL = (BUILT_IN, DEBIASED)

_AT_ONCE = 3
"""Models in memory; the one unused for longest makes room."""


def debiased_folder() -> Path:
    """Where the debiased model is that ships with the app."""
    return Path(str(files("unskew.demo") / "debiased"))


class Models:
    """Encoders by the names offered, and by no other. Safe to use from several threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, DualEncoder] = OrderedDict()

    def get(self, name: str) -> DualEncoder:
        """The encoder of this name; what is offered once is loaded once.

        Raises:
            InputError: it is not offered, or cannot be used.
            NotFoundError: it cannot be fetched.
        """
        self.check(name)
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
                if len(self._loaded) > _AT_ONCE:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(name)
            return self._loaded[name]

    def check(self, name: str) -> None:
        """Raise InputError unless the model is offered."""
        if name not in self.names:
            raise InputError(f"model {name!r:.80} is not offered here: {', '.join(self.names)}")

    def path(self, name: str) -> str:
        """What `DualEncoder.from_pretrained` takes for this name.

        Raises:
            InputError: it is not offered.
        """
        self.check(name)
        return str(debiased_folder()) if name == DEBIASED else name

    def _load(self, name: str) -> DualEncoder:
        if name != DEBIASED:
            return DualEncoder.from_pretrained(name)
        base = self._loaded.get(BUILT_IN) or DualEncoder.from_pretrained(BUILT_IN)
        derived: Any = copy(Debiaser.from_pretrained(debiased_folder()).apply(base))
        derived.name = DEBIASED
        return derived
