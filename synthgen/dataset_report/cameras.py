"""Where cameras stand and how they see, as labels tell: field of view, distance, direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.dataset_report.poses import frame_of, joint, of_camera
from synthgen.observation import Notes

NEAREST = 0.1  # [m] in front of the camera that somebody must be to have a distance

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Cameras:
    """Of the pictures and people whose labels tell.

    Attributes:
        focal_length: (pictures,) vertical [heights of the picture].
        fov: (pictures,) vertical field of view [deg].
        distance: (people,) camera to the middle of the hips [m].
        elevation: (people,) of the camera over the person's own horizon [deg]: 90 looks onto the head.
        azimuth: (people,) of the camera around the person's own vertical [deg], 0 in front, 90 to their left.
    """

    focal_length: Array
    fov: Array
    distance: Array
    elevation: Array
    azimuth: Array


def view_of(joints: Array) -> tuple[float, float, float] | None:
    """Return distance [m], elevation, azimuth [deg] of the camera of JOINTS in its frame, or None."""
    axes = frame_of(joints)
    hips = (joints[joint("left_hip")] + joints[joint("right_hip")]) / 2
    distance = float(np.linalg.norm(hips))
    if axes is None or hips[2] < NEAREST:
        return None
    left, up, front = axes @ (-hips / distance)
    elevation = float(np.degrees(np.arcsin(np.clip(up, -1, 1))))
    return distance, elevation, float(np.degrees(np.arctan2(left, front)))


def read_cameras(pictures: Sequence[Notes]) -> Cameras:
    """Return what the labels of pictures tell of their cameras."""
    cameras = [notes.camera for notes in pictures if notes.camera is not None]
    focal = np.array([one.cam_int[1, 1] / one.image_size[0] for one in cameras], np.float64)
    people = [joints for notes in pictures for one in notes.people if (joints := of_camera(one)) is not None]
    views = [view for joints in people if (view := view_of(joints)) is not None]
    table = np.array(views, np.float64).reshape(-1, 3)
    return Cameras(
        focal_length=focal,
        fov=np.degrees(2 * np.arctan2(0.5, focal)),
        distance=table[:, 0],
        elevation=table[:, 1],
        azimuth=table[:, 2],
    )
