"""The position table that transformers start from."""

import pytest
import torch

from synthgen.embedded.positions import position_table


def test_neighbours_are_alike_and_all_patches_differ():
    table = position_table(6, 5, 32)
    assert table.shape == (1, 31, 32) and not table[0, 0].any()
    patches = table[0, 1:].unflatten(0, (6, 5))
    near = (patches[2, 2] - patches[2, 3]).norm(), (patches[2, 2] - patches[3, 2]).norm()
    far = (patches[0, 0] - patches[5, 4]).norm()
    assert max(near) < far
    assert torch.cdist(table[0, 1:], table[0, 1:]).add(torch.eye(30) * 9).min() > 0.1


def test_a_width_that_four_does_not_divide_is_an_error():
    with pytest.raises(ValueError, match="multiple of 4, got 30"):
        position_table(2, 2, 30)
