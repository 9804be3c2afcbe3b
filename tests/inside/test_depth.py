"""The two indices on matrices whose structure is planted."""

import math

import numpy as np
import pytest

from unskew.errors import InputError
from unskew.inside import block_structure, progressive_dissimilarity


def distances(layers):
    return np.abs(np.subtract.outer(np.arange(layers), np.arange(layers)))


def fading(layers=20, by=0.04):
    """Similarity that falls steadily with distance."""
    return 1 - by * distances(layers)


def with_block(layers=20, first=8, last=15, inside=0.97, outside=0.3):
    matrix = np.full((layers, layers), outside)
    matrix[first : last + 1, first : last + 1] = inside
    np.fill_diagonal(matrix, 1)
    return matrix


class TestProgressiveDissimilarity:
    def test_is_one_where_similarity_falls_with_distance(self):
        assert progressive_dissimilarity(fading()) == pytest.approx(1)
        assert progressive_dissimilarity(fading() ** 3) == pytest.approx(1)

    def test_is_minus_one_where_it_rises(self):
        assert progressive_dissimilarity(distances(20) / 20) == pytest.approx(-1)

    def test_is_zero_where_all_layers_are_alike(self):
        assert progressive_dissimilarity(np.ones((6, 6))) == 0

    def test_is_near_zero_for_noise(self):
        noise = np.random.default_rng(0).random((60, 60))
        assert abs(progressive_dissimilarity((noise + noise.T) / 2)) < 0.1

    def test_a_block_lowers_it(self):
        assert progressive_dissimilarity(with_block()) < 0.6

    def test_undefined_layers_are_left_out(self):
        matrix = fading()
        matrix[4] = matrix[:, 4] = np.nan
        assert progressive_dissimilarity(matrix) == pytest.approx(1)
        assert math.isnan(progressive_dissimilarity(np.full((5, 5), np.nan)))

    def test_two_models_of_different_depth_are_matched_by_relative_depth(self):
        a, b = np.linspace(0, 1, 10), np.linspace(0, 1, 25)
        matrix = 1 - np.abs(np.subtract.outer(a, b))
        assert progressive_dissimilarity(matrix, same_model=False) == pytest.approx(1)


class TestBlockStructure:
    def test_finds_the_planted_block(self):
        found = block_structure(with_block())
        assert (found.share, found.first, found.last) == (8 / 20, 8, 15)

    def test_takes_the_larger_of_two(self):
        matrix = with_block(first=0, last=4)
        matrix[10:17, 10:17] = 0.95
        found = block_structure(matrix)
        assert (found.first, found.last) == (10, 16)

    def test_a_layer_that_stands_out_does_not_split_a_large_block(self):
        matrix = with_block(60, 5, 54)
        matrix[20, :20] = matrix[:20, 20] = matrix[20, 21:] = matrix[21:, 20] = 0.2
        assert block_structure(matrix).share >= 50 / 60

    def test_is_small_where_similarity_fades_and_one_where_all_are_alike(self):
        assert block_structure(fading()).share < 0.2
        assert block_structure(np.ones((9, 9))).share == 1

    def test_is_zero_without_any_block(self):
        found = block_structure(np.eye(9))
        assert (found.share, found.first, found.last) == (0, None, None)

    def test_an_undefined_layer_is_alike_nothing(self):
        matrix = np.ones((6, 6))
        matrix[3] = matrix[:, 3] = np.nan
        assert block_structure(matrix).last == 2

    def test_is_of_square_matrices(self):
        with pytest.raises(InputError, match=r"this one is \(3, 4\)"):
            block_structure(np.ones((3, 4)))
        with pytest.raises(InputError, match="give"):
            progressive_dissimilarity(np.ones(3))
