"""People to be fitted: estimates, cameras and 2D joints of a batch; as types that travel and as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.joints import COCO17, FEET6
from synthgen.sample import Camera, Float, Person
from synthgen.scorehmr.cameras import Cameras, Extrinsics
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.guidance import MIN_DEPTH_M, Keypoints, MultiView, Smoothness, Term
from synthgen.scorehmr.placement import FreePlacement, Placement, SharedPlacement, least_squares_transl
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.silhouette import ROUGH, Detail, Silhouette
from synthgen.scorehmr.state import Start

_SIDE_PX = 1000.0  # longer side that pictures are counted as


@dataclass(frozen=True)
class Cases:
    """N people with what was observed of them; each in the frame of a camera of its own.

    Attributes:
        people: estimates to start from.
        cameras: of each.
        keypoints_2d: (N, 17, 2) COCO-17 [px].
        confidence: (N, 17) in [0, 1].
        features: (N, C) as the denoiser was trained with, not standardised; None where there are none.
        moments: name of the moment that each shows; people of one moment are one body in several views.
            Empty: all different.
        clips: name of the clip that each is a frame of; empty: no clips.
        frames: number of each frame within its clip; empty with `clips` empty.
        extrinsics: (N, 3, 4) world to camera [m], or None where nobody calibrated the views.
        masks: (H, W) bool segment of each person, or None for who has none; empty: none at all.
        feet: (N, 6, 3) toes and heels (`joints.FEET6`): x, y [px], confidence in [0, 1]; None where nobody
            looked for any.
    """

    people: tuple[Person, ...]
    cameras: tuple[Camera, ...]
    keypoints_2d: Float
    confidence: Float
    features: NDArray[np.float32] | None = None
    moments: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()
    extrinsics: Float | None = None
    masks: tuple[NDArray[np.bool_] | None, ...] = ()
    feet: Float | None = None

    def __post_init__(self) -> None:
        count = len(self.people)
        if not count:
            raise ValueError("Cases must hold at least one person")
        joints = (count, len(COCO17))
        if self.keypoints_2d.shape != (*joints, 2) or self.confidence.shape != joints:
            raise ValueError(
                f"Cases: keypoints_2d must be {(*joints, 2)} and confidence {joints}, got "
                f"{self.keypoints_2d.shape}, {self.confidence.shape}"
            )
        lengths = {
            "cameras": self.cameras,
            "moments": self.moments,
            "clips": self.clips,
            "frames": self.frames,
        }
        for name, value in lengths.items():
            if len(value) not in ({count} if name == "cameras" else {0, count}):
                raise ValueError(f"Cases: {count} people but {len(value)} {name}")
        if self.extrinsics is not None and self.extrinsics.shape != (count, 3, 4):
            raise ValueError(f"Cases: extrinsics must be {(count, 3, 4)}, got {self.extrinsics.shape}")
        if self.feet is not None and self.feet.shape != (count, len(FEET6), 3):
            raise ValueError(f"Cases: feet must be {(count, len(FEET6), 3)}, got {self.feet.shape}")

    def __len__(self) -> int:
        return len(self.people)

    def take(self, rows: Sequence[int]) -> "Cases":
        """Return some of the people, in this order."""
        chosen = list(rows)
        return Cases(
            people=tuple(self.people[row] for row in chosen),
            cameras=tuple(self.cameras[row] for row in chosen),
            keypoints_2d=self.keypoints_2d[chosen],
            confidence=self.confidence[chosen],
            features=None if self.features is None else self.features[chosen],
            moments=tuple(self.moments[row] for row in chosen) if self.moments else (),
            clips=tuple(self.clips[row] for row in chosen) if self.clips else (),
            frames=tuple(self.frames[row] for row in chosen) if self.frames else (),
            extrinsics=None if self.extrinsics is None else self.extrinsics[chosen],
            masks=tuple(self.masks[row] for row in chosen) if self.masks else (),
            feet=None if self.feet is None else self.feet[chosen],
        )

    def repeated(self, starts: Sequence[Sequence[Person]]) -> "Cases":
        """Return the same observations once for each of several starts; groups stay apart."""
        times = len(starts)
        many = self.take([row for _ in range(times) for row in range(len(self))])
        return replace(
            many,
            people=tuple(person for people in starts for person in people),
            moments=tuple(f"{copy}|{name}" for copy in range(times) for name in self.moments),
            clips=tuple(f"{copy}|{name}" for copy in range(times) for name in self.clips),
        )

    def with_people(self, people: Sequence[Person]) -> "Cases":
        """Return the same observations with other estimates."""
        return replace(self, people=tuple(people))


@dataclass(frozen=True)
class Weights:
    """How much each term counts; see `synthgen.scorehmr.guidance`, whose defaults are published.

    Attributes:
        keypoints: of the reprojection error.
        sigma: errors [px, of a picture 1000 px wide] well above it stop to count.
        multiview: of the views' agreement.
        smoothness: of neighbouring frames' likeness; published: 30.
        transl_smoothness: of the squared difference of translations [1/m²].
        silhouette: of the distances between body and segment, where segments are given.
    """

    keypoints: float = 0.003
    sigma: float = 100.0
    multiview: float = 450.0
    smoothness: float = 300.0
    transl_smoothness: float = 0.0
    silhouette: float = 0.7

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least 0, got {value}" for name, value in vars(self).items() if not value >= 0
        ]
        return found if self.sigma > 0 else [*found, f"sigma must be above 0, got {self.sigma}"]


@dataclass(frozen=True)
class Posed:
    """Cases as tensors on a device.

    Attributes:
        start: the estimates.
        terms: what was observed.
    """

    start: Start
    terms: tuple[Term, ...] = field(default=())


def pose_cases(
    cases: Cases, points: SparsePoints, weights: Weights, dtype: torch.dtype, detail: Detail = ROUGH
) -> Posed:
    """Turn cases into a start and guidance terms.

    Each body starts where its estimate stands, or where the joints put it, whichever shows less error.

    Args:
        cases: whom to fit.
        points: COCO-17 of the body that the estimates belong to, then its feet, then any others; says the
            device, too.
        weights: of the terms.
        dtype: of the tensors.
        detail: how closely segments are followed, by as many points of the skin.
    """
    device = points.joints.device

    def tensor(values: object) -> Tensor:
        return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)

    rotvec = np.stack([np.concatenate([p.global_orient[None], p.body_pose]) for p in cases.people])
    rotmat, betas = tensor(rotvec_to_rotmat(rotvec)), tensor([person.betas for person in cases.people])
    sizes = np.array([camera.image_size for camera in cases.cameras], np.float64)
    scale = _SIDE_PX / sizes.max(1)  # errors mean the same in pictures of all sizes
    cam_ints = np.array([camera.cam_int for camera in cases.cameras], np.float64)
    cam_ints[:, :2] *= scale[:, None, None]
    cameras = Cameras.of_intrinsics(tensor(cam_ints), tensor(sizes * scale[:, None]))
    joints_2d, sure = _joints(cases, len(points.names))
    keypoints = Keypoints(
        keypoints_2d=tensor(joints_2d * scale[:, None, None]),
        confidence=tensor(sure),
        names=points.names,
        cameras=cameras,
        weight=weights.keypoints,
        sigma=weights.sigma,
    )
    transl = _placed(keypoints, points(rotmat, betas), tensor([p.transl for p in cases.people]))
    terms: list[Term] = [keypoints]
    if cases.masks:
        terms.append(Silhouette.of_masks(cases.masks, cameras, weights.silhouette, detail))
    placement: Placement = FreePlacement()
    if cases.moments and len(set(cases.moments)) < len(cases):
        groups = Groups.of(cases.moments, device)
        betas = groups.shared(betas)  # one body, one shape: no term moves it where the denoiser knows none
        extrinsics = None
        if cases.extrinsics is not None:
            known = tensor(cases.extrinsics)
            extrinsics = Extrinsics(known[:, :, :3], known[:, :, 3])
            placement = SharedPlacement(groups, extrinsics)
        terms.append(MultiView(groups, extrinsics, weights.multiview))
    if cases.clips and len(set(cases.clips)) < len(cases):
        clips = Groups.of(cases.clips, device)
        numbers = torch.tensor(cases.frames, device=device)
        terms.append(Smoothness(clips, numbers, weights.smoothness, weights.transl_smoothness))
    return Posed(Start(rotmat, betas, transl, points, placement), tuple(terms))


def _joints(cases: Cases, count: int) -> tuple[Float, Float]:
    """Return found points (N, count, 2) [px] and their confidence (N, count), 0 where nothing was found."""
    feet = np.zeros((len(cases), len(FEET6), 3)) if cases.feet is None else cases.feet
    joints_2d = np.concatenate([cases.keypoints_2d, feet[..., :2]], 1)
    sure = np.concatenate([cases.confidence, feet[..., 2]], 1)
    beside = count - sure.shape[1]  # points that are no joints
    return np.pad(joints_2d, ((0, 0), (0, beside), (0, 0))), np.pad(sure, ((0, 0), (0, beside)))


def to_people(rotmat: Tensor, betas: Tensor, transl: Tensor) -> list[Person]:
    """Return bodies (N, 24, 3, 3), (N, 10), (N, 3) as people, float32."""
    rotvec = rotmat_to_rotvec(rotmat.detach().double().cpu().numpy()).astype(np.float32)
    shapes, places = (value.detach().cpu().numpy().astype(np.float32) for value in (betas, transl))
    return [Person(turn[0], turn[1:], *rest) for turn, *rest in zip(rotvec, shapes, places, strict=True)]


def _placed(keypoints: Keypoints, points: Tensor, transl: Tensor) -> Tensor:
    """Return the better of given translations (N, 3) [m] and those of least squares."""
    fitted = least_squares_transl(points, keypoints.keypoints_2d, keypoints.confidence, keypoints.cameras)
    is_before = ((points + fitted[:, None])[..., 2] > MIN_DEPTH_M).all(1)
    fitted = torch.where(is_before[:, None], fitted, transl)
    ahead = ((points + transl[:, None])[..., 2] > MIN_DEPTH_M).all(1)
    better = keypoints.energy(points, fitted) < keypoints.energy(points, transl)
    return torch.where((better | ~ahead)[:, None], fitted, transl)
