"""Who is in a picture: pose, shape, clothes and what is held, standing in the world of the scene.

The subject stands at the origin and faces +z; others stand beside or behind without touching.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synthgen.body import Body
from synthgen.geometry import Array, rotmat_to_rotvec, rotvec_to_rotmat, transform_root
from synthgen.sample import NUM_BETAS, Person
from synthgen.scenes import poses
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.cameras import View
from synthgen.scenes.figure import Figure, joint_rotations
from synthgen.scenes.held import HELD
from synthgen.scenes.meshes import Mesh, turn
from synthgen.scenes.poses import USUAL, DrawnPose, Variety
from synthgen.scenes.posing import Posing
from synthgen.scenes.tailors import TAILORS, Tailors
from synthgen.scenes.wardrobe import draw_outfit

_WORN = ("skis", "snowboard")  # lift the body off the ground by their own thickness
_POSE_TRIES = 6


@dataclass(frozen=True)
class Player:
    """A person in the world with what moves along.

    Attributes:
        figure: posed and dressed.
        held: worn and held things, placed.
    """

    figure: Figure
    held: tuple[Mesh, ...]

    def moved(self, shift: Array) -> "Player":
        """Return the player shifted by (3,) [m]."""
        held = tuple(mesh.moved(np.eye(3), shift) for mesh in self.held)
        return Player(self.figure.moved(shift), held)

    @property
    def outline(self) -> Array:
        """(N, 3) vertices of the body and of what it carries [m]."""
        return np.concatenate([self.figure.cloth, *(mesh.vertices for mesh in self.held)])


@dataclass(frozen=True)
class Casting:
    """Draws players for one body.

    Attributes:
        body: poses people.
        body_map: dresses them.
        body_shape: standard deviation of the betas.
        tailors: who make the clothes.
    """

    body: Body
    body_map: BodyMap
    body_shape: float
    tailors: Tailors = field(default_factory=lambda: TAILORS)

    def player(
        self, pose: DrawnPose, family: str, luminance: float, heading: float, rng: np.random.Generator
    ) -> Posing[Player]:
        """Pose and dress somebody at the origin.

        Args:
            pose: what to do.
            family: whose clothes to wear.
            luminance: of what is behind; see `wardrobe.draw_outfit`.
            heading: about y [rad]; 0 faces +z.
            rng: of this person.
        """
        outfit = draw_outfit(self.body_map, family, luminance, rng, self.tailors)
        orient = rotmat_to_rotvec(turn(heading) @ rotvec_to_rotmat(pose.global_orient))
        betas = np.clip(rng.normal(0, self.body_shape, NUM_BETAS), -2.5, 2.5)
        person = Person(orient, pose.body_pose, betas, np.zeros(3))
        posed = yield [person]
        figure = Figure(
            self.body_map, pose, outfit, person, posed.vertices[0], posed.points[0], joint_rotations(person)
        )
        low, high = figure.cloth.min(0), figure.cloth.max(0)
        figure = figure.moved(
            np.array([-(low[0] + high[0]) / 2, pose.lift - low[1], -(low[2] + high[2]) / 2])
        )
        held = HELD[pose.apparatus](figure, rng) if pose.apparatus in HELD else []
        player = Player(figure, tuple(held))
        if pose.apparatus in _WORN and pose.support == "ground":
            return player.moved(np.array([0.0, -_lowest(player), 0.0]))
        return player

    def into_view(self, figures: Sequence[Figure], view: View) -> Posing[list[Figure]]:
        """Move figures into the camera's frame, posed anew from just the float32 parameters that are kept."""
        people = [self._seen_from(view, figure.person) for figure in figures]
        posed = yield people
        return [
            replace(
                figure, person=person, skin=skin, points=points, rotations=view.rotation @ figure.rotations
            )
            for figure, person, skin, points in zip(
                figures, people, posed.vertices, posed.points, strict=True
            )
        ]

    def _seen_from(self, view: View, person: Person) -> Person:
        orient, transl = transform_root(
            view.rotation,
            view.shift,
            person.global_orient,
            person.transl,
            self.body.rest_pelvis(person.betas),
        )
        parts = (orient, person.body_pose, person.betas, transl)
        return Person(*(np.asarray(part, np.float32) for part in parts))


def _lowest(player: Player) -> float:
    return (
        float(player.figure.cloth[:, 1].min())
        if not player.held
        else float(
            min(player.figure.cloth[:, 1].min(), *(mesh.vertices[:, 1].min() for mesh in player.held[:2]))
        )
    )


def draw_other_pose(family: str, rng: np.random.Generator, variety: Variety = USUAL) -> DrawnPose:
    """Draw what somebody else does beside the subject: feet on the ground, without apparatus."""
    if family in ("ski", "athletics", "yoga", "everyday"):
        for _ in range(_POSE_TRIES):
            pose = poses.draw_pose(family, rng, variety)
            if pose.support == "ground" and pose.apparatus in ("", "mat", "skis", "phone", "ball"):
                return pose
    return poses.draw_action("everyday", str(rng.choice(["stand", "walk"])), rng, variety)


def place_beside(
    other: Player, there: Sequence[Player], behind: float, rng: np.random.Generator
) -> Player | None:
    """Move somebody to a free place near the others; None if none is found.

    Args:
        other: to place.
        there: who is there already; the first is the subject.
        behind: least distance behind the origin (z < -behind) [m]; 0 for anywhere.
        rng: of the sample.
    """
    own = _circle(other)
    for _ in range(8):
        away, gap = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 1.2)
        reach = own[1] + _circle(there[0])[1] + gap
        place = _circle(there[0])[0] + reach * np.array([np.sin(away), np.cos(away)])
        if behind:
            place = np.array([rng.choice([-1, 1]) * rng.uniform(1.7, 3.5), -behind - rng.uniform(0, 2.5)])
        shift = place - own[0]
        moved = other.moved(np.array([shift[0], 0.0, shift[1]]))
        if all(_apart(moved, player) for player in there):
            return moved
    return None


def _circle(player: Player) -> tuple[Array, float]:
    """Return middle (2,) and radius of the ground that a player covers [m]."""
    level = player.outline[:, [0, 2]]
    middle = (level.min(0) + level.max(0)) / 2
    return middle, float(np.quantile(np.linalg.norm(level - middle, axis=1), 0.995))


def _apart(first: Player, second: Player) -> bool:
    (a, radius_a), (b, radius_b) = _circle(first), _circle(second)
    return float(np.linalg.norm(a - b)) > radius_a + radius_b
