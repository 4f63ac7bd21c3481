import numpy as np
import pytest
from fake_models import Segmenter, painted

from synthgen.backends.protocols import Segments
from synthgen.stages.masks import Masking, People, find_people


def found(prompt: str, **keys):
    return find_people([painted(prompt, 40, 0)], Segmenter(), Masking(**keys))[0]


def test_people_and_things_come_apart():
    people = found("a person in front of something, front")
    assert isinstance(people, People)
    assert people.masks.shape == (1, 40, 40) and people.things.shape == (1, 40, 40)
    assert not (people.masks[0] & people.things[0]).any()
    assert people.boxes.tolist() == [[16, 5, 23, 34]], "around all pieces of somebody who is hidden in part"


@pytest.mark.parametrize(
    ("prompt", "keys", "reason"),
    [
        ("nobody", {}, "nobody found"),
        ("tiny far", {"min_cover": 0.02}, "nobody found"),
        ("crowd", {}, "more people found than wanted"),
        ("a person", {"max_people": 1}, None),
        ("crowd", {"max_people": 2}, None),
    ],
)
def test_a_picture_that_cannot_be_used_says_why(prompt, keys, reason):
    answer = found(prompt, **keys)
    assert answer == reason if reason else isinstance(answer, People)


def test_the_largest_person_is_the_subject():
    small, large = np.zeros((2, 20, 20), bool)
    small[:4, :4], large[8:20, 8:20] = True, True
    segments = Segments(
        np.stack([small, large]), np.array([0.9, 0.6]), np.zeros((0, 20, 20), bool), np.zeros(0), ()
    )
    people = find_people([np.zeros((20, 20, 3), np.uint8)], lambda _: [segments], Masking(max_people=2))[0]
    assert people.boxes.tolist() == [[8, 8, 19, 19], [0, 0, 3, 3]]


def test_specks_belong_to_nobody_but_limbs_do():
    mask = np.zeros((20, 20), bool)
    mask[2:12, 2:12] = mask[14:18, 14:18] = mask[0, 19] = True
    segments = Segments(mask[None], np.ones(1), np.zeros((0, 20, 20), bool), np.zeros(0), ())
    people = find_people([np.zeros((20, 20, 3), np.uint8)], lambda _: [segments], Masking(speck=0.05))[0]
    assert people.masks.sum() == 100 + 16 and people.boxes.tolist() == [[2, 2, 17, 17]]


def test_options_are_checked():
    assert Masking().problems() == []
    assert len(Masking(max_people=0, min_cover=2, speck=-1).problems()) == 3
