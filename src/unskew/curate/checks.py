"""All checks of a pile of pictures: each is measured once, repeats are found, thresholds judge.

Nothing is left out or deleted: every picture comes back with its scores and its flags.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from unskew.curate.duplicates import SIDE, Pair, near_duplicates
from unskew.curate.flags import Flag, Rules, load_rules
from unskew.curate.look_alikes import Embed, look_alikes
from unskew.curate.measure import DIGITS, WRITING, Measured, measure
from unskew.curate.measured_log import MeasuredLog
from unskew.curate.stored import Stored
from unskew.errors import InputError

__all__ = ["CheckedImage", "Embed", "Flag", "check_images", "unreadable"]

AHEAD = 32


@dataclass(frozen=True)
class CheckedImage:
    """``key``: SHA-256 of the file. ``width``, ``height``: upright, 0 if unreadable. ``scores``:
    by check, NaN where a check cannot say. ``flags``: the checks that it failed."""

    name: str
    key: str
    width: int
    height: int
    scores: dict[str, float]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class _Repeat:
    """The most similar earlier picture, by its place in the pile; itself where there is none."""

    other: int
    score: float


def check_images(
    paths: Iterable[str | Path],
    log: str | Path,
    *,
    root: str | Path = ".",
    names: Sequence[str] | None = None,
    rules: Rules | None = None,
    embed: Embed | None = None,
    workers: int = 1,
) -> Iterator[CheckedImage]:
    """Check pictures; the first is taken out when all are measured.

    Args:
        paths: files, relative to ``root``. The earlier of two duplicates is not flagged.
        log: file of measured pictures, by content: those in it are not measured again, so that a
            run that was killed goes on, and a change of thresholds costs nothing.
        names: what the pictures are called, one for each; left out, their paths.
        rules: when scores are flagged; see `load_rules`.
        embed: for a second look for near-duplicates (``look_alike``); see `Embed`.
        workers: threads that decode and measure.

    Raises:
        InputError: the log cannot be used; no paths are given, or two of one name.
    """
    files = [str(path) for path in paths]
    called = files if names is None else names
    if not files:
        raise InputError(f"there are no images to check in {root}")
    if len(set(called)) < len(called):
        twice = Counter(called).most_common(1)[0][0]
        raise InputError(f"{twice} is among the images twice: name it once")
    rules = load_rules() if rules is None else rules
    with MeasuredLog(Path(log), any(check in rules for check in WRITING)) as kept:
        keys = _measure_all([Path(root) / file for file in files], kept, workers)
        repeats = {"exact_duplicate": _same_files(keys)}
        if "near_duplicate" in rules:
            repeats["near_duplicate"] = _near(keys, kept, Path(log).parent)
        if embed is not None and "look_alike" in rules:
            repeats["look_alike"] = _alike(files, keys, kept, Path(root), embed, Path(log).parent)
        for index, (name, key) in enumerate(zip(called, keys, strict=True)):
            found = {c: r[index] for c, r in repeats.items() if index in r}
            yield _checked(name, key, kept[key], rules, set(repeats), found, called)


def unreadable(why: str, rules: Rules) -> tuple[Flag, ...]:
    """The flag of a picture that cannot be read, or is not there."""
    flag = rules["unreadable"].judge(1.0)
    if flag is None:
        return ()
    return (replace(flag, reason=f"{flag.reason}: {why}"),)


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
    return key, None if key in kept else measure(content, kept.look_for_writing)


def _same_files(keys: Sequence[str]) -> dict[int, _Repeat]:
    first: dict[str, int] = {}
    return {
        index: _Repeat(first[key], 1.0)
        for index, key in enumerate(keys)
        if first.setdefault(key, index) != index
    }


def _first(keys: Sequence[str]) -> list[int]:
    """The first place of every content."""
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    return list(first.values())


def _near(keys: Sequence[str], kept: MeasuredLog, folder: Path) -> dict[int, _Repeat]:
    places = []
    with Stored(folder, (SIDE, SIDE), np.uint8) as prints:
        for index in _first(keys):
            pixels = kept[keys[index]].fingerprint
            if pixels is not None:
                places.append(index)
                prints.append(pixels[None])
        return _nearest(near_duplicates(prints, folder), places)


def _nearest(pairs: Iterable[Pair], places: Sequence[int]) -> dict[int, _Repeat]:
    """Of every picture, the earlier one that it resembles most."""
    found: dict[int, _Repeat] = {}
    for pair in pairs:
        later, new = places[pair.later], _Repeat(places[pair.earlier], round(pair.score, DIGITS))
        old = found.get(later)
        if old is None or (-new.score, new.other) < (-old.score, old.other):
            found[later] = new
    return found


def _alike(
    files: Sequence[str],
    keys: Sequence[str],
    kept: MeasuredLog,
    root: Path,
    embed: Embed,
    folder: Path,
) -> dict[int, _Repeat]:
    """The earlier picture of the nearest embedding, of every readable content."""
    places = [index for index in _first(keys) if kept[keys[index]].unreadable is None]
    found = look_alikes([root / files[index] for index in places], embed, folder)
    return {
        place: _Repeat(places[other], round(score, DIGITS))
        for place, (other, score) in zip(places, found, strict=True)
    }


def _checked(
    name: str,
    key: str,
    measured: Measured,
    rules: Rules,
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
    scores = {check: score for check, score in scores.items() if check in rules}
    if measured.unreadable is not None:
        flags = unreadable(measured.unreadable, rules)
    else:
        judged = (rules[c].judge(score, others.get(c, "")) for c, score in scores.items())
        flags = tuple(flag for flag in judged if flag is not None)
    return CheckedImage(name, key, measured.width, measured.height, scores, flags)
