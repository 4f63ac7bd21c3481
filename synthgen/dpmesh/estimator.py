"""Role `mesh`: DPMesh, from boxes in pictures to SMPL bodies, with 2D joints of a keypoint model of its own.

The crop's camera is the picture's camera, cut: no weak camera in between, bodies are in its frame at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen import backends
from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.pipelines import place, torch_dtype
from synthgen.backends.protocols import Image, Keypoints, MeshEstimate, Precision
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
from synthgen.sample import Camera, Float, Person

if TYPE_CHECKING:
    from synthgen.dpmesh.batch import Bodies, Crops

RANGES = {"padding": Range(0, 10, is_open=True), "batch_size": Range(1)}
LEAST_PX = 1.0  # side of the smallest box
SOURCE = (
    "The published checkpoints come with DPMesh (github.com/EternalEvan/DPMesh, MIT licence), files "
    "*_best_ckpt.pth.tar; their bodies need an SMPL file to be drawn (smpl.is.tue.mpg.de, registration, "
    "non-commercial)"
)


@dataclass
class DPMeshEstimator:
    """DPMesh of this project or as published.

    Attributes:
        id: folder that train_dpmesh or adapt wrote, hub id, published checkpoint (.pth.tar), or
            embedded/dpmesh, the small model that comes with the package.
        revision: branch, tag or commit of a hub id; empty for the newest.
        body: body model of its parameters: smpl for the published weights, open for those of the package.
        smpl_file: SMPL's file, for a model with the body smpl that this project trained.
        padding: side of the crop over the greater side of the box, as in training.
        keypoints: node of the keypoint model that finds its 2D joints.
        batch_size: crops computed at once; the last batch is filled up.
    """

    id: str = "embedded/dpmesh"
    revision: str = ""
    body: str = "open"
    smpl_file: str = ""
    padding: float = 1.2
    keypoints: dict[str, Any] = field(default_factory=lambda: {backends.NAME: "vitpose"})
    batch_size: int = 8

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._model: Any = None
        self._detector: Any = None
        self._rest_pelvis: Any = None
        self._autocast: Mapping[str, Any] = {}

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self) + range_problems(self, RANGES)
        if self.body not in ("open", "smpl"):
            found.append(f"body must be open or smpl, got {self.body!r}")
        return found + backends.problems(backends.MODELS["keypoints"], self.keypoints, "keypoints")

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the networks; see `synthgen.backends.protocols`.

        In bfloat16 a diffusion backbone's weights are rounded, too; float16 is autocast over float32 weights.
        """
        import torch

        from synthgen.dpmesh.model import DPMesh

        path = find_model(self.id, self.revision, fetch_files, SOURCE)
        model = DPMesh.from_folder(path) if path.is_dir() else DPMesh.from_checkpoint(path)
        self._rest_pelvis = self._pelvis_of(model)
        self._detector = backends.build(backends.MODELS["keypoints"], self.keypoints, "keypoints")
        self._detector.setup(device, dtype)
        half = torch_dtype(dtype)
        kept = half if dtype == "bfloat16" else torch.float32
        self._model = place(model, device).compact(kept)
        self._autocast = {
            "device_type": device.partition(":")[0], "dtype": half if dtype != "float32" else None,
            "enabled": dtype != "float32",
        }  # fmt: skip
        self.version = f"{version_of(path)}+{self._detector.version}"

    def __call__(
        self, images: Sequence[Image], boxes: Sequence[Float], cam_ints: Sequence[Float]
    ) -> list[MeshEstimate]:
        """Detect joints and estimate bodies; see `MeshEstimator`."""
        detector = ready(self._detector, self)
        return self.with_keypoints(images, boxes, cam_ints, detector(images, boxes))

    def with_keypoints(
        self,
        images: Sequence[Image],
        boxes: Sequence[Float],
        cam_ints: Sequence[Float],
        keypoints: Sequence[Keypoints],
        noise_seed: Sequence[int] | None = None,
    ) -> list[MeshEstimate]:
        """Estimate bodies whose 2D joints somebody gives.

        Args:
            images: B pictures.
            boxes: for each picture (N, 4) xyxy [px]; N may be 0.
            cam_ints: for each picture (3, 3) intrinsics [px].
            keypoints: of the people in the boxes, in the same order.
            noise_seed: numbers that errors follow from, as detectors make them, which the joints get first;
                None for no errors.
        """
        model = ready(self._model, self)
        check_images(images)
        check_boxes(images, boxes)
        check_lengths(images=images, cam_ints=cam_ints, keypoints=keypoints)
        crops = self._crops(images, boxes, cam_ints, keypoints)
        people: list[Person] = []
        tokens: list[Any] = []
        count = sum(map(len, boxes))
        for group, (members, new) in enumerate(fixed_groups(count, self.batch_size)):
            seed = None if noise_seed is None else np.random.SeedSequence([*noise_seed, group])
            bodies = self._estimate(_taken(crops, members), seed)
            people += self._people(bodies, new)
            tokens += list(bodies.features[:new].flatten(2).mT.float().cpu().numpy())
        none = np.zeros((0, model.backbone.side**2, model.config.feature_channels), np.float32)
        return [
            MeshEstimate(tuple(own), np.stack(rows) if rows else none)
            for own, rows in zip(split_like(people, boxes), split_like(tokens, boxes), strict=True)
        ]

    def _crops(
        self,
        images: Sequence[Image],
        boxes: Sequence[Float],
        cam_ints: Sequence[Float],
        keypoints: Sequence[Keypoints],
    ) -> "list[Crops]":
        """Return the crops of each picture that has boxes."""
        from synthgen.dpmesh.cutting import Frame, crops_of

        frame = Frame(self._model.config.crop_size, self.padding)
        return [
            crops_of(
                image, _grown(bbox), found.keypoints_2d, found.confidence,
                Camera(np.asarray(cam_int, np.float64), image.shape[:2]), frame,
            )
            for image, bbox, cam_int, found in zip(images, boxes, cam_ints, keypoints, strict=True)
            if len(bbox)
        ]  # fmt: skip

    def _estimate(self, batch: "Crops", seed: np.random.SeedSequence | None) -> "Bodies":
        import torch

        from synthgen.dpmesh.keypoint_noise import NoiseOptions, corrupt

        device = next(self._model.parameters()).device
        if seed is not None:
            generator = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
            batch = corrupt(batch, NoiseOptions(), generator)
        with torch.inference_mode(), torch.autocast(**self._autocast):
            return self._forward(batch.to(device))

    def _forward(self, crops: "Crops") -> "Bodies":
        """Run the model so that a person's last bits do not depend on the place in the batch, on the CPU.

        The backbone is the same everywhere in a batch; products of the regressor's few tokens are rounded
        otherwise at other places, so that there each person goes through it alone.
        """
        import torch

        from synthgen.dpmesh.batch import Bodies, Crops

        model = self._model
        features = model.backbone(crops.images, crops.keypoints_2d, crops.confidence)
        parts = torch.split(features, 1 if features.device.type == "cpu" else len(features))
        columns = (torch.split(value, len(parts[0])) for value in vars(crops).values())
        people = [Crops(*values) for values in zip(*columns, strict=True)]
        found = [
            model.bodies(model.regressed(part, one), part, one.cam_int)
            for part, one in zip(parts, people, strict=True)
        ]
        return Bodies(
            *(torch.cat(values) for values in zip(*(vars(one).values() for one in found), strict=True))
        )

    def _people(self, bodies: "Bodies", count: int) -> list[Person]:
        from synthgen.geometry import rotmat_to_rotvec

        pose = rotmat_to_rotvec(bodies.rotmat[:count].double().cpu().numpy())
        betas = bodies.betas[:count].double().cpu().numpy()
        pelvis = bodies.transl[:count].double().cpu().numpy()
        transl = pelvis - self._rest_pelvis(betas)
        return [
            Person(global_orient=turns[0], body_pose=turns[1:], betas=shape, transl=where)
            for turns, shape, where in zip(pose, betas, transl, strict=True)
        ]

    def _pelvis_of(self, model: Any) -> Any:
        """Return what gives the pelvis (B, 3) [m] in the rest pose of shapes betas (B, 10)."""
        from synthgen.body import load_body

        if self.body == "open" or self.smpl_file:
            body = load_body("open" if self.body == "open" else self.smpl_file)
            if body.name != self.body:
                raise ValueError(f"smpl_file: {self.smpl_file} holds the body {body.name}, expected smpl")
            return body.rest_pelvis
        pelvis, dirs = (value.double().numpy() for value in (model.pelvis, model.pelvis_dirs))
        if not pelvis.any():
            raise ValueError(f"{self.id} gives bodies of smpl: smpl_file must say where SMPL's file is")
        return lambda betas: pelvis + betas @ dirs.T


def _taken(crops: "list[Crops]", members: list[int]) -> "Crops":
    """Return some people, counted over all pictures, as one batch."""
    import torch

    from synthgen.dpmesh.batch import Crops

    places = [(number, row) for number, one in enumerate(crops) for row in range(len(one))]
    chosen = [places[member] for member in members]
    columns = [list(vars(one).values()) for one in crops]
    return Crops(*(torch.stack([columns[n][part][row] for n, row in chosen]) for part in range(4)))


def _grown(boxes: Float) -> Float:
    """Return boxes (N, 4) whose longer side is at least a pixel."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = np.where(half.max(-1, keepdims=True) < LEAST_PX / 2, LEAST_PX / 2, half)
    return np.concatenate([middle - half, middle + half], -1)
