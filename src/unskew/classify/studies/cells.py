"""The cells of a study: trained one by one or side by side, kept as soon as they are there."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch
from tqdm.auto import tqdm

from unskew.errors import InputError, UnskewError
from unskew.kept import Kept

ROOMS = ("classify", "corpora", "encoders", "inside", "measures", "stimuli")
"""Whose code decides what a cell gives."""
FAILURE = "failure"
Result = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One training of a study.

    Attributes:
        name: under which its result is kept; see `file_name`.
        run: a function of a module, which another process can import.
        arguments: of `run`; it also gets `checkpoints`, a folder of its own.
    """

    name: str
    run: Callable[..., Result]
    arguments: Mapping[str, Any]


def run_cells(cells: list[Cell], kept: Kept, jobs: int | None = None) -> dict[str, Result]:
    """The result of every cell by name: what is kept already, and what is trained now.

    A cell that cannot be trained, as one that diverges, gives its reason under `FAILURE`. That is
    not kept: a full disk may have been the reason, and a diverged training soon diverges again.

    Args:
        cells: of different names.
        kept: where results are found and kept.
        jobs: processes at once, each with its share of the processor's cores; by default one on a
            GPU and else one per core, since small networks gain little from a second thread.

    Raises:
        InputError: `jobs` is below 1, a result cannot be kept, or a process was killed.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs is {jobs}; give at least 1")
    jobs = jobs or (1 if torch.cuda.is_available() else os.cpu_count() or 1)
    found = {cell.name: kept.load(cell.name) for cell in cells}
    missing = [cell for cell in cells if found[cell.name] is None]
    done = _side_by_side(missing, kept, jobs) if jobs > 1 else _in_turn(missing, kept)
    bar = tqdm(done, total=len(cells), initial=len(cells) - len(missing), unit="run", disable=None)
    for name, result in bar:
        bar.set_description(name)
        if FAILURE not in result:
            kept.save(name, result)
        found[name] = result
    return {name: result for name, result in found.items() if result is not None}


def refuse_failures(results: Mapping[str, Result]) -> None:
    """Raise InputError where no cell at all could be trained: then there is nothing to tell."""
    failures = {name: r[FAILURE] for name, r in results.items() if FAILURE in r}
    if failures and len(failures) == len(results):
        name, reason = next(iter(failures.items()))
        raise InputError(f"none of {len(failures)} trainings succeeded; first {name}: {reason}")


def file_name(text: str) -> str:
    """The text as part of a file's name: lower case, with "-" for spaces, slashes and signs."""
    return re.sub(r"[^\w.]+", "-", text.lower()).strip("-")


def _in_turn(cells: list[Cell], kept: Kept) -> Iterator[tuple[str, Result]]:
    for cell in cells:
        yield cell.name, _attempt(cell, str(kept.checkpoints(cell.name)))


def _side_by_side(cells: list[Cell], kept: Kept, jobs: int) -> Iterator[tuple[str, Result]]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # Spawned: a forked process inherits torch's threads, locked as they happen to be.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (threads,)) as pool:
        names: dict[Future[Result], str] = {
            pool.submit(_attempt, cell, str(kept.checkpoints(cell.name))): cell.name
            for cell in cells
        }
        try:
            for future in as_completed(names):
                yield names[future], future.result()
        except BrokenProcessPool as error:
            raise InputError(
                f"one of {jobs} processes was killed, as happens when memory runs out: call again "
                "with fewer jobs; what is trained already is kept"
            ) from error
        finally:
            for future in names:
                future.cancel()


def _attempt(cell: Cell, checkpoints: str) -> Result:
    try:
        return cell.run(**cell.arguments, checkpoints=checkpoints)
    except UnskewError as error:
        return {FAILURE: " ".join(str(error).split())}
