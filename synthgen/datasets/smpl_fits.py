"""SMPL parameters of data sets in the camera's frame of the whole picture.

SMPL turns about the pelvis of its rest pose, so moving a body into another frame needs that pelvis: from the
joints that a data set gives, or from the SMPL file of the right gender, which only the user can have.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from synthgen.body_file import SMPL_FILES, read_body_file, smpl_file_in
from synthgen.datasets.entry import LayoutError, Origin
from synthgen.geometry import Array, intrinsics, rotmat_to_rotvec, transform_root
from synthgen.observation import Gender
from synthgen.sample import NUM_BETAS, Person

MALE: Gender = "male"
FEMALE: Gender = "female"
SMPL_ORIGIN = Origin("SMPL", "https://smpl.is.tue.mpg.de", "non-commercial research; register, then download")
_HALF_CROP = 112.0  # EFT's cameras are for crops of 224 px, in half sides
_UNIT = 200.0  # [px] of EFT's bbox_scale
GENDERS: dict[str, Gender] = {"m": "male", "male": "male", "f": "female", "female": "female",
                              "n": "neutral", "neutral": "neutral"}  # fmt: skip


def gender_of(text: str) -> Gender:
    """Return the gender that a data set's word stands for.

    Raises:
        ValueError: it is none.
    """
    if text.lower() not in GENDERS:
        raise ValueError(f"gender must be one of {', '.join(GENDERS)}, got {text!r:.40}")
    return GENDERS[text.lower()]


def gendered_files(folder: Path) -> dict[Gender, Path]:
    """Return the male and female SMPL files of a folder, those that are there."""
    found: dict[Gender, Path] = {}
    for gender in (MALE, FEMALE):
        path = smpl_file_in(folder, gender)
        if path is not None:
            found[gender] = path
    return found


class RestPelvis:
    """Where the pelvis of SMPL's rest pose is, from official files.

    Args:
        folder: that holds them; "" for none.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).expanduser() if folder else None
        if self._folder is not None and not self._folder.is_dir():
            raise LayoutError(f"{folder}: no such folder; expected SMPL files. {SMPL_ORIGIN}")

    def __call__(self, gender: Gender, betas: Array) -> Array | None:
        """Return the pelvis (3,) [m] of a shape (10,), or None where no folder was given.

        Raises:
            LayoutError: the folder lacks the file of this gender.
        """
        if self._folder is None:
            return None
        pelvis, directions = _pelvis_of(self._folder, gender)
        return pelvis + directions @ betas


@lru_cache(maxsize=8)
def _pelvis_of(folder: Path, gender: Gender) -> tuple[Array, Array]:
    path = smpl_file_in(folder, gender)
    if path is None:
        raise LayoutError(f"{folder}: holds none of {', '.join(SMPL_FILES[gender])}. {SMPL_ORIGIN}")
    try:
        arrays = read_body_file(path)
    except ValueError as error:
        raise LayoutError(f"{path}: {error}. {SMPL_ORIGIN}") from error
    row = arrays.J_regressor[0].astype(np.float64)
    return row @ arrays.v_template.astype(np.float64), np.einsum("v,vab->ab", row, arrays.shapedirs)


def person_of(pose: Array, betas: Array, transl: Array) -> Person:
    """Return a person of pose (72,) [rad], betas (10 or more,) and translation (3,) [m]."""
    pose = pose.reshape(-1, 3).astype(np.float32)
    return Person(pose[0], pose[1:], betas[:NUM_BETAS].astype(np.float32), transl.astype(np.float32))


def moved(person: Person, extrinsics: Array, pelvis: Array) -> Person:
    """Return a person of the world in the frame of a camera.

    Args:
        person: in the world.
        extrinsics: (3, 4) world to camera [m].
        pelvis: (3,) of its shape in the rest pose [m].
    """
    orient, transl = transform_root(
        extrinsics[:, :3],
        extrinsics[:, 3],
        person.global_orient.astype(np.float64),
        person.transl.astype(np.float64),
        pelvis,
    )
    return Person(orient.astype(np.float32), person.body_pose, person.betas, transl.astype(np.float32))


def assumed_camera(image_size: tuple[int, int]) -> Array:
    """Return the intrinsics (3, 3) [px] of fits without a true camera: focal length the diagonal."""
    return intrinsics(float(np.hypot(*image_size)), image_size)


def from_eft(fit: Mapping[str, Array], image_size: tuple[int, int]) -> Person:
    """Return an EFT fit, whose camera is weak-perspective in a crop, before the assumed camera.

    Args:
        fit: parm_pose (24, 3, 3), parm_shape (10,), parm_cam (3,) scale and shift, bbox_scale (1,),
            bbox_center (2,).
        image_size: (H, W) [px].
    """
    side = _UNIT * fit["bbox_scale"][0] / 2 / _HALF_CROP  # [px] of the picture in one of the crop
    scale, shift = fit["parm_cam"][0] * _HALF_CROP * side, fit["parm_cam"][1:] * _HALF_CROP * side
    if not scale > 0:
        raise ValueError(f"parm_cam has scale {fit['parm_cam'][0]}, expected a positive one")
    pose = rotmat_to_rotvec(fit["parm_pose"]).ravel()
    return _placed(pose, fit["parm_shape"], fit["bbox_center"] + shift, scale, image_size)


def from_own_camera(fit: Mapping[str, Array], image_size: tuple[int, int]) -> Person:
    """Return a NeuralAnnot fit, which has a made-up camera of its own, before the assumed camera.

    Args:
        fit: pose (72,), shape (10,), trans (3,) [m], focal (2,) [px], princpt (2,) [px].
        image_size: (H, W) [px].
    """
    trans = fit["trans"]
    if not trans[2] > 0 or not (fit["focal"] > 0).all():
        raise ValueError(f"trans {trans} or focal {fit['focal']} put the body behind the camera")
    pixel = fit["focal"] * trans[:2] / trans[2] + fit["princpt"]
    return _placed(fit["pose"], fit["shape"], pixel, fit["focal"].mean() / trans[2], image_size)


def _placed(pose: Array, betas: Array, pixel: Array, scale: float, image_size: tuple[int, int]) -> Person:
    """Return a body whose origin is seen at a pixel and a metre of which is `scale` pixels long."""
    cam_int = assumed_camera(image_size)
    depth = cam_int[0, 0] / scale
    offset = (pixel - cam_int[:2, 2]) * depth / cam_int[0, 0]
    return person_of(pose, betas, np.array([*offset, depth]))
