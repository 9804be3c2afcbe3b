"""Make ``evaluate.load("weat_bias")`` find our metrics without a network.

``evaluate`` has no plugin registry; a bare name that is not on the Hub is looked up in its module
cache. We write each metric's module there, in the layout evaluate itself writes. The module is a
shim that imports this package, so a new release of the package needs no new entry.

Standard library only: this runs at every ``import unskew``.
"""

import hashlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

from unskew.errors import InputError

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(folder: str) -> Path:
    """A top-level folder of the project: in a wheel inside the package, in a clone beside it."""
    in_wheel = _PACKAGE / f"_{folder}"
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent.parent / folder


def metrics_root() -> Path:
    """The folder that holds one folder per metric."""
    return shipped("evaluate_metrics")


def metric_names() -> list[str]:
    """Names of the shipped metrics, sorted."""
    root = metrics_root()
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if (p / f"{p.name}.py").is_file())


def modules_cache() -> Path:
    """evaluate's module cache: what it found at its import, or what it would find now."""
    config = sys.modules.get("evaluate.config")
    if config is not None:
        return Path(config.HF_MODULES_CACHE)
    xdg = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.environ.get("HF_HOME", os.path.join(xdg, "huggingface")))
    return Path(os.environ.get("HF_MODULES_CACHE", os.path.join(home, "modules")))


def install_metrics() -> list[Path]:
    """Place every metric module in evaluate's cache and return their paths.

    Raises:
        InputError: the cache cannot be written.
    """
    try:
        return [_install(name) for name in metric_names()]
    except OSError as error:
        raise InputError(
            f"evaluate.load cannot find unskew's metrics by name: its module cache "
            f"{modules_cache()} cannot be written ({error.strerror}); point HF_MODULES_CACHE at "
            "a folder that can"
        ) from error


def register_metrics() -> None:
    """As :func:`install_metrics`, but a cache that cannot be written only costs a warning.

    evaluate needs that cache for every metric, and would say no more than "not found". The rest
    of unskew works without it.
    """
    try:
        install_metrics()
    except InputError as error:
        warnings.warn(str(error), stacklevel=3)  # points at the line that imports unskew


def _install(name: str) -> Path:
    source = (metrics_root() / name / f"{name}.py").read_bytes()
    folder = modules_cache() / "evaluate_modules" / "metrics" / f"evaluate-metric--{name}"
    target = folder / hashlib.sha256(source).hexdigest() / f"{name}.py"
    if not (target.is_file() and target.read_bytes() == source):
        _write(source, target)
    # evaluate loads the newest; another release of unskew may have left a newer one.
    newest = max(folder.glob(f"{'?' * 64}/{name}.py"), key=lambda path: path.stat().st_mtime_ns)
    if newest != target and newest.stat().st_mtime_ns > target.stat().st_mtime_ns:
        os.utime(target)
    return target


def _write(source: bytes, target: Path) -> None:
    """Write beside the target's folder first: evaluate trips over a folder without its module."""
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent.parent) as scratch:
        written = Path(scratch, target.name)
        written.write_bytes(source)
        target.parent.mkdir(exist_ok=True)
        os.replace(written, target)
