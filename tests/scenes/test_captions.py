import itertools

import numpy as np
import pytest

from synthgen.scenes.captions import Seen, article, caption, listed
from synthgen.scenes.lights import WEATHERS

SKIER = Seen(
    family="ski",
    action="carve",
    who="woman",
    clothes=("an orange jacket", "black ski trousers", "a helmet"),
    verb="carving a turn",
    place="on a snowy slope",
    weather="sunny",
    others=1,
)


def test_captions_tell_who_what_and_where():
    texts = [caption(SKIER, np.random.default_rng(seed)) for seed in range(60)]
    assert all("skier" in text and "carving a turn on a snowy slope" in text for text in texts)
    assert all("next to another person" in text for text in texts)
    assert sum("orange jacket" in text for text in texts) > 40
    assert any("a female skier" in text for text in texts)
    assert len(set(texts)) > 30


@pytest.mark.parametrize("weather", WEATHERS)
def test_captions_are_clean_for_every_weather(weather):
    for who, others, seed in itertools.product(("woman", "man", "person"), (0, 2), range(6)):
        seen = Seen("everyday", "walk", who, ("a red jacket",), "walking", "in a park", weather, others)
        text = caption(seen, np.random.default_rng(seed))
        assert "  " not in text
        assert text == text.strip(" ,")
        assert f"{who} " in text
        assert ("with 2 other people" in text) == (others == 2)
        assert " a a" not in text
        assert "a orange" not in text


def test_athletes_are_called_by_their_event_sometimes():
    seen = Seen("athletics", "pole_vault", "person", (), "vaulting", "in a stadium", "night")
    texts = {caption(seen, np.random.default_rng(seed)) for seed in range(30)}
    assert any("pole vaulter" in text for text in texts)
    assert any("athlete" in text for text in texts)


def test_same_state_same_words():
    assert caption(SKIER, np.random.default_rng(3)) == caption(SKIER, np.random.default_rng(3))


def test_grammar_of_parts():
    assert article("orange jacket") == "an orange jacket"
    assert article("skier") == "a skier"
    assert listed(["a cap"]) == "a cap"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
