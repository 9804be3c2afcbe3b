"""Clusters of a first model's features in the place of groups (BPA)."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from unskew.classify.strategies.base import Base
from unskew.classify.strategies.partition import Partition, partition
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.classify.network import Classifier
    from unskew.classify.pixels import Pixels
    from unskew.classify.presets import TrainSettings


class Clustered(Base):
    """Weights by size and loss of clusters, after Seo, Lee and Han, CVPR 2022 (arXiv 2108.02943).

    With N_k the size and L_k the mean training loss of cluster k in an epoch, n = sum_k N_k:

        v_k = (n / N_k) L_k / sum_j L_j,    w_k <- (1 - momentum) w_k + momentum v_k,

    which leaves the mean weight of a training example at one. Before any loss is known w_k is
    n / (K N_k). A batch's loss is its mean weighted by w. All examples are seen once per epoch.

    The paper moves the weights with every batch; here they move once per epoch, so that they do
    not depend on how large a batch is.
    """

    name = "bpa"
    wants_losses = True

    def __init__(self, clusters: Partition, momentum: float = 0.3) -> None:
        """`momentum`: how much the last epoch counts, over 0 up to 1."""
        if not 0 < momentum <= 1:
            raise InputError(f"momentum must be over 0 and at most 1, got {momentum!r}")
        self.clusters = clusters
        self.momentum = momentum
        # w_k N_k / n: over all clusters they sum to one.
        self.shares = clusters.uniform()

    @property
    def weights(self) -> Tensor:
        """(k,) how much a loss counts in each cluster."""
        return self.clusters.sizes.sum() * self.shares / self.clusters.sizes

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """The rows (n,) in random order."""
        return torch.randperm(len(self.clusters.codes), generator=generator)

    def reduce(self, losses: Tensor, indices: Tensor) -> Tensor:
        """The mean of the losses (b,) weighted by cluster."""
        weights = self.weights[self.clusters.codes[indices.cpu()]].to(losses.dtype)
        weights = weights.to(losses.device)
        return (weights * losses).sum() / weights.sum()

    def after_epoch(self, epoch: int, losses: np.ndarray) -> None:
        """Move the weights by the losses (n,)."""
        now = self.clusters.loss_shares(losses, self.shares)
        self.shares.mul_(1 - self.momentum).add_(now, alpha=self.momentum)

    def _fixed(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "codes": self.clusters.codes}

    def _moving(self) -> dict[str, Tensor]:
        return {"shares": self.shares}


def feature_clusters(targets: Any, features: Any, clusters: int = 8, seed: int = 0) -> Partition:
    """k-means of unit features (n, d) within each class (n,): at most `clusters` of each.

    Unit vectors, as the released code of BPA clusters by cosine. A class with fewer examples than
    `clusters` has as many clusters as examples.

    Raises:
        InputError: not one feature vector per example, features that are not finite, or no
            clusters.
    """
    from sklearn.cluster import KMeans

    if clusters < 1:
        raise InputError(f"clusters must be at least 1, got {clusters!r}")
    classes = partition(targets).codes.numpy()
    vectors = np.asarray(features, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(classes):
        raise InputError(
            f"there are {len(classes)} targets but features of shape {vectors.shape}: give one row "
            "per training example"
        )
    if not np.isfinite(vectors).all():
        raise InputError("the features are not finite: did the first model's training diverge?")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1)
    found = np.zeros(len(classes), dtype=np.int64)
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        # More clusters than different vectors would be empty, and scikit-learn warns of them.
        count = min(clusters, len(np.unique(vectors[rows], axis=0)))
        kmeans = KMeans(count, n_init=4, random_state=seed)
        found[rows] = kmeans.fit_predict(vectors[rows])
    return partition(classes, found)


def bias_pseudo_attributes(
    network: "Classifier",
    train_set: "Pixels",
    validation: "Pixels",
    settings: "TrainSettings",
    *,
    clusters: int = 8,
    momentum: float = 0.3,
    objective: str = "softmax-cross-entropy",
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
) -> Clustered:
    """Train `network` plainly, cluster its features of the training set, and weight by them.

    8 clusters per class and momentum 0.3 are the paper's. `out` keeps the checkpoint of the first
    training, as in `train`: that of a plain training that is over saves this one.

    Raises:
        InputError: as `train` and `feature_clusters`.
    """
    from unskew.classify.predict import predict
    from unskew.classify.train import train

    first = train(network, train_set, validation, settings, objective=objective, seed=seed, out=out)
    features = predict(first.network, train_set, settings.batch_size).features
    return Clustered(feature_clusters(train_set.targets, features, clusters, seed), momentum)
