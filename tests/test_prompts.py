import itertools

import numpy as np
import pytest

from synthgen.prompts import Prompts, RequestStream, sample_seed

SKI = Prompts(
    templates=["a photo of a {person} {action}", "{person}, {action}, {action}"],
    words={"person": ["skier", "{age} skier"], "age": ["young", "old"], "action": ["carving", "jumping"]},
    negative_prompt="text",
)


def test_a_request_depends_on_run_seed_and_index_only():
    stream = RequestStream("ski", 7, SKI)
    straight = list(itertools.chain.from_iterable(stream.batches(0, 40, 16)))
    assert [request.index for request in straight] == list(range(40))
    assert straight == [RequestStream("ski", 7, SKI).request(index) for index in range(40)]
    assert RequestStream("ski", 8, SKI).request(3).seed != stream.request(3).seed


def test_batches_cut_the_range_and_keep_the_rest():
    sizes = [len(batch) for batch in RequestStream("ski", 0, SKI).batches(100, 25, 10)]
    assert sizes == [10, 10, 5]


def test_keys_sort_like_indices_and_hold_no_dots():
    stream = RequestStream("ski", 0, SKI)
    keys = [stream.request(index).key for index in (0, 9, 10, 42, 10**6, 10**9 - 1)]
    assert keys == sorted(keys)
    assert keys[3] == "ski-000000042"
    assert not any("." in key for key in keys)


def test_any_index_is_made_without_the_ones_before_it():
    request = RequestStream("ski", 0, SKI).request(10**12)
    assert request.index == 10**12
    with pytest.raises(ValueError, match="index of a request must be >= 0, got -1"):
        RequestStream("ski", 0, SKI).request(-1)


def test_seeds_differ_and_fit_a_signed_integer():
    seeds = [sample_seed(run_seed, index) for run_seed in range(8) for index in range(500)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0 and max(seeds) < 2**63
    bits = np.mean([[seed >> bit & 1 for bit in range(63)] for seed in seeds], axis=0)
    assert abs(bits - 0.5).max() < 0.05


def test_sentences_use_all_words_and_leave_no_braces():
    stream = RequestStream("ski", 1, SKI)
    said = [stream.request(index).prompt for index in range(200)]
    assert not any("{" in sentence for sentence in said)
    for word in ("young skier", "old skier", "carving", "jumping"):
        assert any(word in sentence for sentence in said)
    assert len(set(said)) > 8


def test_problems_name_every_bad_sentence_at_once():
    prompts = Prompts(templates=["a {persn}", "a {person"], words={"person": ["skier"], "place": []})
    problems = prompts.problems()
    assert len(problems) == 3
    assert any("{persn}" in problem and "known: person, place" in problem for problem in problems)
    assert any("unbalanced braces" in problem for problem in problems)
    assert any("words.place must hold at least one choice" in problem for problem in problems)


def test_words_that_lead_back_to_themselves_are_refused():
    problems = Prompts(templates=["{a}"], words={"a": ["x {b}"], "b": ["{c}"], "c": ["{a}"]}).problems()
    assert len(problems) == 3
    assert "leads back" in problems[0]


def test_the_defaults_are_without_problems():
    assert Prompts().problems() == []
    assert SKI.problems() == []
