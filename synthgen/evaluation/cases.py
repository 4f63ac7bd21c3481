"""The worst cases as pictures: what was there, what is true, what each estimator found, and from the side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.body import Body, Float32
from synthgen.evaluation.cameras import camera_of, cut, square_around
from synthgen.evaluation.columns import Block
from synthgen.evaluation.figures import FIGURES
from synthgen.geometry import intrinsics, rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Observation, ObservedPerson, body_name
from synthgen.render import Renderer, overlay
from synthgen.report.cards import JOINT_RADIUS, data_uri
from synthgen.report.charts import tag
from synthgen.report.contact_sheet import COCO_BONES, bone_side, side
from synthgen.report.panels import readable
from synthgen.sample import Camera, Float, Person

SIDE_PX = 256  # of the view from the side
SIDE_DISTANCE_M = 8.0
SIDE_REACH_M = 2.3  # what the view from the side shows, up and down
PAPER = 245  # grey behind it
TOLD = ("pa_mpjpe", "mpjpe", "pck_box")  # figures under a body
LEAST_PX = 192  # pictures smaller than this are enlarged before bodies are drawn over them


@dataclass(frozen=True)
class View:
    """A picture of a case.

    Attributes:
        caption: what it is, in a word or two.
        words: what it shows, for those who do not see it.
        figures: what was measured, in words; "" for none.
        image: (H, W, 3) uint8.
        skeleton: SVG that lies over it.
    """

    caption: str
    words: str
    figures: str
    image: NDArray[np.uint8]
    skeleton: Markup = Markup("")

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        return data_uri(self.image)


@dataclass(frozen=True)
class Case:
    """One person on which an estimator is worst.

    Attributes:
        key: of the picture.
        pose: family and action in words.
        why: among the worst of which estimator, by which figure.
        pairs: views that belong together: picture and truth; each estimator's body, over the picture and,
            where there is a true mesh, from the side.
    """

    key: str
    pose: str
    why: str
    pairs: tuple[tuple[View, ...], ...]


@dataclass(frozen=True)
class Artist:
    """Draws cases.

    Attributes:
        bodies: body models by name.
        renderer: to draw meshes with.
        body_of: name of the body model of each estimator, by its name.
    """

    bodies: Mapping[str, Body]
    renderer: Renderer
    body_of: Mapping[str, str]

    def draw(self, block: Block, row: int, why: str, observation: Observation) -> Case:
        """Return the case of person `row` of the block, whose picture this is."""
        subject = block.scores.subjects[row]
        person = observation.people[subject.number]
        window = Window.around(observation, person.bbox)
        true = self._true_mesh(observation, person)
        picture = View("Picture", "The picture", "", window.image)
        pairs: list[tuple[View, ...]] = [(picture, self._truth(true, person, window))]
        for column in block.columns:
            name, scores = column.estimator.name, column.scores
            found = _mesh(self.bodies[self.body_of[name]], scores.people[row])
            drawn = self._over(window, found)
            views = [View(name, f"Estimated by {name}", _figures(scores.figures, row), drawn)]
            if true is not None:
                words = f"True body and the one of {name}, seen from the side, pelves together"
                views.append(View("From the side", words, "", self._from_side(true, found)))
            pairs.append(tuple(views))
        pose = readable(f"{subject.family}, {subject.action}")
        return Case(subject.key, pose, why, tuple(pairs))

    def _truth(self, true: "Mesh | None", person: ObservedPerson, window: "Window") -> View:
        bones = _skeleton(person, window)
        if true is None:
            return View("Labels", "Labelled joints; there is no mesh", "", window.image, bones)
        return View("True", "The true body and its joints", "", self._over(window, true), bones)

    def _true_mesh(self, observation: Observation, person: ObservedPerson) -> "Mesh | None":
        name = body_name(observation.body, person)
        if person.person is None or name not in self.bodies:
            return None
        return _mesh(self.bodies[name], person.person)

    def _over(self, window: "Window", mesh: "Mesh") -> NDArray[np.uint8]:
        return overlay(window.image, [(mesh.vertices, mesh.faces)], window.camera, self.renderer)

    def _from_side(self, true: "Mesh", found: "Mesh") -> NDArray[np.uint8]:
        """Draw both bodies as seen from the left of the picture, pelves together."""
        turn = rotvec_to_rotmat(np.array([0, np.pi / 2, 0]))
        place = np.array([0, 0, SIDE_DISTANCE_M])
        meshes = [
            (((one.vertices - one.pelvis) @ turn.T + place).astype(np.float32), one.faces)
            for one in (true, found)
        ]
        focal_length = SIDE_PX * SIDE_DISTANCE_M / SIDE_REACH_M
        camera = Camera(intrinsics(focal_length, (SIDE_PX, SIDE_PX)), (SIDE_PX, SIDE_PX))
        blank = np.full((SIDE_PX, SIDE_PX, 3), PAPER, np.uint8)
        return overlay(blank, meshes, camera, self.renderer, alpha=0.9)


@dataclass(frozen=True)
class Mesh:
    """A posed body.

    Attributes:
        vertices: (V, 3) float32 [m], camera frame.
        faces: (F, 3).
        pelvis: (3,) [m].
    """

    vertices: Float32
    faces: NDArray[np.int32]
    pelvis: Float32


@dataclass(frozen=True)
class Window:
    """The part of a picture around a person, enlarged where it is small.

    Attributes:
        image: (H, W, 3) uint8.
        camera: of the window.
        corner: (2,) its top left in the picture [px].
        zoom: pixels of the window in one of the picture.
    """

    image: NDArray[np.uint8]
    camera: Camera
    corner: Float
    zoom: int

    @classmethod
    def around(cls, observation: Observation, bbox: Float) -> "Window":
        """Cut the square around a box out of a picture."""
        from PIL import Image

        square = square_around(bbox, observation.image.shape[:2])
        camera = cut(camera_of(observation), square)
        image = observation.image[square[1] : square[3], square[0] : square[2]]
        zoom = max(-(-LEAST_PX // max(image.shape[:2])), 1)
        height, width = (side * zoom for side in image.shape[:2])
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
        cam_int = camera.cam_int.copy()
        cam_int[:2] *= zoom
        cam_int[:2, 2] += (zoom - 1) / 2
        return cls(np.asarray(resized), Camera(cam_int, (height, width)), np.array(square[:2], float), zoom)

    def place(self, points: Float) -> Float:
        """Return points (..., 2) [px of the picture] in the window, origin at its top left corner."""
        return (points - self.corner + 0.5) * self.zoom


def worst_cases(block: Block, observations: Iterable[Observation], artist: Artist, count: int) -> list[Case]:
    """Draw the worst people of each estimator, each person once; reads the pictures once more.

    Args:
        block: who was measured.
        observations: the same pictures in the same order.
        artist: draws.
        count: of each estimator.
    """
    why: dict[int, list[str]] = {}
    for column in block.columns:
        for place, row in enumerate(column.scores.worst(count), start=1):
            why.setdefault(row, []).append(f"{_ordinal(place)} of {column.estimator.name}")
    figure = FIGURES[block.scores.ranked_by()].title
    drawn: dict[int, Case] = {}
    first = 0
    for observation in observations:
        for row in range(first, first + len(observation.people)):
            if row in why:
                reason = f"{', '.join(why[row])} by {figure}"
                drawn[row] = artist.draw(block, row, reason, observation)
        first += len(observation.people)
        if len(drawn) == len(why):
            break
    return [drawn[row] for row in why if row in drawn]


def _ordinal(place: int) -> str:
    if place == 1:
        return "worst"
    ending = "th" if 10 < place % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending} worst"


def _figures(figures: Mapping[str, Float], row: int) -> str:
    return "; ".join(
        f"{FIGURES[name].title} {FIGURES[name].shown(figures[name][row])}\u00a0{FIGURES[name].unit}"
        for name in TOLD
        if not np.isnan(figures[name][row])
    )


def _mesh(body: Body, person: Person) -> Mesh:
    posed = body.pose([person])
    return Mesh(posed.vertices[0], body.faces, posed.points[0, SMPL24.index("pelvis")])


def _skeleton(person: ObservedPerson, window: Window) -> Markup:
    """Draw the labelled COCO-17 joints of a person as an SVG over a window."""
    height, width = window.image.shape[:2]
    known, radius = person.confidence_2d > 0, JOINT_RADIUS * max(height, width)
    points = np.clip(window.place(person.keypoints_2d), -4 * max(height, width), 5 * max(height, width))
    parts: list[Markup] = []
    for kind in ("halo", ""):
        for one, other in COCO_BONES:
            if known[one] and known[other]:
                ends = {"x1": float(points[one, 0]), "y1": float(points[one, 1])}
                ends |= {"x2": float(points[other, 0]), "y2": float(points[other, 1])}
                parts.append(tag("line", {**ends, "class": kind or bone_side(one, other)}))
    for joint in range(len(COCO17)):
        if known[joint]:
            where = {"cx": float(points[joint, 0]), "cy": float(points[joint, 1]), "r": radius}
            parts.append(tag("circle", {**where, "class": side(joint)}))
    view = f"0 0 {width} {height}"
    return tag("svg", {"class": "skeleton", "viewBox": view, "aria-hidden": "true"}, *parts)
