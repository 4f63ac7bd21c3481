"""Early stopping: people whose energy stands still keep the result of that step."""

import torch
from torch import Tensor


class EarlyStopping:
    """Follows the energies of B people over the guided steps.

    A step at which the energy hardly changed pulls no more on that person. The first such step's result is
    kept; the person still goes on, with no further say in the result.
    """

    def __init__(self, tolerance: float, floor: float) -> None:
        self._tolerance, self._floor = tolerance, floor
        self._before: Tensor | None = None
        self._stands_still: Tensor | None = None
        self._kept: tuple[Tensor, Tensor] | None = None
        self._is_kept: Tensor | None = None

    @property
    def all_stopped(self) -> bool:
        """Whether everybody has a result."""
        return self._is_kept is not None and bool(self._is_kept.all())

    def counted(self, energy: Tensor) -> Tensor:
        """Return energies (B,) with those that stand still replaced by 0, which pulls on nothing."""
        now = energy.detach()
        if self._before is None:
            self._stands_still = torch.zeros_like(now, dtype=torch.bool)
        else:
            larger = torch.maximum(self._before, now).clamp(min=self._floor)
            self._stands_still = (self._before - now).abs() / larger < self._tolerance
        self._before = now
        return torch.where(self._stands_still, 0.0, energy)

    def kept(self, clean: Tensor, transl: Tensor) -> tuple[Tensor, Tensor]:
        """Return this step's vectors and translations, those of people who had stopped replaced."""
        assert self._stands_still is not None
        if self._kept is None or self._is_kept is None:
            self._kept, self._is_kept = (clean, transl), torch.zeros_like(self._stands_still)
        is_kept = self._is_kept[:, None]
        self._kept = (torch.where(is_kept, self._kept[0], clean), torch.where(is_kept, self._kept[1], transl))
        self._is_kept = self._is_kept | self._stands_still
        return self._kept
