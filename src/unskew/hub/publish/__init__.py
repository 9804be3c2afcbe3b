"""Publishing: what goes to the Hub as a model, a data set, a metric or the demo, and how."""

from unskew.hub.publish.bundle import Bundle, send
from unskew.hub.publish.dataset import dataset_bundle
from unskew.hub.publish.model import model_bundle
from unskew.hub.publish.space import metric_bundle, space_bundle

__all__ = [
    "Bundle",
    "dataset_bundle",
    "metric_bundle",
    "model_bundle",
    "send",
    "space_bundle",
]
