"""Fitting data made of arrays, with what tells the subgroups planted."""

from collections.abc import Callable

import numpy as np
import pytest

from unskew.debias.fitting import FittingData, Labelled, SubgroupTexts

DIM, TEMPLATES, CONTEXTS = 40, 5, 6


def _unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., FittingData]:
    """(subgroups=2, n=600, seed=0) -> data whose subgroups differ along the first coordinates."""

    def build(subgroups: int = 2, n: int = 600, seed: int = 0) -> FittingData:
        rng = np.random.default_rng(seed)
        names = tuple(f"group {s}" for s in range(subgroups))
        lean = np.eye(subgroups, DIM)
        base = rng.normal(size=DIM) / 4
        mix = rng.normal(size=(DIM, DIM)) / DIM**0.5

        def faces(count: int) -> Labelled:
            labels = rng.integers(0, subgroups, count)
            vectors = _unit(base + lean[labels] + rng.normal(0, 0.5, (count, DIM)) @ mix)
            by_attribute = {"kind": (names, labels)}
            combinations = tuple((name,) for name in names)
            return Labelled(
                None, np.arange(count), vectors, labels, names, by_attribute, combinations
            )

        fit, validation = faces(n), faces(n // 2)
        about, said = rng.normal(0, 0.3, (2, TEMPLATES, DIM))
        contexts = base + rng.normal(0, 0.4, (CONTEXTS, 1, DIM)) + lean
        contexts += rng.normal(0, 0.1, (CONTEXTS, subgroups, DIM))
        context_of = rng.integers(0, CONTEXTS, n)
        texts = SubgroupTexts(
            prompts=_unit(base + about + lean[:, None]),
            neutral=_unit(base + said),
            captions=_unit(contexts.reshape(-1, DIM)),
            caption_of=context_of[:, None] * subgroups + np.arange(subgroups),
        )
        preserve = _unit(rng.normal(size=(300, DIM)) * np.linspace(3, 1, DIM))
        return FittingData(("kind",), fit, validation, preserve, (), texts)

    return build
