"""LoRA adapters as plain data: what PEFT keeps in its two files."""

from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any

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

    def merged(self, model: Any) -> Any:
        """A copy of a transformers model with the adapter merged into its weights.

        Raises:
            InputError: the adapter does not fit the model: other layers, or other sizes.
        """
        from peft import PeftConfig, get_peft_model, set_peft_model_state_dict

        try:
            config = PeftConfig.from_peft_type(**self.config)
            adapted = get_peft_model(deepcopy(model), config)
            result: Any = set_peft_model_state_dict(adapted, self.state)
        except (ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(
                f"the adapter does not fit {type(model).__name__} ({reason})"
            ) from error
        absent = [key for key in result.missing_keys if "lora_" in key]
        if absent or result.unexpected_keys:
            odd = (absent or result.unexpected_keys)[0]
            raise InputError(f"the adapter does not fit {type(model).__name__} (see {odd})")
        return adapted.merge_and_unload().eval()


def _plain(value: Any) -> Any:
    """What JSON can hold in the place of PEFT's sets and enumerations."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, set):
        return sorted(value)
    return value.value if isinstance(value, Enum) else value
