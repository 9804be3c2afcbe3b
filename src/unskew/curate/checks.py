"""All checks of a pile of pictures: each is measured once, repeats are found, thresholds judge.

Nothing is left out or deleted: every picture comes back with its scores and its flags.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from unskew.curate.duplicates import SIDE, Pair, near_duplicates
from unskew.curate.flags import Flag, Rule, load_rules
from unskew.curate.measure import DIGITS, Measured, measure
from unskew.curate.measured_log import MeasuredLog
from unskew.errors import InputError, UnskewError

__all__ = ["CheckedImage", "Embed", "Flag", "check_images", "save_checks"]

# From readable files to one L2-normalised row each.
Embed = Callable[[Sequence[Path]], np.ndarray]
AHEAD = 32
BLOCK = 512


@dataclass(frozen=True)
class CheckedImage:
    """``key``: SHA-256 of the file. ``width``, ``height``: upright, 0 if unreadable. ``scores``:
    by check, NaN where a check cannot say. ``flags``: the checks that it failed."""

    path: str
    key: str
    width: int
    height: int
    scores: dict[str, float]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class _Repeat:
    """The most similar earlier picture, by its place in the pile."""

    other: int
    score: float


def check_images(
    paths: Iterable[str | Path],
    log: str | Path,
    *,
    root: str | Path = ".",
    thresholds: str | Path | None = None,
    embed: Embed | None = None,
    workers: int = 1,
) -> Iterator[CheckedImage]:
    """Check pictures; the first is taken out when all are measured.

    Args:
        paths: files, relative to ``root``. The earlier of two duplicates is not flagged.
        log: file of measured pictures, by content: those in it are not measured again, so that a
            run that was killed goes on, and a change of thresholds costs nothing.
        thresholds: a JSON file with thresholds to change; see `load_rules`.
        embed: for a second look for near-duplicates (``look_alike``); see `Embed`.
        workers: threads that decode and measure.

    Raises:
        InputError, NotFoundError: the log or the thresholds cannot be used; no paths are given,
            or one is given twice.
    """
    names = [str(path) for path in paths]
    if not names:
        raise InputError(f"there are no images to check in {root}")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InputError(f"{twice} is among the images twice: name it once")
    rules = load_rules(thresholds)
    with MeasuredLog(Path(log)) as kept:
        keys = _measure_all([Path(root) / name for name in names], kept, workers)
        repeats = {"exact_duplicate": _same_files(keys), "near_duplicate": _near(keys, kept)}
        if embed is not None:
            repeats["look_alike"] = _look_alikes(names, keys, kept, Path(root), embed)
        for index, (name, key) in enumerate(zip(names, keys, strict=True)):
            found = {c: r[index] for c, r in repeats.items() if index in r}
            yield _checked(name, key, kept[key], rules, set(repeats), found, names)


def save_checks(checked: Iterable[CheckedImage], path: str | Path) -> None:
    """Write one JSON line per picture; the file appears when it is complete.

    Raises:
        InputError: it cannot be written; what was measured is kept in the log.
    """
    path = Path(path)
    temporary = path.with_name(f".unskew-{os.getpid()}-{path.name}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            for item in checked:
                said = asdict(item)
                said["scores"] = {c: None if s != s else s for c, s in item.scores.items()}
                file.write(json.dumps(said, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except UnskewError:
        raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _measure_all(paths: Sequence[Path], kept: MeasuredLog, workers: int) -> list[str]:
    """The key of every path, in order; what is new is measured and kept, in order."""
    keys: list[str] = []
    waiting: deque[Future[tuple[str, Measured | None]]] = deque()

    def take() -> None:
        key, measured = waiting.popleft().result()
        if measured is not None and key not in kept:
            kept.add(key, measured)
        keys.append(key)

    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        # Sizes are judged by us; odd metadata and palettes say nothing about the pixels.
        warnings.simplefilter("ignore")
        for path in tqdm(paths, unit="image", disable=None, delay=2, leave=False):
            waiting.append(pool.submit(_measured, path, kept))
            if len(waiting) > AHEAD * workers:
                take()
        while waiting:
            take()
    kept.flush()
    return keys


def _measured(path: Path, kept: MeasuredLog) -> tuple[str, Measured | None]:
    """The key of a file, and its measurement unless it is kept already."""
    try:
        content = path.read_bytes()
    except OSError as error:
        # Kept by the reason: the file may come back, and its content then has its own key.
        reason = error.strerror or str(error)
        key = hashlib.sha256(f"no content: {reason}".encode()).hexdigest()
        return key, Measured({"unreadable": 1.0}, unreadable=reason)
    key = hashlib.sha256(content).hexdigest()
    return key, None if key in kept else measure(content)


def _same_files(keys: Sequence[str]) -> dict[int, _Repeat]:
    first: dict[str, int] = {}
    return {
        index: _Repeat(first[key], 1.0)
        for index, key in enumerate(keys)
        if first.setdefault(key, index) != index
    }


def _readable(keys: Sequence[str], kept: MeasuredLog) -> list[int]:
    """The first place of every content that is a picture."""
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    return [index for key, index in first.items() if kept[key].unreadable is None]


def _near(keys: Sequence[str], kept: MeasuredLog) -> dict[int, _Repeat]:
    places = _readable(keys, kept)
    prints = np.empty((len(places), SIDE, SIDE), np.uint8)
    for row, index in enumerate(places):
        prints[row] = kept[keys[index]].fingerprint
    return _nearest(near_duplicates(prints), places)


def _nearest(pairs: Iterable[Pair], places: Sequence[int]) -> dict[int, _Repeat]:
    """Of every picture, the earlier one that it resembles most."""
    found: dict[int, _Repeat] = {}
    for pair in pairs:
        later, new = places[pair.later], _Repeat(places[pair.earlier], round(pair.score, DIGITS))
        old = found.get(later)
        if old is None or (-new.score, new.other) < (-old.score, old.other):
            found[later] = new
    return found


def _look_alikes(
    names: Sequence[str], keys: Sequence[str], kept: MeasuredLog, root: Path, embed: Embed
) -> dict[int, _Repeat]:
    """The earlier picture of the nearest embedding, of every picture but the first."""
    places = _readable(keys, kept)
    if len(places) < 2:
        return {}
    rows = np.asarray(embed([root / names[index] for index in places]))
    if rows.ndim != 2 or len(rows) != len(places):
        raise InputError(
            f"the embeddings have shape {rows.shape}; {len(places)} images need one row each"
        )
    found = {}
    for start in range(0, len(rows), BLOCK):
        cosines = rows[start : start + BLOCK] @ rows.T
        for row, near in enumerate(cosines, start):
            if row:
                other = int(np.argmax(near[:row]))
                score = round(float(near[other]), DIGITS)
                found[places[row]] = _Repeat(places[other], score)
    return found


def _checked(
    name: str,
    key: str,
    measured: Measured,
    rules: dict[str, Rule],
    repeat_checks: set[str],
    found: dict[str, _Repeat],
    names: Sequence[str],
) -> CheckedImage:
    scores = dict(measured.scores)
    others = {}
    if measured.unreadable is None:
        for check in sorted(repeat_checks):
            repeat = found.get(check)
            scores[check] = repeat.score if repeat else 0.0
            others[check] = names[repeat.other] if repeat else ""
    flags = []
    for check, score in scores.items():
        flag = rules[check].judge(score, others.get(check, ""))
        if flag is not None and check == "unreadable":
            reason = f"{flag.reason}: {measured.unreadable}"
            flag = Flag(flag.check, flag.score, flag.threshold, reason)
        if flag is not None:
            flags.append(flag)
    return CheckedImage(name, key, measured.width, measured.height, scores, tuple(flags))
