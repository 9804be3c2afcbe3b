"""CKA of two feature matrices: against its formula, in every path, and how its interval covers."""

import math

import numpy as np
import pytest
import torch

from unskew.errors import InputError
from unskew.measures import cka
from unskew.measures.centred import Centred
from unskew.measures.hsic import Gram, in_feature_space


def gram(X, kernel):
    X = X - X.mean(0)
    K = X @ X.T
    if kernel == "linear":
        return K
    squared = np.maximum(np.diag(K)[:, None] + np.diag(K) - 2 * K, 0)
    above = np.sort(squared[np.triu_indices(len(X), 1)])
    return np.exp(-squared / (2 * above[(len(above) - 1) // 2]))


def hsic(K, L, estimator):
    n = len(K)
    if estimator == "biased":
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H) / (n - 1) ** 2
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    terms = np.trace(K @ L) + K.sum() * L.sum() / ((n - 1) * (n - 2))
    return (terms - 2 / (n - 2) * (K @ L).sum()) / (n * (n - 3))


def expected(X, Y, kernel="linear", estimator="unbiased"):
    K, L = (gram(np.asarray(Z, dtype=np.float64), kernel) for Z in (X, Y))
    cross, own_k, own_l = (hsic(*pair, estimator) for pair in ((K, L), (K, K), (L, L)))
    return cross / np.sqrt(own_k * own_l)


def related(n, d, seed=0, mean=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    Y = X @ rng.normal(size=(d, d + 3)) / np.sqrt(d) + rng.normal(size=(n, d + 3))
    return X + mean, Y - mean


class TestAgainstTheFormula:
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("estimator", ["unbiased", "biased"])
    @pytest.mark.parametrize(("n", "d"), [(12, 3), (60, 200), (300, 9)])
    def test_in_double_precision(self, n, d, estimator, kernel):
        X, Y = related(n, d)
        found = cka(X, Y, kernel=kernel, estimator=estimator)
        assert found.cka == pytest.approx(expected(X, Y, kernel, estimator), abs=1e-11)
        assert (found.n, found.dim_x, found.dim_y) == (n, d, d + 3)

    @pytest.mark.parametrize("mean", [0, 100])
    @pytest.mark.parametrize(("n", "d"), [(100, 400), (1500, 40)])
    def test_in_single_precision_with_large_means(self, n, d, mean):
        X, Y = (Z.astype(np.float32) for Z in related(n, d, mean=mean))
        assert abs(cka(X, Y).cka - expected(X, Y)) < 1e-7

    def test_over_several_tiles_and_blocks(self, monkeypatch):
        monkeypatch.setattr("unskew.measures.hsic._TILE", 7)
        monkeypatch.setattr("unskew.measures.hsic._CHUNK", 11)
        monkeypatch.setattr("unskew.measures.centred.ROWS", 13)
        for n, d in ((40, 90), (200, 16)):
            X, Y = related(n, d)
            for kernel in ("linear", "rbf"):
                found = cka(X, Y, kernel=kernel)
                assert found.cka == pytest.approx(expected(X, Y, kernel), abs=1e-11)

    def test_the_cheaper_space_is_taken(self):
        def space(n, d):
            x, y = (Gram(Centred(Z, "X"), "linear") for Z in related(n, d))
            return in_feature_space(x, y)

        assert space(300, 9)
        assert not space(60, 200)

    def test_known_invariances(self):
        X, _ = related(50, 8)
        rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))
        found = cka(X, 5 - 1e-5 * X @ rotation)
        assert found.cka == pytest.approx(1)
        assert (found.ci_low, found.ci_high) == (found.cka, found.cka)
        assert cka(X.astype(np.float32), (X * 1e25).astype(np.float32)).cka == pytest.approx(1)

    def test_the_biased_estimate_of_noise_is_inflated_and_the_unbiased_is_not(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(2, 256, 512))
        assert cka(X, Y, estimator="biased").cka == pytest.approx(0.67, abs=0.01)
        assert abs(cka(X, Y).cka) < 0.02

    def test_every_form_of_features(self):
        X, Y = related(30, 4)
        value = cka(X, Y).cka
        frozen = X.copy()
        frozen.setflags(write=False)
        forms = (X.tolist(), torch.tensor(X, requires_grad=True), X.astype(">f8"), frozen)
        for form in forms:
            assert cka(form, Y).cka == pytest.approx(value, abs=1e-12)
        assert cka(torch.tensor(X).bfloat16(), Y).cka == pytest.approx(value, abs=0.02)
        assert cka((X > 0), Y).cka == pytest.approx(expected(X > 0, Y), abs=1e-12)


class TestInterval:
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("estimator", ["unbiased", "biased"])
    @pytest.mark.parametrize(("n", "d"), [(20, 40), (40, 3)])
    def test_standard_error_is_that_of_the_jackknife(self, n, d, estimator, kernel):
        """RBF: with the bandwidth of all examples, so compared on Gram matrices."""
        X, Y = related(n, d)
        K, L = gram(X, kernel), gram(Y, kernel)
        values = []
        for i in range(n):
            k, m = (np.delete(np.delete(G, i, 0), i, 1) for G in (K, L))
            own = hsic(k, k, estimator) * hsic(m, m, estimator)
            values.append(hsic(k, m, estimator) / np.sqrt(own))
        error = np.sqrt((n - 1) * np.var(values))
        found = cka(X, Y, kernel=kernel, estimator=estimator)
        assert found.standard_error == pytest.approx(error, rel=1e-8)

    def test_covers_the_true_value(self):
        """Normal features, whose CKA follows from their covariances."""
        rng = np.random.default_rng(0)
        scales = np.diag([2.0, 1.0, 1.0, 0.5])
        mixing = scales @ rng.normal(size=(4, 4)) / 2
        cross, own_x = scales @ mixing, scales @ scales
        own_y = mixing.T @ mixing + np.eye(4)
        truth = (cross**2).sum() / np.sqrt((own_x**2).sum() * (own_y**2).sum())
        hits = 0
        for _ in range(200):
            Z = rng.normal(size=(60, 4))
            found = cka(Z @ scales, Z @ mixing + rng.normal(size=(60, 4)))
            hits += found.ci_low <= truth <= found.ci_high
        assert 0.89 <= hits / 200 <= 0.985

    def test_confidence(self):
        X, Y = related(50, 4)
        narrow, wide = (cka(X, Y, confidence=c) for c in (0.5, 0.99))
        assert wide.ci_low < narrow.ci_low < narrow.cka < narrow.ci_high < wide.ci_high <= 1
        without = cka(X, Y, confidence=None)
        assert math.isnan(without.ci_low)
        assert math.isnan(without.standard_error)
        assert without.cka == pytest.approx(narrow.cka, abs=1e-12)


class TestUndefinedAndBad:
    def test_constant_features(self):
        _, Y = related(10, 3)
        for constant in (np.full((10, 2), 0.1), np.full((10, 2), 1e8, dtype=np.float32)):
            found = cka(constant, Y)
            assert math.isnan(found.cka)
            assert found.reason == "X is the same in every row"
            assert cka(Y, constant).reason == "Y is the same in every row"

    def test_too_few_examples_for_this_estimate(self):
        X = np.array([[0.0], [0], [0], [1]])
        found = cka(X, X)
        assert math.isnan(found.cka)
        assert "X with itself is not positive: give more examples" in found.reason

    def test_a_median_distance_of_zero(self):
        X = np.zeros((20, 2))
        X[0] = 1
        assert cka(X, related(20, 2)[0], kernel="rbf").reason == "the median distance within X is 0"

    @pytest.mark.parametrize(
        ("X", "Y", "options", "message"),
        [
            (np.eye(5), np.eye(4), {}, "X has 5 rows and Y has 4"),
            (np.eye(3), np.eye(3), {}, "X and Y have 3 rows; CKA needs at least 4"),
            (np.eye(5), np.ones(5), {}, r"Y has shape \(5,\)"),
            (np.ones((5, 2, 2)), np.eye(5), {}, r"X has shape \(5, 2, 2\).*flattened"),
            (np.eye(5), np.diag([1, 1, np.nan, 1, 1]), {}, "Y, row 2 holds NaN or infinity"),
            (np.eye(5) * 1e200, np.eye(5), {}, "X holds numbers too large to square"),
            (np.eye(5) * 1j, np.eye(5), {}, "X is not an array of numbers"),
            (np.eye(5), np.eye(5), {"kernel": "cosine"}, "kernel is 'cosine'"),
            (np.eye(5), np.eye(5), {"estimator": "plug-in"}, "estimator is 'plug-in'"),
            (np.eye(5), np.eye(5), {"confidence": 95}, "confidence is 95"),
        ],
    )
    def test_is_named_in_one_line(self, X, Y, options, message):
        with pytest.raises(InputError, match=message) as caught:
            cka(X, Y, **options)
        assert "\n" not in str(caught.value)
