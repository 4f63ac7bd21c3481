"""Part `prior`: fresh poses of the library, decoded again; and how they stand out from random ones."""

import numpy as np

from synthgen.embedded.exam import exam as streams
from synthgen.embedded.exam.exam import Answer, Exam
from synthgen.embedded.exam.scores import by_family
from synthgen.embedded.prior import area_under_curve
from synthgen.scenes.poses import FAMILIES, SPORTS, draw_pose

_WIDEST = np.pi / 2  # greatest angle about each axis of a random pose [rad]
_POSES = 4  # of each family, for each picture that the other parts see of it


def examine(exam: Exam) -> Answer:
    """Measure reconstruction, and both ways to tell a pose from joints drawn uniformly.

    Families count alike.
    """
    rng = exam.rng(streams.POSES)
    families = [family for family in FAMILIES for _ in range(_POSES * exam.settings.pictures)]
    poses = np.stack([draw_pose(family, rng).body_pose for family in families])
    random = rng.uniform(-_WIDEST, _WIDEST, poses.shape)
    known, unknown = exam.models.prior(poses), exam.models.prior(random)
    degrees, norms = np.rad2deg(known.errors), known.squared_norm
    figures = by_family("degrees", degrees.tolist(), families) | by_family("norm", norms.tolist(), families)
    sports = [figures[f"norm/{family}"] for family in SPORTS]
    return Answer(
        f"{len(poses)} poses",
        {
            "degrees": float(degrees.mean()),
            "auc_norm": area_under_curve(norms, unknown.squared_norm),
            "auc_error": area_under_curve(known.errors, unknown.errors),
            "sports_over_everyday": float(np.mean(sports)) / figures["norm/everyday"],
            "norm_random": float(unknown.squared_norm.mean()),
            **figures,
        },
    )
