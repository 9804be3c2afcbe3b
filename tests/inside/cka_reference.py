"""CKA written down from its formula, in double precision, over everything kept in memory."""

import numpy as np
import torch

from unskew.inside.layers import Watch, choose_layers, first_tensor


def recorded(model, batches, layers):
    """Features of every output, batch by batch: {row: [(n, d), ...]}."""
    kept = {}

    def keep(name, output):
        tensor = first_tensor(output)
        kept.setdefault(name, []).append(tensor.detach().clone().flatten(1).double().numpy())

    with Watch(model, choose_layers(model, layers, "it"), keep) as watch, torch.inference_mode():
        for batch in batches:
            given = batch
            if isinstance(batch, dict):
                given = {name: value for name, value in batch.items() if name != "labels"}
            watch.run(given)
    return kept


def hsic_1(K, L):
    """Equation 3 of arXiv 2010.15327."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    trace = (K * L).sum() + K.sum() * L.sum() / ((n - 1) * (n - 2))
    return (trace - 2 / (n - 2) * K.sum(0) @ L.sum(0)) / (n * (n - 3))


def grams(features):
    """(L, n, n) of centred features, which changes nothing but the digits lost."""
    return np.stack([(x - x.mean(0)) @ (x - x.mean(0)).T for x in features])


def u_centred(K):
    """(L, n^2), whose inner products over n (n - 3) are HSIC_1: checked against it in the tests."""
    n = K.shape[1]
    K = K * (1 - np.eye(n))
    sums = K.sum(2)
    K = K - sums[:, :, None] / (n - 2) - sums[:, None, :] / (n - 2)
    K += (sums.sum(1) / ((n - 1) * (n - 2)))[:, None, None]
    return (K * (1 - np.eye(n))).reshape(len(K), -1)


def minibatch_cka(features_a, features_b=None):
    """Equation 2 of arXiv 2010.15327; features as `recorded` gives them."""
    features_b = features_a if features_b is None else features_b
    totals = 0.0, 0.0, 0.0
    for batch in range(len(next(iter(features_a.values())))):
        a, b = ([rows[batch] for rows in side.values()] for side in (features_a, features_b))
        n = len(a[0])
        K, L = (u_centred(grams(side)) / np.sqrt(n * (n - 3)) for side in (a, b))
        own = [(side**2).sum(1) for side in (K, L)]
        totals = tuple(t + new for t, new in zip(totals, (K @ L.T, *own), strict=True))
    cross, own_a, own_b = totals
    return cross / np.sqrt(np.outer(own_a, own_b))
