"""People of a batch that belong together, views of one body or frames of one clip, few or many."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Who belongs to which group.

    Attributes:
        members: (B,) int64 number of each person's group, from 0, without gaps.
    """

    members: Tensor

    def __post_init__(self) -> None:
        if self.members.ndim != 1 or self.members.dtype != torch.int64:
            raise ValueError(f"Groups.members must be (B,) int64, got {self.members.shape}")
        if len(self.members):
            counts = torch.bincount(self.members.clamp(min=0))
            if int(self.members.min()) < 0 or not bool((counts > 0).all()):
                raise ValueError("Groups.members must number the groups from 0 without gaps; see Groups.of")

    def __len__(self) -> int:
        return len(self.members)

    @classmethod
    def of(cls, names: Sequence[object], device: torch.device | str = "cpu") -> "Groups":
        """Return the groups of people with equal names (any hashable values), in order of appearance."""
        numbers: dict[object, int] = {}
        members = [numbers.setdefault(name, len(numbers)) for name in names]
        return cls(torch.tensor(members, dtype=torch.int64, device=device))

    @cached_property
    def sizes(self) -> Tensor:
        """Return how many members each group has, (G,)."""
        return torch.bincount(self.members)

    @cached_property
    def is_alone(self) -> Tensor:
        """Return whether each person is the only one of the group, (B,)."""
        return self.sizes[self.members] == 1

    def mean(self, values: Tensor) -> Tensor:
        """Return the means over groups (G, ...) of values (B, ...)."""
        total = values.new_zeros(len(self.sizes), *values.shape[1:]).index_add(0, self.members, values)
        return total / self.sizes.view(-1, *[1] * (values.ndim - 1)).to(values)

    def shared(self, values: Tensor) -> Tensor:
        """Return values (B, ...) with everybody's replaced by the mean over the group."""
        return self.mean(values)[self.members]

    def neighbours(self, frames: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the indices (N,) of each member and (N,) of the next one of the same group.

        Args:
            frames: (B,) numbers that order the members; without them, they come in the order of the batch.

        Raises:
            ValueError: another number of frames than people, or two members with the same frame.
        """
        if frames is None:
            frames = torch.arange(len(self), device=self.members.device)
        if frames.shape != self.members.shape:
            raise ValueError(f"frames must be ({len(self)},), got {tuple(frames.shape)}")
        order = torch.argsort(frames, stable=True)
        order = order[torch.argsort(self.members[order], stable=True)]
        first, second = order[:-1], order[1:]
        is_pair = self.members[first] == self.members[second]
        first, second = first[is_pair], second[is_pair]
        if bool((frames[first] == frames[second]).any()):
            raise ValueError("two people of one clip have the same frame number; each person is a clip")
        return first, second
