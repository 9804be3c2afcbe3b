"""A BERT whose pooled output is the mean of its token states, as all-MiniLM-L6-v2 was trained."""

from typing import Any

from torch import Tensor
from transformers import BertConfig, BertModel
from transformers.modeling_outputs import BaseModelOutputWithPooling


class MeanPooledBertConfig(BertConfig):
    """BERT's configuration under a name of its own, so that AutoModel finds the mean pooling."""

    model_type = "mean_pooled_bert"


class MeanPooledBertModel(BertModel):
    """`pooler_output` (n, hidden_size) is the mean over the tokens that are not padding.

    The pooling of Sentence-BERT (https://arxiv.org/abs/1908.10084).
    """

    config_class = MeanPooledBertConfig

    def __init__(self, config: MeanPooledBertConfig) -> None:
        super().__init__(config, add_pooling_layer=False)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """`input_ids`, `attention_mask`: (n, tokens); no mask means no padding."""
        kwargs["return_dict"] = True
        states = super().forward(input_ids, attention_mask, **kwargs).last_hidden_state
        if attention_mask is None:
            mean = states.mean(dim=1)
        else:
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=mean)
