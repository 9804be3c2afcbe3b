"""Debiasing: methods, what they are fitted on, the run that fits, saves and audits, and the
protocol that compares them.

Names load on first use, so that asking which methods there are loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "METHODS": "methods",
    "ComparisonTable": "rows",
    "Debiased": "run",
    "FittingData": "fitting",
    "HeldOut": "seen",
    "Method": "methods",
    "Scores": "protocol",
    "Validator": "validation",
    "compare_methods": "compare",
    "comparison_data": "prepare",
    "debias_model": "run",
    "evaluate": "protocol",
    "fit_method": "methods",
    "fitting_data": "fitting",
    "see": "seen",
}

__all__ = [
    "METHODS",
    "ComparisonTable",
    "Debiased",
    "FittingData",
    "HeldOut",
    "Method",
    "Scores",
    "Validator",
    "compare_methods",
    "comparison_data",
    "debias_model",
    "evaluate",
    "fit_method",
    "fitting_data",
    "see",
]

if TYPE_CHECKING:
    from unskew.debias.compare import compare_methods
    from unskew.debias.fitting import FittingData, fitting_data
    from unskew.debias.methods import METHODS, Method, fit_method
    from unskew.debias.prepare import comparison_data
    from unskew.debias.protocol import Scores, evaluate
    from unskew.debias.rows import ComparisonTable
    from unskew.debias.run import Debiased, debias_model
    from unskew.debias.seen import HeldOut, see
    from unskew.debias.validation import Validator


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'unskew.debias' has no attribute {name!r}")
    return getattr(import_module(f"unskew.debias.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
