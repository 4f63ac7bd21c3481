"""The step `prior`: VPoser v2 on poses drawn from the pose library, everyday ones most."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen.backends.vposer import NUM_JOINTS, VPoser, VPoserConfig
from synthgen.embedded import grids
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import PriorOptions
from synthgen.embedded.workshop import KEEP_DTYPE, Workshop
from synthgen.geometry import Array, rotvec_to_rotmat
from synthgen.scenes.poses import FAMILIES, SPORTS, draw_pose
from synthgen.training import receipts

logger = logging.getLogger(__name__)

FOLDER = "prior"
_HELD_OUT_EVERY = 20
_LOG_EVERY = 5000  # poses
_UNIFORM = np.pi / 2  # greatest angle of a joint of a random pose [rad]


class PriorLesson:
    """Encode poses with noise, decode them without, through a code that is close to a standard normal one."""

    def __init__(
        self, options: PriorOptions, poses: NDArray[np.float32], families: NDArray[np.int64]
    ) -> None:
        self.options = options
        is_kept = np.arange(len(poses)) % _HELD_OUT_EVERY == 0
        self._train, self._held_out = torch.from_numpy(poses[~is_kept]), torch.from_numpy(poses[is_kept])
        self._families = families[is_kept]
        self.model: nn.Module = VPoser(
            VPoserConfig(num_neurons=options.neurons, latent_dim=options.latent_dim)
        )

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows = draw.rng.integers(0, len(self._train), self.options.training.batch_size)
        poses = self._train[rows].to(draw.device)
        poses = mirrored(poses, torch.from_numpy(draw.rng.random(len(rows)) < 0.5).to(draw.device))
        output: Any = model(poses + self.options.jitter * draw.normal(*poses.shape))
        with torch.autocast(draw.device.type, enabled=False):
            mean, std = output.code.mean.float(), output.code.scale.float()
            kl = 0.5 * (mean**2 + std**2 - 1 - 2 * torch.log(std + 1e-8)).sum(-1).mean()
            angles = _angles(output.body_pose.float(), rotmat_of(poses))
            squared = ((output.body_pose.float() - rotmat_of(poses)) ** 2).sum((-2, -1)).mean()
            loss = squared + 0.1 * angles.mean() + self.options.kl * kl
        return {"loss": loss, "degrees": torch.rad2deg(angles.detach()).mean(), "kl": kl.detach()}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return reconstruction [deg], squared code norms by family, and how random poses stand out."""
        vposer: Any = model
        code, error = self._judged(vposer, self._held_out)
        norm = (code**2).sum(-1)
        shape = (len(self._held_out), NUM_JOINTS, 3)
        random = np.random.default_rng(0).uniform(-_UNIFORM, _UNIFORM, shape).astype(np.float32)
        random_code, random_error = self._judged(vposer, torch.from_numpy(random))
        found = {"degrees": float(torch.rad2deg(error.mean()))}
        for number, family in enumerate(FAMILIES):
            if (self._families == number).any():
                found[f"norm_{family}"] = float(norm[self._families == number].mean())
        found["auc_norm"] = area_under_curve(norm.numpy(), (random_code**2).sum(-1).numpy())
        return found | {"auc_error": area_under_curve(error.numpy(), random_error.numpy())}

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out poses and their reconstructions as tables of rotation matrices, one row a pose."""
        vposer: Any = model
        device = next(model.parameters()).device
        poses = self._held_out[:32].to(device)
        tables = [rotmat_of(poses), vposer.decode(vposer.encode(poses).mean)]
        images = [
            grids.to_uint8((table.flatten(1)[None, None].expand(1, 3, -1, -1) + 1) / 2) for table in tables
        ]
        return grids.columns(*(np.repeat(image, 8, 1) for image in images), wide=1)

    def _judged(self, model: VPoser, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean codes (B, D) and mean angles of reconstruction (B,) [rad]."""
        poses = poses.to(next(model.parameters()).device)
        code = model.encode(poses).mean
        return code.cpu(), _angles(model.decode(code), rotmat_of(poses)).mean(-1).cpu()


def train(shop: Workshop) -> None:
    """Draw poses, train the prior and write it."""
    options = shop.options.prior
    poses, families = open_poses(options, shop.seed, shop.work / "poses")
    lesson = PriorLesson(options, poses, families)
    shop.begin(lesson.model, FOLDER)
    model: Any = shop.train(lesson, options.training)
    model.save_folder(shop.weights / FOLDER, KEEP_DTYPE)
    shop.note(FOLDER, options.training, len(poses))


def open_poses(
    options: PriorOptions, seed: int, folder: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return poses (N, 21, 3) [rad] and the number of each one's family; drawn once, kept in `folder`."""
    inputs = receipts.combined(options.poses, options.everyday, seed, FAMILIES)
    path = folder / "poses.npz"
    if not receipts.is_current(folder, inputs, [path]):
        folder.mkdir(parents=True, exist_ok=True)
        poses, families = [], []
        for index in range(options.poses):
            rng = np.random.default_rng([seed, index])
            family = "everyday" if rng.random() < options.everyday else str(rng.choice(SPORTS))
            poses.append(draw_pose(family, rng).body_pose[:NUM_JOINTS])
            families.append(FAMILIES.index(family))
            if index % _LOG_EVERY == _LOG_EVERY - 1:
                logger.info("prior: %d of %d poses drawn", index + 1, options.poses)
        np.savez(path, poses=np.array(poses, np.float32), families=np.array(families, np.int64))
        receipts.write(folder, inputs, [path])
    with np.load(path) as file:
        return file["poses"], file["families"]


def mirrored(poses: Tensor, which: Tensor) -> Tensor:
    """Mirror some of the poses (B, 21, 3) left to right."""
    from synthgen.joints import SMPL24

    order = [joint - 1 for joint in SMPL24.flip_permutation()[1 : NUM_JOINTS + 1]]
    signs = torch.tensor([1.0, -1.0, -1.0], device=poses.device)
    return torch.where(which[:, None, None], poses[:, order] * signs, poses)


def rotmat_of(poses: Tensor) -> Tensor:
    """Convert axis-angle (B, 21, 3) [rad] to rotation matrices (B, 21, 3, 3)."""
    return torch.from_numpy(rotvec_to_rotmat(poses.cpu().numpy()).astype(np.float32)).to(poses.device)


def area_under_curve(low: Array, high: Array) -> float:
    """Return the chance that a draw of `high` exceeds one of `low`: the area under the ROC curve."""
    ranks = np.searchsorted(np.sort(low), high, "left") + np.searchsorted(np.sort(low), high, "right")
    return float(ranks.mean() / (2 * len(low)))


def _angles(found: Tensor, true: Tensor) -> Tensor:
    """Return the angles (B, 21) [rad] between rotation matrices."""
    trace = (found * true).sum((-2, -1))
    return torch.acos(((trace - 1) / 2).clamp(-1 + 1e-6, 1 - 1e-6))
