"""Minibatch CKA: its sums, its weights, its error over batches, and hard numbers."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from unskew.errors import InputError
from unskew.measures import cka
from unskew.measures.gram import feature_rows, linear_gram
from unskew.measures.minibatch import MinibatchCKA


def batches(sizes, d=12, seed=0, mean=0.0, scale=1.0, dtype=torch.float32):
    """Pairs of related features (n, d), and (n, d + 1)."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d + 1, generator=generator, dtype=torch.float64) / d**0.5
    for n in sizes:
        x = torch.randn(n, d, generator=generator, dtype=torch.float64)
        y = x @ mixing + torch.randn(n, d + 1, generator=generator, dtype=torch.float64)
        yield tuple(((z + mean) * scale).to(dtype) for z in (x, y))


def hsic_1(x, y):
    """Equation 3 of arXiv 2010.15327, in double precision."""
    n = len(x)
    K, L = ((z - z.mean(0)) @ (z - z.mean(0)).T for z in (x.double(), y.double()))
    K, L = K - K.diag().diag(), L - L.diag().diag()
    terms = (K * L).sum() + K.sum() * L.sum() / ((n - 1) * (n - 2))
    return ((terms - 2 / (n - 2) * (K @ L).sum()) / (n * (n - 3))).item()


def formula(pairs):
    means = [np.mean([hsic_1(*p) for p in side]) for side in zip(*pairs, strict=True)]
    return means[0] / math.sqrt(means[1] * means[2])


def expected(given):
    return formula([((x, y), (x, x), (y, y)) for x, y in given])


def computed(given, **options):
    sums = MinibatchCKA(**options)
    for x, y in given:
        sums.update([x], [y])
    return sums.result()


@pytest.mark.parametrize("sizes", [(20, 20, 20), (40, 4, 17, 9)])
def test_is_the_formula_for_equal_and_unequal_batches(sizes):
    given = list(batches(sizes))
    found = computed(given)
    assert found.matrix[0, 0] == pytest.approx(expected(given), abs=1e-7)
    assert (found.n_batches, found.n_examples) == (len(sizes), sum(sizes))


@pytest.mark.parametrize("mean", [30, 100])
def test_large_means_do_not_cancel(mean):
    given = list(batches((128,) * 4, d=512, mean=mean))
    assert abs(computed(given).matrix[0, 0] - expected(given)) < 1e-7


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_very_large_and_small_features_neither_overflow_nor_vanish(scale):
    plain, scaled = (computed(batches((32, 32), scale=s)).matrix for s in (1, scale))
    np.testing.assert_allclose(scaled, plain, atol=1e-6)


@pytest.mark.parametrize("options", [{"kernel": "rbf"}, {"estimator": "biased"}])
def test_one_batch_gives_what_the_whole_matrices_give(options):
    ((x, y),) = batches((50,), dtype=torch.float64)
    found = computed([(x, y)], **options).matrix[0, 0]
    assert found == pytest.approx(cka(x, y, **options).cka, abs=1e-10)


def test_among_the_representations_of_one_model():
    given = list(batches((16, 16)))
    sums = MinibatchCKA()
    for pair in given:
        sums.update(pair)
    found = sums.result()
    np.testing.assert_allclose(np.diag(found.matrix), 1)
    assert found.matrix[0, 1] == found.matrix[1, 0]
    assert found.matrix[0, 1] == pytest.approx(computed(given).matrix[0, 0], abs=1e-12)
    assert np.abs(np.diag(found.standard_error)).max() < 1e-7


def test_standard_error_is_the_delta_method_over_batches():
    given = list(batches((15,) * 12))
    cross, own_x, own_y = (
        np.array([hsic_1(*pick(x, y)) for x, y in given])
        for pick in (lambda x, y: (x, y), lambda x, y: (x, x), lambda x, y: (y, y))
    )
    theta = expected(given)
    length = math.sqrt(own_x.mean() * own_y.mean())
    moved = cross / length - theta / 2 * (own_x / own_x.mean() + own_y / own_y.mean())
    found = computed(given)
    assert found.standard_error[0, 0] == pytest.approx(moved.std(ddof=1) / math.sqrt(12), rel=1e-4)
    low, high = found.interval(0.9)
    half = stats.t.ppf(0.95, 11) * found.standard_error[0, 0]
    assert high[0, 0] - low[0, 0] == pytest.approx(2 * half)


def test_the_interval_covers_the_true_value():
    """Of normal features, over 20 batches."""
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(4, 4, generator=generator) / 2
    own = (mixing.T @ mixing + torch.eye(4)).norm()
    truth = float(mixing.norm() ** 2 / (torch.eye(4).norm() * own))
    hits = 0
    for _ in range(150):
        sums = MinibatchCKA()
        for _ in range(20):
            x = torch.randn(16, 4, generator=generator)
            sums.update([x], [x @ mixing + torch.randn(16, 4, generator=generator)])
        low, high = sums.result().interval()
        hits += low[0, 0] <= truth <= high[0, 0]
    assert 0.88 <= hits / 150 <= 0.99


def test_memory_does_not_grow_with_the_number_of_batches():
    sums = MinibatchCKA()
    sizes = []
    for x, y in batches((8,) * 30):
        sums.update([x, x], [y])
        sizes.append(sum(value.nbytes for value in sums._sums.values()))
    assert len(set(sizes)) == 1


def test_constant_features_are_undefined_alone():
    sums = MinibatchCKA()
    for x, _ in batches((16, 16)):
        sums.update([x, torch.full((16, 3), 0.1), torch.full((16, 3), 1e8)])
    found = sums.result()
    assert found.matrix[0, 0] == pytest.approx(1)
    assert np.isnan(found.matrix[1:]).all()
    assert set(found.reasons_a) == {1, 2}
    assert found.reasons_a[1] == "its output is the same for every example"


@pytest.mark.parametrize("n", [4, 37, 128])
@pytest.mark.parametrize("d", [1, 300, 2500, 70_000])
def test_the_gram_matrix_is_that_of_rows_less_one_vector(n, d):
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(n)) + 3
    gram = linear_gram(rows, 2.0, torch.float32)
    assert torch.equal(gram, gram.T)
    exact = rows.double() - rows.double().mean(0)
    exact = exact @ exact.T / 4
    double_centred = gram.double() - gram.double().mean(0)
    double_centred -= double_centred.mean(1, keepdim=True)
    torch.testing.assert_close(double_centred, exact, rtol=0, atol=1e-5 * exact.abs().max().item())


def test_rows_of_channels_last_are_not_copied():
    maps = torch.randn(5, 3, 4, 6).to(memory_format=torch.channels_last)
    rows = feature_rows(maps)
    assert rows.data_ptr() == maps.data_ptr()
    assert rows.shape == (5, 72)
    torch.testing.assert_close(rows @ rows.T, maps.flatten(1) @ maps.flatten(1).T)


@pytest.mark.parametrize("n", [4, 16, 31, 100, 128])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7e4, 1e-30])
def test_a_constant_is_one_whatever_its_mean_rounds_to(n, value):
    sums = MinibatchCKA()
    sums.update([torch.full((n, 700), value), torch.randn(n, 5)])
    assert sums.result().reasons_a == {0: "its output is the same for every example"}


def test_features_may_require_gradients():
    ((x, y),) = batches((20,))
    plain = computed([(x, y)]).matrix
    np.testing.assert_array_equal(computed([(x.requires_grad_(), y)]).matrix, plain)


def test_bad_input():
    sums = MinibatchCKA()
    with pytest.raises(InputError, match=r"one batch holds \[8, 9\] examples"):
        sums.update([torch.randn(8, 2)], [torch.randn(9, 2)])
    sums.update([torch.randn(8, 2)], [torch.randn(8, 2)])
    with pytest.raises(InputError, match=r"\(2, 1\) representations in this batch and \(1, 1\)"):
        sums.update([torch.randn(8, 2)] * 2, [torch.randn(8, 2)])
    with pytest.raises(InputError, match=r"torch.int64 of shape \(8, 2\)"):
        sums.update([torch.zeros(8, 2, dtype=torch.int64)])
    with pytest.raises(InputError, match="a batch holds 3 examples"):
        MinibatchCKA().update([torch.zeros(3, 2)])
    with pytest.raises(InputError, match="there was no batch of at least 4"):
        MinibatchCKA().result()
    with pytest.raises(InputError, match="estimator is 'none'"):
        MinibatchCKA(estimator="none")
