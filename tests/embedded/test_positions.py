"""The position table that transformers start from."""

import pytest
import torch

from synthgen.embedded.positions import position_table, resized_table


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


def test_a_resized_table_says_of_each_place_what_the_old_one_said_there():
    table = position_table(6, 4, 16)
    assert resized_table(table, (6, 4), (6, 4)) is table
    larger = resized_table(table, (6, 4), (12, 8))
    assert larger.shape == (1, 97, 16) and torch.equal(larger[:, 0], table[:, 0])
    new, old = larger[0, 1:].reshape(12, 8, 16), table[0, 1:].reshape(6, 4, 16)
    blocks = new.reshape(6, 2, 4, 2, 16).mean((1, 3))  # four new patches lie where an old one lay
    assert torch.allclose(blocks[1:-1, 1:-1], old[1:-1, 1:-1], atol=0.05)
