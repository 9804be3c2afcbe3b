"""What lies in a folder."""

from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below it."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
