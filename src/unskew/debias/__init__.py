"""Debiasing: methods, what they are fitted on, and the run that fits, saves and audits.

Names load on first use, so that asking which methods there are loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "METHODS": "methods",
    "Debiased": "run",
    "FittingData": "fitting",
    "Method": "methods",
    "debias_model": "run",
    "fit_method": "methods",
    "fitting_data": "fitting",
}

__all__ = [
    "METHODS",
    "Debiased",
    "FittingData",
    "Method",
    "debias_model",
    "fit_method",
    "fitting_data",
]

if TYPE_CHECKING:
    from unskew.debias.fitting import FittingData, fitting_data
    from unskew.debias.methods import METHODS, Method, fit_method
    from unskew.debias.run import Debiased, debias_model


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'unskew.debias' has no attribute {name!r}")
    return getattr(import_module(f"unskew.debias.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
