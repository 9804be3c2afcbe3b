"""LEACE: linear classifiers are blind, at the least cost to what the metric counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from concept_erasure import optimal_linear_shrinkage
from sklearn.linear_model import LogisticRegression

from unskew.corpora import load_images
from unskew.debias import leace, leace_preserve
from unskew.debias.fitting import fitting_data
from unskew.encoders import DualEncoder
from unskew.errors import InputError


def through(head, embeddings):
    return head(torch.as_tensor(embeddings)).numpy().astype(np.float64)


def statistics(data):
    """Mean (d,), covariance (d, d), cross-covariance with the labels (d, S)."""
    x = data.fit.embeddings.astype(np.float64)
    z = np.eye(len(data.subgroups))[data.fit.labels]
    centred = x - x.mean(axis=0)
    return x.mean(axis=0), centred.T @ centred / len(x), centred.T @ (z - z.mean(axis=0)) / len(x)


def probe_accuracy(x, labels):
    x = (x - x.mean(axis=0)) / x.std()
    return LogisticRegression(C=1e4, max_iter=2000).fit(x, labels).score(x, labels)


def moved(head, embeddings):
    """Mean squared move."""
    step = through(head, embeddings) - embeddings
    return (step**2).sum(axis=1).mean()


BOTH = pytest.mark.parametrize("method", [leace, leace_preserve])


@BOTH
@pytest.mark.parametrize("subgroups", [2, 4])
def test_no_linear_probe_beats_a_constant_on_the_fitting_data(method, subgroups, synthetic):
    data = synthetic(subgroups, n=4000)
    labels = data.fit.labels
    head = method.fit(data).image
    largest = np.bincount(labels).max() / len(labels)
    assert probe_accuracy(data.fit.embeddings.astype(np.float64), labels) > largest + 0.3
    assert abs(probe_accuracy(through(head, data.fit.embeddings), labels) - largest) < 0.01
    _, _, cross = statistics(data)
    assert np.abs(head.weight.numpy() @ cross).max() < 1e-6 * np.abs(cross).max() + 1e-8


@BOTH
def test_texts_are_left_alone_and_the_mean_face_stays(method, synthetic):
    data = synthetic()
    heads = method.fit(data)
    centre = statistics(data)[0]
    assert heads.text is None
    assert np.allclose(through(heads.image, centre.astype(np.float32)[None]), centre, atol=1e-6)


@BOTH
@pytest.mark.parametrize("subgroups", [2, 4])
def test_the_map_is_idempotent_and_of_the_least_rank(method, subgroups, synthetic):
    weight = method.fit(synthetic(subgroups)).image.weight.double().numpy()
    assert np.allclose(weight @ weight, weight, atol=1e-5)
    assert np.linalg.matrix_rank(np.eye(40) - weight, tol=1e-4) == subgroups - 1


@pytest.mark.parametrize("weight", [None, 0.0, 0.25, 4.0])
def test_the_library_gives_the_closed_form(weight, synthetic):
    data = synthetic(3)
    _, spread, cross = statistics(data)
    if weight is None:
        head = leace.fit(data).image
        metric = optimal_linear_shrinkage(torch.as_tensor(spread), len(data.fit)).numpy()
    else:
        head = leace_preserve.fit(data, weight=weight).image
        faces, general = (x.astype(np.float64) for x in (data.fit.embeddings, data.preserve))
        away = general - faces.mean(axis=0)
        metric = np.cov(faces.T) + weight * away.T @ away / len(away)
    read = cross.T @ np.linalg.inv(metric)
    expected = np.eye(40) - cross @ np.linalg.pinv(read @ cross, rcond=1e-9) @ read
    assert np.allclose(head.weight, expected, atol=1e-5)


def test_leace_moves_faces_least_and_leace_preserve_the_sum_of_both(synthetic):
    data = synthetic(n=4000)
    faces, general = data.fit.embeddings, data.preserve
    plain = leace.fit(data).image
    maps = {w: leace_preserve.fit(data, weight=w).image for w in (0.1, 1.0, 10.0)}
    assert all(moved(plain, faces) <= moved(m, faces) for m in maps.values())
    assert moved(maps[1.0], general) < moved(plain, general) / 2
    both = {w: moved(m, faces) + moved(m, general) for w, m in maps.items()}
    assert min(both, key=both.get) == 1.0


def test_nothing_to_preserve_and_negative_weights_are_refused(synthetic):
    data = synthetic()
    with pytest.raises(InputError, match="needs general images to preserve"):
        leace_preserve.fit(replace(data, preserve=data.preserve[:0]))
    with pytest.raises(InputError, match="weight is -1; it must be 0 or more"):
        leace_preserve.fit(data, weight=-1)


@pytest.mark.slow
def test_on_real_faces_a_probe_is_at_chance(shared_data):
    encoder = DualEncoder.from_pretrained("unskew/mini")
    parts = [
        load_images(str(shared_data / "utkface"), split, categories=["gender"])
        for split in ("validation", "test")
    ]
    data = fitting_data(encoder, *parts, ["gender"])
    head = leace.fit(data).image
    share = np.bincount(data.fit.labels).max() / len(data.fit)
    assert probe_accuracy(data.fit.embeddings.astype(np.float64), data.fit.labels) > 0.85
    assert abs(probe_accuracy(through(head, data.fit.embeddings), data.fit.labels) - share) < 0.01
