"""What OpenCV tells on the terminal, which is a setting of the whole process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cv2.utils import logging

# Two threads that set the level and put it back, one inside the other, would leave it changed.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def only_errors_told() -> Iterator[None]:
    """While a network is read: OpenCV 5 warns on every start that it has no target but the CPU.

    Threads wait here for each other; it is not for two levels of one thread.
    """
    with _ONE_AT_A_TIME:
        level = logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            yield
        finally:
            logging.setLogLevel(level)
