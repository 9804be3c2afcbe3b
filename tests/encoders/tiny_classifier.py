"""A tiny untrained text classifier of transformers, saved as a person would find it on disk."""

import torch
import transformers as hf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

TEXT = "a man woman reads to his her son vermin scum nice day out people soup of red lentils"
WORDS = TEXT.split()


def save_classifier(folder, labels, seed=0, **config):
    """A BERT with these labels; `config`: what else its configuration has."""
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]"
    )
    torch.manual_seed(seed)
    model = hf.BertForSequenceClassification(
        hf.BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=24,
            initializer_range=1.0,
            id2label=dict(enumerate(labels)),
            label2id={label: place for place, label in enumerate(labels)},
            **config,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
