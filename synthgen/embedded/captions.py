"""Words to tokens: CLIP's tokenizer class with a small vocabulary of byte pairs learned from the captions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import CLIPTextModel, CLIPTokenizer

    from synthgen.embedded.options import DraftOptions

START, END = "<|startoftext|>", "<|endoftext|>"


def learn_tokenizer(captions: Sequence[str], options: "DraftOptions") -> "CLIPTokenizer":
    """Learn a vocabulary; frequent words become one token, anything else falls apart into bytes."""
    import json

    from tokenizers import Tokenizer, models, trainers
    from transformers import CLIPTokenizer

    empty = CLIPTokenizer()
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = empty.backend_tokenizer.normalizer
    learner.pre_tokenizer = empty.backend_tokenizer.pre_tokenizer
    trainer: Any = trainers.BpeTrainer(
        vocab_size=options.vocabulary,
        special_tokens=[START, END],
        initial_alphabet=_byte_letters(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary = dict(learned["vocab"])
    for letter in _byte_letters():  # a word may end in any byte
        vocabulary.setdefault(f"{letter}</w>", len(vocabulary))
    merges: Any = [tuple(pair) for pair in learned["merges"]]
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        model_max_length=options.max_tokens,
    )


def load_tokenizer(folder: "Path") -> "CLIPTokenizer":
    """Load a tokenizer that was written with a model."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder)


def build_text_encoder(options: "DraftOptions", tokenizer: "CLIPTokenizer") -> "CLIPTextModel":
    """Build a CLIP text encoder with fresh weights."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=options.text_width,
        intermediate_size=4 * options.text_width,
        projection_dim=options.text_width,
        num_hidden_layers=options.text_layers,
        num_attention_heads=options.text_heads,
        max_position_embeddings=options.max_tokens,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def tokenize(tokenizer: Any, captions: Sequence[str]) -> Tensor:
    """Return token numbers (B, max_tokens) as diffusers makes them: cut or padded to that length."""
    rows = tokenizer(
        list(captions), padding="max_length", max_length=tokenizer.model_max_length, truncation=True
    )
    return torch.tensor(rows["input_ids"])


def _byte_letters() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())
