"""Memory that was freed goes back to the system: a server runs for days.

Three things keep it. Figures refer to themselves in circles, and Python seeks such circles the more
rarely the more it has loaded. glibc gives each thread an arena of its own, and keeps what is freed
in it for that thread; and it gives back nothing but the end of an arena, unless it is asked.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from typing import Any

_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


@cache
def _glibc() -> Any:
    """The C library, where it is glibc."""
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    return library if hasattr(library, "malloc_trim") else None


def share_arenas() -> None:
    """Let the threads to come share few arenas. Holds for the whole process: for a server alone."""
    if _glibc() is not None:
        _glibc().mallopt(_ARENA_MAX, _ARENAS)


def settle() -> None:
    """What is loaded by now stays: Python need not look through it for circles any more."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Free what only refers to itself, and return free pages to the system."""
    gc.collect()
    if _glibc() is not None:
        _glibc().malloc_trim(0)
