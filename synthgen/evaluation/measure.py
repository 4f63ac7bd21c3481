"""Estimated bodies against labels: every figure of every person of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from synthgen.backends.protocols import MeshEstimate
from synthgen.body import Body, Posed
from synthgen.evaluation.cameras import camera_of
from synthgen.evaluation.figures import HIDDEN, NEAR_BOX, NEAR_CROP, NEAR_HEAD, NEAR_TORSO
from synthgen.evaluation.truth import Truth, truth_of
from synthgen.geometry import project
from synthgen.joints import COCO17, H36M17, POINT_NAMES, SMPL24
from synthgen.metrics import bodies as in_space
from synthgen.metrics import crop_side, longer_side, oks, pck, segment_length
from synthgen.metrics.pictures import HEAD
from synthgen.metrics.protocols import PROTOCOLS, Protocol
from synthgen.observation import Observation, same_mesh
from synthgen.sample import Float

FAR_PX = 1e9  # where a joint behind the camera is put: never near anything
NEAREST_M = 1e-3


@dataclass(frozen=True)
class Judge:
    """Measures.

    Attributes:
        bodies: body models by name.
        protocol: which joints count.
        h36m_regressor: (17, V) matrix that blends Human3.6M's joints from vertices of a body with as many,
            as papers do; None, and for other bodies, the joints of the same names of `joints.H36M17`.
    """

    bodies: Mapping[str, Body]
    protocol: Protocol = PROTOCOLS["3dpw"]
    h36m_regressor: Float | None = field(default=None, repr=False)

    def joints(self, body: Body, posed: Posed) -> Float:
        """Return the joints that count (N, J, 3) [m], root at the origin."""
        whole: Float = body.joints(posed.points, self.protocol.joint_set)
        matrix = self.h36m_regressor
        if matrix is not None and matrix.shape[1] == len(body.rest_vertices) and self._is_h36m:
            whole = matrix @ posed.vertices
        return self.protocol.centred(whole)

    @property
    def _is_h36m(self) -> bool:
        return self.protocol.joint_set is H36M17

    def measure(
        self, observations: Sequence[Observation], estimates: Sequence[MeshEstimate], body: str
    ) -> "Measured":
        """Compare estimates of all people of some pictures with their labels.

        Args:
            observations: pictures and labels.
            estimates: as many people for each picture, in the same order.
            body: name of the estimates' body model.

        Raises:
            ValueError: an estimate has another number of people than its picture has labels.
        """
        for one, estimate in zip(observations, estimates, strict=True):
            if len(one.people) != len(estimate.people):
                raise ValueError(
                    f"picture {one.key} has {len(one.people)} labelled people, the estimator found "
                    f"{len(estimate.people)} in their boxes"
                )
        posed = self.bodies[body].pose([person for one in estimates for person in one.people])
        truth = truth_of(observations, self.bodies)
        found = self.joints(self.bodies[body], posed)
        true, joint_known, root_known = self._true_joints(truth, observations)
        known = (joint_known > 0).astype(float)
        rooted = np.where((root_known > 0)[:, None], known, 0.0)
        hidden = self._hidden(observations)
        errors = in_space.joint_errors(found, true)
        aligned = in_space.aligned_errors(found, true, known)
        figures = {
            "mpjpe": in_space.mean_error(errors, rooted),
            "pa_mpjpe": in_space.mean_error(aligned, known),
            "mpvpe": self._mesh_errors(posed, truth, body),
            "occ_mpjpe": in_space.mean_error(errors, rooted * hidden),
            "occ_pa_mpjpe": in_space.mean_error(aligned, known * hidden),
            "pck_3d": in_space.pck_3d(errors, rooted),
            "auc_3d": in_space.pck_3d_auc(errors, rooted),
            **self._in_pictures(observations, posed, truth, self.bodies[body]),
        }
        return Measured(figures, np.where(rooted > 0, errors, np.nan), found, true, rooted > 0)

    def _true_joints(self, truth: Truth, observations: Sequence[Observation]) -> tuple[Float, Float, Float]:
        """Return true joints (N, J, 3) [m], root at the origin, and how surely joints and root are known.

        They are blended from the true mesh or from its points; where there is no mesh, joints that the data
        set itself has, by name, are taken as they are.
        """
        protocol, joint_set = self.protocol, self.protocol.joint_set
        whole, sure = joint_set.point_weights() @ truth.points, protocol.confidence(truth.confidence)
        people = [person for one in observations for person in one.people]
        for row, (person, vertices) in enumerate(zip(people, truth.vertices, strict=True)):
            own = person.joints
            if vertices is not None or own is None or own.keypoints_3d is None:
                continue
            for name, place, confidence in zip(own.names, own.keypoints_3d, own.confidence_3d, strict=True):
                if name in joint_set.names and confidence > 0:
                    whole[row, joint_set.index(name)] = place
                    sure[row, joint_set.index(name)] = confidence
        joints = protocol.centred(whole)
        for row, (name, vertices) in enumerate(zip(truth.body, truth.vertices, strict=True)):
            if vertices is not None and self.h36m_regressor is not None:
                posed = Posed(vertices[None].astype(np.float32), truth.points[None, row].astype(np.float32))
                joints[row] = self.joints(self.bodies[name], posed)[0]
        return joints, *protocol.chosen(sure)

    def _hidden(self, observations: Sequence[Observation]) -> Float:
        """Return 1 for each joint of the protocol that is known to be hidden: (N, J)."""
        people = [person for one in observations for person in one.people]
        hidden = np.zeros((len(people), len(self.protocol.joints)))
        for row, person in enumerate(people):
            if person.visibility is None:
                continue
            for place, joint in enumerate(self.protocol.joints):
                if joint in COCO17.names:
                    hidden[row, place] = person.visibility[COCO17.index(joint)] < HIDDEN
        return hidden

    @staticmethod
    def _mesh_errors(posed: Posed, truth: Truth, body: str) -> Float:
        errors = np.full(len(truth.vertices), np.nan)
        for row, (name, vertices) in enumerate(zip(truth.body, truth.vertices, strict=True)):
            if vertices is not None and same_mesh(name, body):
                pelvis = SMPL24.index("pelvis")
                roots = posed.points[row, pelvis], truth.points[row, pelvis]
                errors[row] = in_space.mpvpe(posed.vertices[row], roots[0], vertices, roots[1])
        return errors

    @staticmethod
    def _in_pictures(
        observations: Sequence[Observation], posed: Posed, truth: Truth, body: Body
    ) -> dict[str, Float]:
        people = [person for one in observations for person in one.people]
        cameras = np.stack([camera_of(one).cam_int for one in observations for _ in one.people])
        has_camera = np.array([one.camera is not None for one in observations for _ in one.people])
        found = seen(body.joints(posed.points, COCO17), cameras)
        true = np.stack([person.keypoints_2d for person in people])
        known = np.stack([person.confidence_2d > 0 for person in people]).astype(float)
        boxes = np.stack([person.bbox for person in people])
        ends = [COCO17.index("left_shoulder"), COCO17.index("right_hip")]
        torso = np.where(known[:, ends].all(-1), segment_length(true, COCO17), 0.0)
        head_ends = [POINT_NAMES.index(end) for end in HEAD]
        head = seen(truth.points[:, head_ends], cameras)
        has_head = (truth.confidence[:, head_ends] > 0).all(-1) & has_camera
        lengths = np.where(has_head, np.linalg.norm(head[:, 0] - head[:, 1], axis=-1), 0.0)
        return {
            "pck_box": pck(found, true, longer_side(boxes), NEAR_BOX, known),
            "pck_torso": pck(found, true, torso, NEAR_TORSO, known),
            "pck_crop": pck(found, true, crop_side(true, known, COCO17), NEAR_CROP, known),
            "pck_head": pck(found, true, lengths, NEAR_HEAD, known),
            "oks": oks(found, true, np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1), known),
        }


@dataclass(frozen=True)
class Measured:
    """Figures of N people.

    Attributes:
        figures: name -> (N,), NaN where labels do not allow it.
        joint_errors: (N, J) [mm] of the protocol's joints, roots together; NaN likewise.
        found: (N, J, 3) [m] estimated joints, root at the origin.
        true: (N, J, 3) [m] likewise; means nothing where not known.
        known: (N, J) bool.
    """

    figures: Mapping[str, Float]
    joint_errors: Float
    found: Float
    true: Float
    known: np.ndarray


def seen(points: Float, cameras: Float) -> Float:
    """Project points (N, J, 3) [m] by cameras (N, 3, 3); what lies behind the camera falls far from all."""
    in_front = points[..., 2:] > NEAREST_M
    safe = np.where(in_front, points, [0.0, 0.0, 1.0])
    return np.where(in_front, project(safe, cameras), FAR_PX)
