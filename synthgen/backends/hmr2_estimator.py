"""Role `mesh`: HMR2, from boxes in pictures to SMPL bodies in the camera frame of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.pipelines import place, torch_dtype
from synthgen.backends.protocols import Image, MeshEstimate, Precision
from synthgen.backends.ranges import (
    Range,
    check_boxes,
    check_images,
    check_lengths,
    fixed_groups,
    id_problems,
    raise_problems,
    range_problems,
    ready,
    split_like,
)
from synthgen.sample import Float, Person

NEARLY_EVEN = 0.02  # part that the focal lengths of both axes may differ by
RANGES = {"box_scale": Range(0, 10, is_open=True), "batch_size": Range(1)}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, colours in [0, 1]
SOURCE = (
    "The published checkpoint comes with 4D-Humans (github.com/shubham-goel/4D-Humans, MIT licence): unpack "
    "hmr2_data.tar.gz, give logs/train/multiruns/hmr2/0/checkpoints/epoch=35-step=1000000.ckpt. Its bodies "
    "need an SMPL file (smpl.is.tue.mpg.de, registration, non-commercial)"
)


@dataclass
class HMR2Estimator:
    """HMR2.0 or a small model of the same class.

    Attributes:
        id: checkpoint of 4D-Humans (.ckpt), folder or hub id of a model of ours, or embedded/mesh.
        revision: branch, tag or commit of a hub id; empty for the newest.
        body: body model of its parameters: smpl for the published weights, open for those of the package.
        box_scale: boxes are enlarged by this before they are cut out; 4D-Humans takes 1.
        flip_test: average with what is found in the mirror image of a crop, in twice the time.
        batch_size: crops computed at once; the last batch is filled up.
    """

    id: str = "embedded/mesh"
    revision: str = ""
    body: str = "open"
    box_scale: float = 1.0
    flip_test: bool = False
    batch_size: int = 8

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._model: Any = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self) + range_problems(self, RANGES)
        if self.body not in ("open", "smpl"):
            found.append(f"body must be open or smpl, got {self.body!r}")
        return found

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the network; see `synthgen.backends.protocols`."""
        from synthgen.backends.hmr2 import HMR2

        path = find_model(self.id, self.revision, fetch_files, SOURCE)
        model = HMR2.from_folder(path) if path.is_dir() else HMR2.from_checkpoint(path)
        self._model = place(model.to(torch_dtype(dtype)), device)
        self.version = version_of(path)

    def __call__(
        self, images: Sequence[Image], boxes: Sequence[Float], cam_ints: Sequence[Float]
    ) -> list[MeshEstimate]:
        """Estimate bodies; see `MeshEstimator`."""
        import torch

        from synthgen.backends.mirrored_bodies import averaged

        model = ready(self._model, self)
        check_images(images)
        check_boxes(images, boxes)
        check_lengths(images=images, cam_ints=cam_ints)
        for cam_int in cam_ints:
            if not np.isclose(cam_int[0, 0], cam_int[1, 1], rtol=NEARLY_EVEN):
                raise ValueError(f"cam_int must have one focal length for both axes, got {cam_int}")
        cam_ints = [_evened(cam_int) for cam_int in cam_ints]
        height, width = model.config.backbone.image_size
        squares = [self._square(box, width / height) for found in boxes for box in found]
        owners = [number for number, found in enumerate(boxes) for _ in found]
        people: list[Person] = []
        tokens: list[Any] = []
        for members, count in fixed_groups(len(squares), self.batch_size):
            crops = torch.stack([self._crop(images[owners[i]], *squares[i], height) for i in members])
            weights = next(model.parameters())
            with torch.inference_mode():
                output = model(crops.to(weights))
                if self.flip_test:
                    output = averaged(output, model(crops.flip(3).to(weights)))
            new = members[:count]
            people += self._people(output, [squares[i] for i in new], [cam_ints[owners[i]] for i in new])
            tokens += list(output.tokens[:count].float().cpu().numpy())
        shape = model.backbone.pos_embed.shape
        none = np.zeros((0, shape[1] - 1, shape[2]), np.float32)
        return [
            MeshEstimate(tuple(own), np.stack(rows) if rows else none)
            for own, rows in zip(split_like(people, boxes), split_like(tokens, boxes), strict=True)
        ]

    def _square(self, bbox: Float, aspect: float) -> tuple[Float, float]:
        from synthgen.backends.person_crop import square_around

        center, size = square_around(np.asarray(bbox, np.float64), aspect)
        return center, max(size * self.box_scale, 1.0)

    @staticmethod
    def _crop(image: Image, center: Float, size: float, output_size: int) -> Any:
        import torch

        from synthgen.backends.person_crop import blurred_window, square_affine, warp

        window, origin = blurred_window(image, center, size, output_size)
        crop = warp(window, square_affine(center - origin, size, output_size), (output_size, output_size))
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        return (crop / 255 - mean) / std

    @staticmethod
    def _people(
        output: Any, squares: Sequence[tuple[Float, float]], cam_ints: Sequence[Float]
    ) -> list[Person]:
        import torch

        from synthgen.backends.crop_camera import picture_translation
        from synthgen.geometry import rotmat_to_rotvec

        count = len(squares)
        transl = picture_translation(
            output.pred_cam[:count].double().cpu(),
            torch.from_numpy(np.stack([center for center, _ in squares])),
            torch.tensor([size for _, size in squares], dtype=torch.float64),
            torch.from_numpy(np.stack(cam_ints).astype(np.float64)),
        ).numpy()
        orient = rotmat_to_rotvec(output.global_orient[:count].double().cpu().numpy())
        pose = rotmat_to_rotvec(output.body_pose[:count].double().cpu().numpy())
        betas = output.betas[:count].double().cpu().numpy()
        return [Person(*values) for values in zip(orient, pose, betas, transl, strict=True)]


def _evened(cam_int: Float) -> Float:
    """Return intrinsics (3, 3) with the mean of both focal lengths; those of real lenses differ a little."""
    if cam_int[0, 0] == cam_int[1, 1]:
        return cam_int
    evened = np.array(cam_int, np.float64)
    evened[0, 0] = evened[1, 1] = np.sqrt(evened[0, 0] * evened[1, 1])
    return evened
