"""EMDB: people in the wild with SMPL from electromagnetic sensors, seen by a moving phone.

`P#/<sequence>/P#_<sequence>_data.pkl` and `images/NNNNN.jpg`. SMPL is gendered. 2D joints are SMPL's,
projected. The pelvis of the rest pose, needed to bring a body into the camera's frame, follows from these
projections: in a few frames' cameras there is one place that it can be in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array_of, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.sequences import Recent
from synthgen.datasets.smpl_fits import RestPelvis, gender_of, moved, person_of
from synthgen.datasets.views import View
from synthgen.geometry import Array
from synthgen.joints import SMPL24
from synthgen.observation import Gender, Notes

ORIGIN = Origin("EMDB", "https://eth-ait.github.io/emdb", "non-commercial research; fill in the form there")
SPLITS = ("emdb1", "emdb2", SPLIT_ALL)
LAYOUT = "EMDB's pickle: name, gender, emdb1, emdb2, n_frames, good_frames_mask, camera, smpl, kp2d, bboxes"
LEAST_FRAMES = 8  # that a pelvis is worked out from
MISFIT_PX = 2.0  # how far its projections may lie from the given ones


@dataclass(frozen=True)
class Sequence:
    """A clip.

    Attributes:
        name: of it.
        cam_int: (3, 3) [px].
        extrinsics: (T, 3, 4) world to camera [m].
        poses: (T, 72) axis-angle [rad], world.
        betas: (10,).
        trans: (T, 3) [m], world.
        joints: (T, 24, 2) [px].
        boxes: (T, 4) xyxy [px]; NaN where invalid.
        is_good: (T,).
        gender: of the body.
        pelvis: (3,) of the rest pose [m], or None where it could not be found out.
    """

    name: str
    cam_int: Array
    extrinsics: Array
    poses: Array
    betas: Array
    trans: Array
    joints: Array
    boxes: Array
    is_good: Array
    gender: Gender
    pelvis: Array | None


class EMDB:
    """Reader of EMDB 1 (17 clips that pose is evaluated on), EMDB 2, or all clips."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._pelvis = RestPelvis(choice.smpl)
        self._paths: list[Path] = []
        counts = []
        paths = sorted(choice.root.glob("P*/*/*_data.pkl"))
        if not paths:
            raise self._files.odd(choice.root / "P0", "no P*/*/*_data.pkl there", "EMDB's folders P0 to P9")
        for path in paths:
            content = self._files.pickled(path, LAYOUT)
            with self._files.reading(path, LAYOUT):
                if self._split == SPLIT_ALL or bool(array_of(content[self._split])):
                    self._paths.append(path)
                    counts.append(len(field(content, "kp2d", (None, len(SMPL24), 2))))
        self._clips = Clips(counts, choice.every)
        self._sequence = Recent(self._read)

    def __len__(self) -> int:
        return len(self._clips)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        number, frame = self._clips.locate(index)
        folder = self._paths[number].parent
        name = f"emdb-{folder.parent.name}-{folder.name}-{frame:05d}"
        return Entry(make_key(name, index), folder / "images" / f"{frame:05d}.jpg")

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        number, frame = self._clips.locate(index)
        sequence = self._sequence(number)
        if not sequence.is_good[frame]:
            raise UnusableError("marked as not good by the data set")
        view = View(sequence.cam_int, sequence.extrinsics[frame])
        person = None
        if sequence.pelvis is not None:
            own = person_of(sequence.poses[frame], sequence.betas, sequence.trans[frame])
            person = moved(own, view.extrinsics, sequence.pelvis)
        known = Known(bbox=sequence.boxes[frame], person=person, gender=sequence.gender)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=(observe(Joints(SMPL24, sequence.joints[frame]), image_size, known),),
            body="smpl",
            source=f"emdb/{self._split}",
            sequence=sequence.name,
            frame=frame,
            extrinsics=view.extrinsics,
        )

    def _read(self, number: int) -> Sequence:
        path = self._paths[number]
        content = self._files.pickled(path, LAYOUT)
        with self._files.reading(path, LAYOUT):
            return self._parse(content)

    def _parse(self, content: dict[str, Any]) -> Sequence:
        joints = field(content, "kp2d", (None, len(SMPL24), 2))
        count, smpl, camera = len(joints), content["smpl"], content["camera"]
        root, body = field(smpl, "poses_root", (count, 3)), field(smpl, "poses_body", (count, 69))
        boxes = field(content["bboxes"], "bboxes", (count, 4)).copy()
        invalid = field(content["bboxes"], "invalid_idxs", (None,)).astype(np.int64)
        boxes[invalid] = np.nan
        cam_int, trans = field(camera, "intrinsics", (3, 3)), field(smpl, "trans", (count, 3))
        extrinsics = field(camera, "extrinsics", (count, 4, 4))[:, :3]
        betas, gender = field(smpl, "betas", (None,))[:10], gender_of(str(content["gender"]))
        is_good = field(content, "good_frames_mask", (count,))
        pelvis = self._pelvis(gender, betas)
        if pelvis is None:
            seen = joints[:, SMPL24.index("pelvis")]
            pelvis = rest_pelvis(seen, trans, extrinsics, cam_int, is_good > 0)
        return Sequence(
            name=str(content["name"]),
            cam_int=cam_int,
            extrinsics=extrinsics,
            poses=np.hstack([root, body]),
            betas=betas,
            trans=trans,
            joints=joints,
            boxes=boxes,
            is_good=is_good,
            gender=gender,
            pelvis=pelvis,
        )


def rest_pelvis(
    seen: Array, trans: Array, extrinsics: Array, cam_int: Array, is_good: NDArray[np.bool_]
) -> Array | None:
    """Return where the pelvis of the rest pose must be, (3,) [m], to be seen where it is; least squares.

    The pelvis of frame t is at R_t (p + trans_t) + t_t in the camera's frame, and its picture is known, which
    is two linear equations for p.

    Args:
        seen: (T, 2) [px].
        trans: (T, 3) [m], world.
        extrinsics: (T, 3, 4) world to camera [m].
        cam_int: (3, 3) [px].
        is_good: (T,) which frames count.

    Returns:
        None where the frames do not tell, or contradict each other.
    """
    is_finite = [np.isfinite(one).reshape(len(seen), -1).all(1) for one in (seen, trans, extrinsics)]
    known = is_good & np.all(is_finite, axis=0)
    if known.sum() < LEAST_FRAMES:
        return None
    camera = cam_int @ extrinsics[known]
    start = np.concatenate([trans[known], np.ones((int(known.sum()), 1))], 1)
    at_start = np.einsum("tij,tj->ti", camera, start)
    pixels = seen[known][:, :, None]
    system = camera[:, :2, :3] - pixels * camera[:, 2:, :3]
    right = pixels[..., 0] * at_start[:, 2:] - at_start[:, :2]
    depth = np.abs(at_start[:, 2])[:, None]  # so that errors are pixels, not pixels times metres
    solution, _, rank, _ = np.linalg.lstsq(
        (system / depth[..., None]).reshape(-1, 3), (right / depth).ravel(), rcond=1e-6
    )
    found = at_start + np.einsum("tij,j->ti", camera[:, :, :3], solution)
    apart = np.linalg.norm(found[:, :2] / found[:, 2:] - pixels[..., 0], axis=1)
    is_sure = rank == 3 and np.median(apart) < MISFIT_PX and np.linalg.norm(solution) < 1
    return solution if is_sure else None
