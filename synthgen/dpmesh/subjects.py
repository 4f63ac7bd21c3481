"""Subjects: people of pictures with what is known of them, joints in the order of DPMESH30.

Everything that random changes do not touch is worked out here, once for each picture read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from synthgen.body import OPEN, OPEN_FILE, SMPL
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints
from synthgen.dpmesh.joint_maps import condition_from_coco, labels_from_coco
from synthgen.geometry import Array, intrinsics, project, rotvec_to_rotmat
from synthgen.joints import COCO17, DPMESH30, SMPL24
from synthgen.observation import Notes, ObservedPerson, body_name
from synthgen.sample import NUM_BETAS
from synthgen.shards.observation_records import StoredPicture

Detections = Mapping[str, Array]  # by key: (P, 17, 3) COCO-17 x, y [px], confidence, people as in the record
NEAREST = 0.1  # [m] in front of the camera that a joint must be to have a place in the picture
NOBODY = "no people in the picture"
UNLABELLED = "no label of the person"
SMALL = "box too small"
_PELVIS = DPMESH30.index("pelvis")
_COCO_ROWS = list(COCO17.indices_in(DPMESH30))
_SMPL_ROWS = list(SMPL24.indices_in(DPMESH30))


@dataclass(frozen=True)
class Subject:
    """A person of a picture: labels in pixels of the picture and in its camera's frame, 0 where unknown.

    Attributes:
        picture: in which the person is.
        where: tar and key, for messages.
        bbox: (4,) xyxy [px].
        keypoints_2d: (30, 2) [px].
        confidence_2d: (30,).
        keypoints_3d: (30, 3) [m], relative to the pelvis.
        confidence_3d: (30,).
        condition_2d: (30, 2) [px], what a detector would say.
        condition_confidence: (30,).
        rotvec: (24, 3) axis-angle [rad], the root's first.
        betas: (10,).
        has_smpl: whether `rotvec` and `betas` are known.
        cam_int: (3, 3) [px]; where nobody knows it, its focal length is the picture's diagonal.
        has_camera: whether `cam_int` is true.
    """

    picture: StoredPicture
    where: str
    bbox: Array
    keypoints_2d: Array
    confidence_2d: Array
    keypoints_3d: Array
    confidence_3d: Array
    condition_2d: Array
    condition_confidence: Array
    rotvec: Array
    betas: Array
    has_smpl: bool
    cam_int: Array
    has_camera: bool


def guessed_camera(image_size: tuple[int, int]) -> Array:
    """Return intrinsics (3, 3) [px] for a picture (H, W) whose true ones nobody knows."""
    return intrinsics(float(np.hypot(*image_size)), image_size)


class SubjectMaker:
    """Turns stored pictures into subjects, and counts by reason who cannot be learnt from.

    Args:
        body: "open", or the path of the SMPL file that the model learns; SMPL labels of other bodies are not
            used.
        min_side: of a person's box, the greater of width and height [px]; smaller ones are skipped.
        is_detected: whether conditions hold only what detectors find, or all joints that are known.
    """

    def __init__(self, body: str, min_side: float, is_detected: bool) -> None:
        arrays = read_body_file(OPEN_FILE if body == OPEN else Path(body).expanduser())
        self._body = OPEN if arrays.is_open else SMPL
        self._points = BodyPoints(arrays)
        self._min_side, self._is_detected = min_side, is_detected

    def __call__(
        self, pictures: Sequence[StoredPicture], tar: str, detections: Detections | None = None
    ) -> tuple[list[Subject], Counter[str]]:
        """Turn pictures of one tar into subjects.

        Args:
            pictures: of the tar.
            tar: for messages.
            detections: what a detector found in each picture, the conditions; None makes them of the labels.

        Returns:
            The subjects, in order, and how many people were skipped, by reason.
        """
        skipped: Counter[str] = Counter()
        pairs: list[tuple[StoredPicture, ObservedPerson]] = []
        detected: list[Array | None] = []
        for picture in pictures:
            found_in = None if detections is None else _of_picture(detections, picture.notes, tar)
            for place, person in enumerate(picture.notes.people):
                reason = self._reason(person)
                if reason:
                    skipped[reason] += 1
                else:
                    pairs.append((picture, person))
                    detected.append(None if found_in is None else found_in[place])
        joints = self._joints(
            [person if body_name(one.notes.body, person) == self._body else None for one, person in pairs]
        )
        found = []
        for (picture, person), own, seen in zip(pairs, joints, detected, strict=True):
            subject = self._subject(picture, person, own, tar)
            if seen is not None:
                condition, confidence = condition_from_coco(seen[:, :2], seen[:, 2])
                subject = replace(subject, condition_2d=condition, condition_confidence=confidence)
            if subject.has_smpl or subject.confidence_2d.any() or subject.confidence_3d.any():
                found.append(subject)
            else:
                skipped[UNLABELLED] += 1
        return found, skipped

    def _reason(self, person: ObservedPerson) -> str:
        if (person.bbox[2:] - person.bbox[:2]).max() < self._min_side:
            return SMALL
        is_known = person.person is not None or person.keypoints_3d is not None
        return "" if is_known or person.confidence_2d.any() else UNLABELLED

    def _joints(self, people: Sequence[ObservedPerson | None]) -> list[Array | None]:
        """Return joints (30, 3) [m, camera frame] of those whose SMPL parameters are given."""
        found: list[Array | None] = [None] * len(people)
        places, smpl = [], []
        for place, one in enumerate(people):
            if one is not None and one.person is not None:
                places.append(place)
                smpl.append(one.person)
        if not smpl:
            return found
        rotvec = np.stack([np.vstack([one.global_orient, one.body_pose]) for one in smpl])
        rotmat = torch.from_numpy(rotvec_to_rotmat(rotvec).astype(np.float32))
        betas = torch.from_numpy(np.stack([one.betas for one in smpl]).astype(np.float32))
        with torch.inference_mode():
            points = self._points(rotmat, betas).numpy().astype(np.float64)
        joints = DPMESH30.point_weights() @ points + np.stack([one.transl for one in smpl])[:, None]
        for place, own in zip(places, joints, strict=True):
            found[place] = own
        return found

    def _subject(
        self, picture: StoredPicture, person: ObservedPerson, joints: Array | None, tar: str
    ) -> Subject:
        notes, smpl = picture.notes, person.person if joints is not None else None
        camera = notes.camera
        cam_int = guessed_camera(notes.image_size) if camera is None else camera.cam_int
        points_2d, confidence_2d = labels_from_coco(person.keypoints_2d, person.confidence_2d)
        coco = (person.keypoints_2d, person.confidence_2d)
        if joints is not None and camera is not None and (joints[:, 2] > NEAREST).all():
            points_2d, confidence_2d = project(joints, cam_int), np.ones(len(DPMESH30))
            missing = person.confidence_2d == 0
            coco = (np.where(missing[:, None], points_2d[_COCO_ROWS], coco[0]), np.where(missing, 1, coco[1]))
        points_3d, confidence_3d = _relative(person, joints)
        condition = condition_from_coco(*coco) if self._is_detected else (points_2d, confidence_2d)
        return Subject(
            picture=picture,
            where=f"{tar}: key {notes.key}",
            bbox=person.bbox,
            keypoints_2d=points_2d,
            confidence_2d=confidence_2d,
            keypoints_3d=points_3d,
            confidence_3d=confidence_3d,
            condition_2d=condition[0],
            condition_confidence=condition[1],
            rotvec=np.zeros((24, 3)) if smpl is None else np.vstack([smpl.global_orient, smpl.body_pose]),
            betas=np.zeros(NUM_BETAS) if smpl is None else smpl.betas,
            has_smpl=smpl is not None,
            cam_int=cam_int,
            has_camera=camera is not None,
        )


def _of_picture(detections: Detections, notes: Notes, tar: str) -> Array:
    """Return what was detected in a picture, (P, 17, 3)."""
    found, shape = detections.get(notes.key), (len(notes.people), len(COCO17), 3)
    where = f"{tar}: key {notes.key}"
    if found is None:
        raise ValueError(f"{where}: the file of detections has no such key")
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{where}: detections must be {shape} finite numbers, got {found.shape}")
    return found


def _relative(person: ObservedPerson, joints: Array | None) -> tuple[Array, Array]:
    """Return joints (30, 3) relative to the pelvis, and confidences; without a pelvis, none are known."""
    if joints is not None:
        return joints - joints[_PELVIS], np.ones(len(DPMESH30))
    points, confidence = np.zeros((len(DPMESH30), 3)), np.zeros(len(DPMESH30))
    if person.keypoints_3d is not None:
        points[_SMPL_ROWS], confidence[_SMPL_ROWS] = person.keypoints_3d, person.confidence_3d
    if confidence[_PELVIS] == 0:
        return np.zeros_like(points), np.zeros_like(confidence)
    return (points - points[_PELVIS]) * (confidence[:, None] > 0), confidence
