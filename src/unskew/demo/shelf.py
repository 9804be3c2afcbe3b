"""Where uploads wait in memory between the request that brings them and the look at them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from unskew.demo.limits import Limits
from unskew.errors import InputError


@dataclass(frozen=True)
class Upload:
    """One file as it came. ``content`` is None where it was larger than a file may be."""

    name: str
    content: bytes | None


class Shelf:
    """Uploads by a secret name, each given out once. Nothing of them is ever on disk."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Upload]] = {}
        self._bytes = 0

    def put(self, upload: Upload) -> str:
        """Keep an upload; the secret name it is handed out under.

        Raises:
            InputError: too much is waiting already.
        """
        self._take_room(len(upload.content or b""))
        token = secrets.token_hex(16)
        with self._lock:
            self._kept[token] = (time.monotonic(), upload)
        return token

    @contextmanager
    def arriving(self) -> Iterator[Callable[[int], None]]:
        """Room for an upload that is coming in, which is given back in the end.

        The function that is given takes some bytes more, and raises InputError where too much is
        coming in and waiting already.
        """
        taken = 0

        def more(size: int) -> None:
            nonlocal taken
            self._take_room(size)
            taken += size

        try:
            yield more
        finally:
            with self._lock:
                self._bytes -= taken

    def take(self, token: str) -> Upload | None:
        """The upload of this name, which is then gone; None where there is none (any more)."""
        with self._lock:
            self._sweep()
            return self._remove(token)

    def sweep(self) -> None:
        """Forget what nobody came for."""
        with self._lock:
            self._sweep()

    def __len__(self) -> int:
        return len(self._kept)

    def _take_room(self, size: int) -> None:
        with self._lock:
            self._sweep()
            if self._bytes + size > self._limits.shelf_bytes:
                raise InputError("too many pictures are being uploaded now; try again in a minute")
            self._bytes += size

    def _sweep(self) -> None:
        oldest = time.monotonic() - self._limits.waiting
        for token in [t for t, (at, _) in self._kept.items() if at < oldest]:
            self._remove(token)

    def _remove(self, token: str) -> Upload | None:
        _, upload = self._kept.pop(token, (0.0, None))
        if upload is not None:
            self._bytes -= len(upload.content or b"")
        return upload
