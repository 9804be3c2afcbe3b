"""How much a visitor may hand in, ask for, and for how long it is kept."""

from dataclasses import dataclass

MEGA = 2**20


@dataclass(frozen=True)
class Limits:
    """All limits of the app; sizes in bytes, times in seconds."""

    file_bytes: int = 8 * MEGA
    request_bytes: int = 64 * MEGA
    """Of one upload, all its files together."""
    files: int = 32
    """Per upload, and pictures per group."""
    pixels: int = 32_000_000
    side: int = 512
    """Pictures are kept with no side longer than this: more than any of the models looks at."""
    shelf_bytes: int = 256 * MEGA
    """Uploads of all visitors that come in, or wait to be looked at."""
    arriving: float = 180
    """How long an upload may take to come in."""
    waiting: float = 60
    """How long an upload waits to be looked at."""
    keep: float = 900
    """How long a visitor's pictures and results are kept after the last press of a button, by
    whom the page is left open."""
    away: float = 30
    """How long they are kept after the connection to the page ended: the page was closed, unless
    it connects again or asks for something in this time."""
    sweep: float = 5
    """How often it is looked for what was kept for so long, and freed memory is given back."""
    groups: int = 4
    name: int = 40
    """Characters of a group's name."""
    texts: int = 20
    text: int = 200
    """Characters of one text."""
    queue: int = 60
    """Requests that wait; the next one is told that the queue is full."""
    sessions: int = 64
    """Visitors whose pictures are kept at one time; the longest unseen is forgotten first."""


LIMITS = Limits()
