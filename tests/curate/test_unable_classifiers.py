"""Classifiers that load and cannot answer are told at once, before any image is looked at."""

import pytest
from test_abuse import TEXTS, tiny
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from unskew.curate.abuse import open_classifier
from unskew.errors import InputError

LABELS = {"id2label": {0: "neutral", 1: "toxic"}, "label2id": {"neutral": 0, "toxic": 1}}
WORDS = len(tiny.WORDS) + 2


def beside_a_tokenizer(folder, model):
    """The tokenizer, which pads, of a tiny BERT, and this model."""
    tiny.save_classifier(folder, ["neutral", "toxic"])
    model.save_pretrained(folder)
    return str(folder)


def test_a_decoder_without_padding_takes_one_text_at_a_time(tmp_path):
    config = GPT2Config(vocab_size=WORDS, n_embd=16, n_layer=1, n_head=2, n_positions=24, **LABELS)
    assert config.pad_token_id is None
    folder = beside_a_tokenizer(tmp_path / "gpt2", GPT2ForSequenceClassification(config))
    classify = open_classifier(folder).classify
    assert classify(TEXTS) == [score for text in TEXTS for score in classify([text])]


def test_a_tokenizer_of_another_model_is_told(tmp_path):
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    config = BertConfig(vocab_size=WORDS - 3, num_attention_heads=2, **small, **LABELS)
    folder = beside_a_tokenizer(tmp_path / "bert", BertForSequenceClassification(config))
    says = f"words up to number {WORDS - 1}, and the model embeddings of {WORDS - 3} words"
    with pytest.raises(InputError, match=says):
        open_classifier(folder)


def test_what_fails_on_a_text_is_told_at_opening_in_one_line(tmp_path):
    """BART looks for the end of the text, which this tokenizer does not mark."""
    small = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 24}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    wide = {"encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    config = BartConfig(vocab_size=WORDS, **small, **heads, **wide, **LABELS)
    config.eos_token_id = WORDS - 1
    folder = beside_a_tokenizer(tmp_path / "bart", BartForSequenceClassification(config))
    with pytest.raises(InputError, match="loads, but cannot classify a text: ") as told:
        open_classifier(folder)
    assert "\n" not in str(told.value)
