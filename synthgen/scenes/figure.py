"""A dressed, posed person in the world of a scene: where the cloth is, how every joint is turned.

World frame: y up, metres, ground at y=0; the person's heading is part of `person.global_orient`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from synthgen.geometry import Array, rotvec_to_rotmat
from synthgen.joints import POINT_NAMES, ROOT, SMPL24
from synthgen.sample import Person
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.poses import DrawnPose
from synthgen.scenes.wardrobe import Outfit
from synthgen.surface import Surface


def joint_rotations(person: Person) -> Array:
    """Return the (24, 3, 3) rotations from rest to the frame of the parameters, one per SMPL joint."""
    local = rotvec_to_rotmat(np.concatenate([person.global_orient[None], person.body_pose]))
    turned = np.empty_like(local)
    for joint, parent in enumerate(SMPL24.parents):
        turned[joint] = local[joint] if parent == ROOT else turned[parent] @ local[joint]
    return turned


def dress(body: BodyMap, push: Array, vertices: Array, rotations: Array) -> Array:
    """Return posed vertices (V, 3) moved out to the cloth.

    Args:
        body: weights of the vertices.
        push: (V, 3) displacement in the rest frame [m].
        vertices: (V, 3) posed [m].
        rotations: (24, 3, 3) of the joints, same frame as vertices.
    """
    covered = np.flatnonzero(push.any(1))
    turned = (body.weights[covered] @ rotations.reshape(-1, 9)).reshape(-1, 3, 3)
    dressed = np.array(vertices, np.float64)
    dressed[covered] += (turned @ push[covered, :, None])[..., 0]
    return dressed


@dataclass(frozen=True)
class Figure:
    """One person of a scene.

    Attributes:
        body: features of the body model.
        pose: as drawn.
        outfit: as drawn.
        person: parameters in the frame of `skin` (world, later camera).
        skin: (V, 3) vertices without clothes [m].
        points: (len(POINT_NAMES), 3) [m].
        rotations: (24, 3, 3) of the joints.
    """

    body: BodyMap
    pose: DrawnPose
    outfit: Outfit
    person: Person
    skin: Array
    points: Array
    rotations: Array

    @cached_property
    def cloth(self) -> Array:
        """(V, 3) vertices with clothes [m]."""
        return dress(self.body, self.outfit.push, self.skin, self.rotations)

    def point(self, name: str) -> Array:
        """Return a joint or landmark (3,) [m] by its name in POINT_NAMES."""
        return self.points[POINT_NAMES.index(name)]

    def rotation(self, joint: str) -> Array:
        """Return the (3, 3) rotation of an SMPL joint from rest."""
        return self.rotations[SMPL24.index(joint)]

    def moved(self, shift: Array) -> "Figure":
        """Return the figure shifted by (3,) [m]."""
        figure = replace(
            self,
            person=replace(self.person, transl=self.person.transl + shift),
            skin=self.skin + shift,
            points=self.points + shift,
        )
        figure.__dict__["cloth"] = self.cloth + shift
        return figure

    def worn(self, mesh: Mesh, joint: str) -> Mesh:
        """Return a mesh of the rest frame as it moves with a joint."""
        rotation = self.rotation(joint)
        return mesh.moved(rotation, self.point(joint) - rotation @ self.body.points[joint])

    def surface(self, layer: int) -> Surface:
        """Return the dressed body in its present frame."""
        return Surface(
            vertices=self.cloth.astype(np.float32),
            faces=self.body.faces,
            materials=self.outfit.materials,
            face_material=self.outfit.face_material,
            coordinates=self.body.vertices.astype(np.float32),
            layer=layer,
        )
