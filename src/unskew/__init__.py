"""unskew: measure, mitigate and share social bias in vision-language models.

Attributes load on first use (PEP 562), so ``import unskew`` pulls in neither torch nor any
Hugging Face library. Importing also makes ``evaluate.load("weat_bias")`` and its siblings work
by placing the metric modules in evaluate's own module cache (see ``unskew.hub.register``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unskew.hub.register import register_metrics as _register_metrics

__version__ = "0.1.0"

_LAZY = {
    "DualEncoder": "unskew.encoders",
    "Debiaser": "unskew.encoders",
    "load_embeddings": "unskew.encoders",
    "weat": "unskew.measures",
    "sc_weat": "unskew.measures",
    "weat_pairwise": "unskew.measures",
    "WeatResult": "unskew.measures",
    "cka": "unskew.measures",
    "group_fairness": "unskew.measures",
    "compare_group_fairness": "unskew.measures",
    "adjusted_rand_index": "unskew.measures",
    "load_images": "unskew.corpora",
    "ImageSet": "unskew.corpora",
    "load_stimuli": "unskew.stimuli",
    "Stimuli": "unskew.stimuli",
    "audit_model": "unskew.audit",
    "AuditReport": "unskew.audit",
    "debias_model": "unskew.debias",
    "fit_method": "unskew.debias",
    "fitting_data": "unskew.debias",
    "layer_cka": "unskew.inside",
}

__all__ = [
    "AuditReport",
    "Debiaser",
    "DualEncoder",
    "ImageSet",
    "Stimuli",
    "WeatResult",
    "__version__",
    "adjusted_rand_index",
    "audit_model",
    "cka",
    "compare_group_fairness",
    "debias_model",
    "fit_method",
    "fitting_data",
    "group_fairness",
    "layer_cka",
    "load_embeddings",
    "load_images",
    "load_stimuli",
    "sc_weat",
    "weat",
    "weat_pairwise",
]

if TYPE_CHECKING:
    from unskew.audit import AuditReport, audit_model
    from unskew.corpora import ImageSet, load_images
    from unskew.debias import debias_model, fit_method, fitting_data
    from unskew.encoders import Debiaser, DualEncoder, load_embeddings
    from unskew.inside import layer_cka
    from unskew.measures import (
        WeatResult,
        adjusted_rand_index,
        cka,
        compare_group_fairness,
        group_fairness,
        sc_weat,
        weat,
        weat_pairwise,
    )
    from unskew.stimuli import Stimuli, load_stimuli


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'unskew' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__


_register_metrics()
