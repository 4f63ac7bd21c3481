"""The pose codebook as something to be trained by `synthgen.training.loop`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.body_points import BodyPoints
from synthgen.dpmesh.codebook_poses import Float32, PoseSet
from synthgen.dpmesh.codebook_training import CodebookLearner, CodebookOptions, measure
from synthgen.training.chance import Draw
from synthgen.training.options import TrainingOptions

TRAINING = TrainingOptions(
    20000, batch_size=256, learning_rate=1e-3, schedule="cosine", warmup=100, max_gradient=1.0
)
"""How long and how fast, on poses of the library; the paper trains 2000 epochs of AMASS."""

_SHOWN = 32  # poses in a picture
_MAGNIFIED = 8  # rows of a picture for one pose


class CodebookLesson:
    """Lesson of `synthgen.training.loop`.

    Attributes:
        module: what is trained; its `codebook` is what to keep.
        poses: to learn and to measure on.
    """

    def __init__(
        self,
        options: CodebookOptions,
        poses: Float32,
        points: BodyPoints,
        batch_size: int,
        seed: int,
    ) -> None:
        """Begin with weights that follow from the seed.

        Args:
            options: of the codebook.
            poses: (N, 24, 3) axis-angle [rad], the root's first; see `codebook_poses`.
            points: body of the joints' loss.
            batch_size: poses that a worker takes at once.
            seed: of the first weights.

        Raises:
            ValueError: the poses are none.
        """
        self.poses, self._batch_size = PoseSet(poses), batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: CodebookLearner = CodebookLearner(options, points)

    def batch(self, draw: Draw) -> tuple[Tensor, int]:
        """Return rotations (B, 24, 3, 3) and a seed."""
        rotmat = self.poses.draw(self._batch_size, draw.rng).to(draw.device)
        return rotmat, int(draw.rng.integers(2**62))

    def few(self, batch: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        """Return the first poses of a batch."""
        rotmat, seed = batch
        return rotmat[:count], seed

    def measure(self) -> dict[str, float]:
        """Return figures on held-out poses, see `codebook_training.measure`."""
        return {f"held_{name}": value for name, value in measure(self.module, self.poses.held_out).items()}

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8]:
        """Show held-out poses (left) and what came back (right) as tables of rotation matrices."""
        true = self.poses.held_out[:_SHOWN].to(self.module.uses.device)
        true = self.module.prepared(true, torch.Generator())
        found = self.module.codebook(true).rotmat
        tables = [value.flatten(1).cpu().numpy() for value in (true, found)]
        gap = np.ones((len(true), _MAGNIFIED), np.float32)
        gray = np.clip(127.5 * (np.concatenate([tables[0], gap, tables[1]], 1) + 1), 0, 255)
        return np.repeat(np.repeat(gray.astype(np.uint8), _MAGNIFIED, 0)[..., None], 3, 2)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: what a step sees follows from its chance alone."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from anywhere."""
