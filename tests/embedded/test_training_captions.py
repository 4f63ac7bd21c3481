import pytest
from transformers import CLIPTokenizer

from synthgen.embedded import captions
from synthgen.embedded.options import DraftOptions

CAPTIONS = [f"a photo of a {who} {what}" for who in ("skier", "diver") for what in ("in a tuck", "at sunset")]
OPTIONS = DraftOptions(vocabulary=620, max_tokens=16)


@pytest.fixture(scope="module")
def tokenizer():
    return captions.learn_tokenizer(CAPTIONS * 3, OPTIONS)


def test_known_words_are_one_token_each(tokenizer):
    ids = captions.tokenize(tokenizer, ["a skier at sunset"])[0].tolist()
    end = tokenizer.eos_token_id
    assert ids == [tokenizer.bos_token_id, *ids[1:5], *[end] * 11] and end not in ids[1:5]


def test_unknown_words_come_back_as_they_were(tokenizer):
    ids = tokenizer("über snowboards, 42!")["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == "übersnowboards,42!"


def test_long_captions_are_cut(tokenizer):
    assert captions.tokenize(tokenizer, ["tuck " * 40]).shape == (1, OPTIONS.max_tokens)


def test_the_folder_loads_with_transformers(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = CLIPTokenizer.from_pretrained(tmp_path)
    text = "a photo of a skier in zigzag"
    assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert loaded.model_max_length == OPTIONS.max_tokens
    encoder = captions.build_text_encoder(OPTIONS, tokenizer)
    assert encoder(captions.tokenize(loaded, [text]))[0].shape == (1, OPTIONS.max_tokens, OPTIONS.text_width)
