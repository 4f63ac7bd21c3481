"""Role `prior`: VPoser as a judge of poses and a source of likely ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.protocols import Precision, PriorReport
from synthgen.backends.ranges import id_problems, raise_problems, ready
from synthgen.joints import SMPL24
from synthgen.sample import Float

SOURCE = (
    "VPoser comes from smpl-x.is.tue.mpg.de (registration, non-commercial): give the unpacked folder V02_05"
)
NUM_JOINTS = len(SMPL24) - 1  # of SMPL's body_pose


@dataclass
class VPoserPrior:
    """VPoser, version 1 or 2. A pose's code is the mean of its distribution, so that its norm is repeatable.

    Poses go through one by one: in a batch, the last bits of some layers depend on a pose's place in it.

    Attributes:
        id: the published folder (V02_05, vposer_v1_0) or a file in it, folder or hub id of a model of ours,
            or embedded/prior.
        revision: branch, tag or commit of a hub id; empty for the newest.
    """

    id: str = "embedded/prior"
    revision: str = ""

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._model: Any = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        return id_problems(self)

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the network; being tiny, it computes on the CPU, in float32, whatever is asked for."""
        from synthgen.backends.vposer import VPoser
        from synthgen.checkpoints import CONFIG_FILE

        path = find_model(self.id, self.revision, fetch_files, SOURCE)
        is_ours = path.is_dir() and (path / CONFIG_FILE).is_file()
        self._model = VPoser.from_folder(path) if is_ours else VPoser.from_checkpoint(path)
        self.version = version_of(path)

    def __call__(self, body_poses: Float) -> PriorReport:
        """Judge poses; see `PosePrior`."""
        import torch

        from synthgen.backends.vposer import NUM_JOINTS as ENCODED
        from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat

        model = ready(self._model, self)
        if body_poses.shape[1:] != (NUM_JOINTS, 3):
            raise ValueError(f"body_poses must be (B, {NUM_JOINTS}, 3), got {body_poses.shape}")
        poses = torch.from_numpy(np.asarray(body_poses[:, :ENCODED], np.float32))
        with torch.inference_mode():
            codes = [model.encode(pose[None]).mean[0].double().numpy() for pose in poses]
        code = np.stack(codes) if codes else np.zeros((0, model.config.latent_dim))
        decoded = self._decoded(code)
        reconstruction = np.array(body_poses, np.float64)
        reconstruction[:, :ENCODED] = rotmat_to_rotvec(decoded)
        turned = np.swapaxes(rotvec_to_rotmat(body_poses[:, :ENCODED]), -1, -2) @ decoded
        errors = np.linalg.norm(rotmat_to_rotvec(turned), axis=-1).mean(-1)
        return PriorReport(code, (code**2).sum(-1), reconstruction, errors)

    def decode(self, codes: Float) -> Float:
        """Return the poses of codes; see `PosePrior`."""
        from synthgen.geometry import rotmat_to_rotvec

        decoded = rotmat_to_rotvec(self._decoded(codes))
        hands = np.zeros((len(codes), NUM_JOINTS - decoded.shape[1], 3))
        return np.concatenate([decoded, hands], 1)

    def sample(self, seeds: Sequence[int]) -> Float:
        """Draw poses from the prior; see `PosePrior`."""
        width = ready(self._model, self).config.latent_dim
        codes = [np.random.default_rng(seed).standard_normal(width) for seed in seeds]
        return self.decode(np.stack(codes) if codes else np.zeros((0, width)))

    def _decoded(self, codes: Float) -> Float:
        """Return rotation matrices (B, 21, 3, 3) of codes (B, D)."""
        import torch

        from synthgen.backends.vposer import NUM_JOINTS as ENCODED

        model = ready(self._model, self)
        if codes.ndim != 2 or codes.shape[1] != model.config.latent_dim:
            raise ValueError(f"codes must be (B, {model.config.latent_dim}), got {codes.shape}")
        inputs = torch.from_numpy(np.asarray(codes, np.float32))
        with torch.inference_mode():
            found = [model.decode(code[None])[0].double().numpy() for code in inputs]
        return np.stack(found) if found else np.zeros((0, ENCODED, 3, 3))
