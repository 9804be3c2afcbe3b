"""Sources by name become the biased sets and tasks of a study."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import DatasetDict

from unskew.classify.presets import Scale
from unskew.classify.studies.objectives import PUBLISHED_RATIO
from unskew.classify.studies.vlm_debias import Task
from unskew.corpora import biased
from unskew.errors import InputError

_FACES: dict[Scale, int] = {"paper": 224, "small": 48, "smoke": 32}


def objective_sets(
    scale: Scale,
    conflict_ratio: float,
    *,
    colored_mnist: str | None = None,
    corrupted_cifar10: str | None = None,
    biased_faces: str | None = None,
    bffhq: str | None = None,
) -> tuple[dict[str, DatasetDict], dict[str, int]]:
    """The biased sets asked for by name, and the side of their images in pixels.

    Raises:
        NotFoundError: there is no such source.
        InputError: nothing is asked for, or a source is not what it should be.
    """
    sets: dict[str, tuple[DatasetDict, int]] = {}
    # The paper's figures are of sets with 5 %; others have a name for which it has none.
    ratio = "" if conflict_ratio == PUBLISHED_RATIO else f", {_percent(conflict_ratio)}"
    if colored_mnist is not None:
        digits = biased.colored_mnist(colored_mnist, conflict_ratio)
        sets[f"Colored MNIST{ratio}"] = (digits, 28)
    if corrupted_cifar10 is not None:
        objects = biased.corrupted_cifar10(corrupted_cifar10, conflict_ratio)
        sets[f"Corrupted CIFAR-10{ratio}"] = (objects, 32)
    if biased_faces is not None:
        sets["Biased faces"] = (biased.biased_faces(biased_faces, conflict_ratio), _FACES[scale])
    if bffhq is not None:
        sets["BFFHQ"] = (biased.bffhq(bffhq), _FACES[scale])
    if not sets:
        raise InputError(
            "there is nothing to study: give --colored-mnist, --corrupted-cifar10, --biased-faces "
            "or --bffhq"
        )
    return {n: data for n, (data, _) in sets.items()}, {n: size for n, (_, size) in sets.items()}


def vlm_tasks(
    pairs: Sequence[tuple[str, str]],
    *,
    utkface: str | None = None,
    celeba: str | None = None,
    colored_mnist: str | None = None,
    conflict_ratio: float = 0.01,
) -> list[Task]:
    """The tasks asked for: (target, attribute) pairs of UTKFace, CelebA's one, and digits, whose
    colour no model is asked for.

    Raises:
        NotFoundError: there is no such source.
        InputError: nothing is asked for, or a source is not what it should be.
    """
    tasks = []
    if utkface is not None:
        for target, attribute in dict.fromkeys(pairs):
            data = biased.utkface(utkface, target, attribute)
            tasks.append(Task(f"UTKFace: {target} by {attribute}", data, attribute))
    if celeba is not None:
        tasks.append(Task("CelebA: blond hair by gender", biased.celeba(celeba), "gender"))
    if colored_mnist is not None:
        data = biased.colored_mnist(colored_mnist, conflict_ratio)
        name = f"Colored MNIST, {_percent(conflict_ratio)}"
        tasks.append(Task(name, data, None, image_size=28))
    if not tasks:
        raise InputError("there is nothing to study: give --utkface, --celeba or --colored-mnist")
    return tasks


def _percent(conflict_ratio: float) -> str:
    return f"{100 * conflict_ratio:g} % conflicting"
