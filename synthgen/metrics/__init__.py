"""Errors of estimated bodies and joints. Lengths in space go in as metres and come out as millimetres.

`bodies` compares joints and meshes in space, `pictures` compares them in pixels, `protocols` says which
joints and which root each data set is evaluated with. Every function keeps the batch: one figure for each
body, to be averaged as the caller likes. A figure that cannot be computed (no joint known, nothing hidden) is
NaN.
"""

from synthgen.metrics.bodies import (
    MM_PER_M,
    acceleration_error,
    joint_errors,
    mean_error,
    mpjpe,
    mpvpe,
    pa_mpjpe,
    pck_3d,
    pck_3d_auc,
)
from synthgen.metrics.pictures import SIGMAS, crop_side, longer_side, oks, pck, segment_length
from synthgen.metrics.protocols import PROTOCOLS, Protocol

__all__ = [
    "MM_PER_M",
    "PROTOCOLS",
    "SIGMAS",
    "Protocol",
    "acceleration_error",
    "crop_side",
    "joint_errors",
    "longer_side",
    "mean_error",
    "mpjpe",
    "mpvpe",
    "oks",
    "pa_mpjpe",
    "pck",
    "pck_3d",
    "pck_3d_auc",
    "segment_length",
]
