"""What our ``evaluate`` metrics share: whole arrays in, plain Python values out."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import evaluate

from unskew.errors import InputError


def option_names(measure: Callable[..., Any], inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The keywords of a measure beside its inputs; its defaults stand with the measure alone."""
    return tuple(name for name in inspect.signature(measure).parameters if name not in inputs)


class ArrayMetric(evaluate.Metric):
    """An ``evaluate`` metric that is computed from whole arrays.

    evaluate gathers rows in an Arrow table before it computes, which takes seconds for ten
    thousand embeddings, and wants every input to have as many rows as the others. The sets of an
    embedding measure differ in size, so :meth:`compute` hands the arrays on as they are.
    """

    #: keywords of ``_compute``
    inputs: ClassVar[tuple[str, ...]]
    options: ClassVar[tuple[str, ...]]
    # What any metric of ours takes: evaluate.combine gives every metric the keywords of all.
    _taken: ClassVar[set[str]] = set()

    def __init_subclass__(cls) -> None:
        ArrayMetric._taken.update(cls.inputs, cls.options)

    def compute(self, **keywords: Any) -> dict[str, Any]:
        """Compute the metric from arrays, tensors or lists given by keyword.

        Returns plain Python values that ``json.dump`` writes; a value that is undefined is None,
        and the result says why. Raises ``unskew.errors.InputError`` for input that cannot be used.
        """
        own = {name: value for name, value in keywords.items() if name in self._own()}
        for name, value in keywords.items():
            if name not in ArrayMetric._taken and value is not None:
                raise InputError(
                    f"{self.name} takes no {name}; its inputs are {', '.join(self.inputs)} and "
                    f"its options {', '.join(self.options)}"
                )
        return plain(self._compute(**own))

    def add(self, **keywords: Any) -> None:
        """Not supported."""
        self._refuse_rows("add")

    def add_batch(self, **keywords: Any) -> None:
        """Not supported."""
        self._refuse_rows("add_batch")

    def _own(self) -> tuple[str, ...]:
        return (*self.inputs, *self.options)

    def _refuse_rows(self, method: str) -> None:
        raise InputError(
            f"{self.name} has no {method}, since it is computed from whole arrays: collect each "
            f"input whole and call compute({', '.join(f'{name}=...' for name in self.features)})"
        )


def plain(value: Any) -> Any:
    """``value`` as strict JSON holds it: NaN becomes None, a tuple a list."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
