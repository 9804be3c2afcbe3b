"""Make ``evaluate.load("weat_bias")`` find our metrics without a network.

``evaluate`` has no plugin registry; a bare name that is not on the Hub is looked up in its module
cache. We write each metric's module there, in the layout evaluate itself writes. The module is a
shim that imports this package, so a new release of the package needs no new entry.

Standard library only: this runs at every ``import unskew``.
"""

import hashlib
import os
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_SHIPPED = _PACKAGE / "_evaluate_metrics"  # in a wheel
_CHECKOUT = _PACKAGE.parent.parent / "evaluate_metrics"  # in a clone


def metrics_root() -> Path:
    """The folder that holds one folder per metric."""
    return _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT


def metric_names() -> list[str]:
    """Names of the shipped metrics, sorted."""
    root = metrics_root()
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if (p / f"{p.name}.py").is_file())


def modules_cache() -> Path:
    """evaluate's module cache, found the way ``evaluate.config`` finds it."""
    xdg = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.environ.get("HF_HOME", os.path.join(xdg, "huggingface")))
    return Path(os.environ.get("HF_MODULES_CACHE", os.path.join(home, "modules")))


def install_metrics() -> list[Path]:
    """Place every metric module in evaluate's cache and return their paths.

    Raises:
        OSError: the cache cannot be written.
    """
    return [_install(name) for name in metric_names()]


def register_metrics() -> None:
    """As :func:`install_metrics`, but a cache that cannot be written is no reason to fail an import.

    ``unskew install-metrics`` reports such a cache; loading a metric by path needs none.
    """
    try:
        install_metrics()
    except OSError:
        return


def _install(name: str) -> Path:
    source = (metrics_root() / name / f"{name}.py").read_bytes()
    folder = modules_cache() / "evaluate_modules" / "metrics" / f"evaluate-metric--{name}"
    target = folder / hashlib.sha256(source).hexdigest() / f"{name}.py"
    if target.is_file() and target.read_bytes() == source:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    with os.fdopen(descriptor, "wb") as file:
        file.write(source)
    os.replace(temporary, target)
    return target
