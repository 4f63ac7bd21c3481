"""What is measured of each person: names, units, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass

from synthgen.metrics.bodies import PCK_3D_MM

NEAR_BOX, NEAR_TORSO, NEAR_HEAD = 0.1, 0.2, 0.5  # of the box's longer side, the torso, the head
NEAR_CROP = 0.1  # of the crop that SPIN's evaluation makes: 22.4 px of its 224
HIDDEN = 0.5  # visibility below which the picture hides a joint


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: as files have it.
        title: as tables have it.
        unit: "mm", "mm/frame²" or "%"; what is written in percent is kept as a part in [0, 1].
        needs: label without which it cannot be computed, in words.
        words: what it is, in a sentence.
        is_error: less is better.
    """

    name: str
    title: str
    unit: str
    needs: str
    words: str
    is_error: bool = True

    def shown(self, value: float) -> str:
        """Write a value; a dash where there is none."""
        if value != value:
            return "–"
        return f"{100 * value:.1f}" if self.unit == "%" else f"{value:.1f}"


_3D, _SMPL, _HIDDEN = "3D joints", "an SMPL body", "3D joints and hidden joints of known place"
_2D = "2D joints"
_TABLE = (
    Figure("mpjpe", "MPJPE", "mm", _3D, "Mean distance of joints, roots laid onto each other."),
    Figure("pa_mpjpe", "PA-MPJPE", "mm", _3D, "The same after the best turn, size and place (Procrustes)."),
    Figure("mpvpe", "MPVPE", "mm", _SMPL, "Mean distance of vertices, pelves laid onto each other."),
    Figure(
        "occ_mpjpe", "OCC-MPJPE", "mm", _HIDDEN,
        f"MPJPE of the COCO-17 joints among them that the picture hides (visibility under {HIDDEN:g}).",
    ),
    Figure(
        "occ_pa_mpjpe", "OCC-PA-MPJPE", "mm", _HIDDEN,
        "PA-MPJPE of these hidden joints, after the whole body was aligned.",
    ),
    Figure("pck_3d", "3D-PCK", "%", _3D, f"Joints within {PCK_3D_MM:g} mm, roots together.", False),
    Figure("auc_3d", "3D-AUC", "%", _3D, f"Mean 3D-PCK over thresholds from 0 to {PCK_3D_MM:g} mm.", False),
    Figure(
        "pck_box", f"PCK@{NEAR_BOX:g} box", "%", _2D,
        f"COCO-17 joints within {NEAR_BOX:g} of the box's longer side, in the picture.", False,
    ),
    Figure(
        "pck_torso", f"PCK@{NEAR_TORSO:g} torso", "%", "2D joints with left shoulder and right hip",
        f"COCO-17 joints within {NEAR_TORSO:g} of the way from left shoulder to right hip.", False,
    ),
    Figure(
        "pck_head", f"PCKh@{NEAR_HEAD:g}", "%", "an SMPL body, a camera and 2D joints",
        f"COCO-17 joints within {NEAR_HEAD:g} of the way from neck to top of the head.", False,
    ),
    Figure(
        "pck_crop", f"PCK@{NEAR_CROP:g} crop", "%", "2D joints with a torso",
        f"COCO-17 joints within {NEAR_CROP:g} of the side of SPIN's crop: three torsos, or 1.2 times the box "
        "around the joints, whichever is longer.", False,
    ),
    Figure(
        "oks", "OKS", "%", _2D, "Object keypoint similarity; the area is that of the box.", False,
    ),
    Figure(
        "acceleration", "Acceleration", "mm/frame²", "three frames of a clip with one person in it",
        "Difference of the joints' accelerations, root at rest.",
    ),
)  # fmt: skip
FIGURES: Mapping[str, Figure] = {figure.name: figure for figure in _TABLE}
MAIN = ("mpjpe", "pa_mpjpe", "mpvpe")  # of the tables by pose family
