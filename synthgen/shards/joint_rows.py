"""Joints in records: rows of coordinates and confidence, null where nobody knows; a data set's own joints."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.observation import MeasuredJoints
from synthgen.sample import Float
from synthgen.shards.records import numbers, read_array

MAX_JOINTS = 256


def write_rows(points: Float, confidence: Float) -> list[list[float] | None]:
    """Return rows of coordinates and confidence, null where the confidence is 0."""
    rows = numbers(np.column_stack([points, confidence]))
    return [row if row[-1] > 0 else None for row in rows]


def joints_record(joints: MeasuredJoints) -> dict[str, Any]:
    """Return a data set's own joints as they stand in a record."""
    has_2d, points = bool(joints.confidence_2d.any()), joints.keypoints_3d
    return {
        "names": list(joints.names),
        "keypoints_2d": write_rows(joints.keypoints_2d, joints.confidence_2d) if has_2d else None,
        "keypoints_3d": None if points is None else write_rows(points, joints.confidence_3d),
    }


def read_joints(record: Mapping[str, Any]) -> MeasuredJoints:
    """Return a data set's own joints.

    Raises:
        ValueError, TypeError, KeyError: the record is not one of schema 1.
    """
    names = record["names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"joints.names must be a list of names, got {str(names)[:60]}")
    if len(names) > MAX_JOINTS:
        raise ValueError(f"joints.names must be at most {MAX_JOINTS}, got {len(names)}")
    keypoints_2d, confidence_2d = read_rows(record, "keypoints_2d", (len(names), 2))
    keypoints_3d, confidence_3d = read_rows(record, "keypoints_3d", (len(names), 3))
    has_3d = record["keypoints_3d"] is not None
    return MeasuredJoints(
        tuple(names), keypoints_2d, confidence_2d, keypoints_3d if has_3d else None, confidence_3d
    )


def read_rows(
    record: Mapping[str, Any], name: str, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points and confidences of rows; where a row is null, both are 0.

    Args:
        record: of a person, or of its own joints.
        name: of the rows in it.
        shape: how many rows, and coordinates in each.
    """
    count, axes = shape
    table = np.zeros((count, axes + 1), np.float32)
    rows = record[name]
    if rows is not None:
        if not isinstance(rows, list) or len(rows) != count:
            raise ValueError(f"{name} must be null or {count} rows, got {str(rows)[:60]}")
        given = [place for place, row in enumerate(rows) if row is not None]
        values = read_array([rows[place] for place in given]) if given else table[:0]
        if values.shape != (len(given), axes + 1):
            raise ValueError(f"{name} must be rows of {axes} coordinates and a confidence, or null")
        table[given] = values
    return table[:, :axes], table[:, axes]
