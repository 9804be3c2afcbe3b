"""LoRA adapters as plain data: what PEFT keeps in its two files."""

from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any
from warnings import catch_warnings, simplefilter

from torch import Tensor

from unskew.errors import InputError


@dataclass(frozen=True)
class Adapter:
    """LoRA weights: PEFT's configuration (JSON-able) and its state dict, on the CPU."""

    config: dict[str, Any]
    state: dict[str, Tensor]

    @classmethod
    def of(cls, model: Any) -> "Adapter":
        """The adapter named "default" of a `peft.PeftModel`, copied."""
        from peft import get_peft_model_state_dict

        config = {k: _plain(v) for k, v in model.peft_config["default"].to_dict().items()}
        state = get_peft_model_state_dict(model, save_embedding_layers=False)
        return cls(config, {k: v.detach().cpu().clone() for k, v in state.items()})

    def merged(self, model: Any, name: str) -> Any:
        """A copy of a transformers model with the adapter merged into its weights.

        Raises:
            InputError: the adapter, said to be that of `name`, is no LoRA, or does not fit the
                model: it is for other layers, or for layers of other sizes.
        """
        from peft import PeftConfig, get_peft_model, set_peft_model_state_dict

        kind = self.config.get("peft_type")
        if kind != "LORA":
            raise InputError(f"the adapter of {name} is of kind {kind!r}; unskew takes LoRA alone")
        place = next(model.parameters()).device
        state = {key: value.to(place) for key, value in self.state.items()}
        refusal = f"the adapter of {name} does not fit {type(model).__name__}"
        try:
            config = PeftConfig.from_peft_type(**self.config | {"base_model_name_or_path": None})
            with catch_warnings():
                # Of PEFT's own use of transformers: nothing a person here could change.
                simplefilter("ignore", FutureWarning)
                # "Low memory": without drawing at random what the state dict then replaces.
                adapted = get_peft_model(deepcopy(model), config, low_cpu_mem_usage=True)
            result: Any = set_peft_model_state_dict(adapted, state, low_cpu_mem_usage=True)
        except (ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(" ".join(str(error).splitlines()[:2]).split())
            raise InputError(f"{refusal}: {reason}") from error
        absent = [key for key in result.missing_keys if "lora_" in key]
        if absent or result.unexpected_keys:
            odd = (absent or result.unexpected_keys)[0]
            raise InputError(f"{refusal}: {odd} is in one of the two only")
        return adapted.merge_and_unload().eval()


def _plain(value: Any) -> Any:
    """What JSON can hold in the place of PEFT's sets and enumerations."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, set):
        return sorted(value)
    return value.value if isinstance(value, Enum) else value
