"""Pictures of the report: as they are, with joints, and with bodies where labels and camera allow it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.joints import COCO17
from synthgen.observation import Notes, ObservedPerson, body_name
from synthgen.render import Renderer
from synthgen.render.views import overlay
from synthgen.report.cards import JOINT_RADIUS, data_uri
from synthgen.report.charts import tag
from synthgen.report.contact_sheet import COCO_BONES, VISIBLE, bone_side, side
from synthgen.report.panels import readable
from synthgen.shards.observation_records import StoredPicture

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class PictureCard:
    """What the page shows of a sample; all plain text but the skeletons.

    Attributes:
        picture: as a data URI.
        overlay: with meshes, as a data URI; empty where there are none to draw.
        skeleton: SVG that lies over it.
        words: the first line under the picture.
        lines: further lines.
    """

    key: str
    width: int
    height: int
    picture: str
    overlay: str
    skeleton: Markup
    words: str
    lines: tuple[str, ...]


class Artist:
    """Makes cards; people whose body nobody gave are drawn as skeletons only.

    Args:
        bodies: by name ("open", "smpl_male", …).
        renderer: draws the meshes.

    Attributes:
        missing: names of bodies that were met and are not there.
    """

    def __init__(self, bodies: Mapping[str, Body], renderer: Renderer) -> None:
        self._bodies, self._renderer = bodies, renderer
        self.missing: set[str] = set()

    def card(self, stored: StoredPicture, lines: Sequence[str] = ()) -> PictureCard:
        """Return the card of a sample.

        Raises:
            ValueError: its picture is damaged.
        """
        notes, image = stored.notes, stored.open().image
        poses = dict.fromkeys(f"{readable(one.family)}, {readable(one.action)}" for one in notes.people)
        drawn = self._meshes(notes, image)
        height, width = notes.image_size
        return PictureCard(
            key=notes.key,
            width=width,
            height=height,
            picture=data_uri(image),
            overlay="" if drawn is None else data_uri(drawn),
            skeleton=skeletons(notes),
            words=notes.caption or "; ".join(poses),
            lines=tuple(lines) or ("; ".join(poses), notes.source),
        )

    def thumbnail(self, stored: StoredPicture) -> PictureCard:
        """Return the card of a sample without overlays; ValueError if its picture is damaged."""
        height, width = stored.notes.image_size
        uri = data_uri(stored.open().image)
        return PictureCard(stored.notes.key, width, height, uri, "", Markup(""), stored.notes.key, ())

    def overlay(self, stored: StoredPicture) -> Picture:
        """Return a sample's picture (H, W, 3) with the bodies that can be drawn; ValueError if damaged."""
        image = stored.open().image
        drawn = self._meshes(stored.notes, image)
        return image if drawn is None else drawn

    def _meshes(self, notes: Notes, image: Picture) -> Picture | None:
        found = []
        for person in notes.people:
            name = body_name(notes.body, person)
            if person.person is not None and name not in self._bodies:
                self.missing.add(name)
            elif person.person is not None:
                body = self._bodies[name]
                found.append((body.pose([person.person]).vertices[0], body.faces))
        if not found or notes.camera is None:
            return None
        return overlay(image, found, notes.camera, self._renderer)


def skeletons(notes: Notes) -> Markup:
    """Draw the known joints of all people as an SVG that lies over the picture, and their boxes."""
    height, width = notes.image_size
    parts: list[Markup] = []
    for person in notes.people:
        left, top, right, bottom = (float(one) + 0.5 for one in person.bbox)
        box: dict[str, str | float] = {
            "x": left,
            "y": top,
            "width": right - left,
            "height": bottom - top,
            "class": "box",
        }
        parts += [tag("rect", box), *_skeleton(person, max(width, height))]
    view = f"0 0 {width} {height}"
    return tag("svg", {"class": "skeleton", "viewBox": view, "aria-hidden": "true"}, *parts)


def _skeleton(person: ObservedPerson, longer: int) -> list[Markup]:
    points = np.clip(person.keypoints_2d + 0.5, -4 * longer, 4 * longer)
    known = person.confidence_2d > 0
    seen = person.confidence_2d if person.visibility is None else person.visibility
    parts = []
    for kind in ("halo", ""):
        for a, b in COCO_BONES:
            if known[a] and known[b]:
                ends = {"x1": float(points[a, 0]), "y1": float(points[a, 1])}
                ends |= {"x2": float(points[b, 0]), "y2": float(points[b, 1])}
                parts.append(tag("line", {**ends, "class": kind or bone_side(a, b)}))
    for joint in np.flatnonzero(known[: len(COCO17)]):
        where = {"cx": float(points[joint, 0]), "cy": float(points[joint, 1]), "r": JOINT_RADIUS * longer}
        hidden = " hidden" if seen[joint] < VISIBLE else ""
        parts.append(tag("circle", {**where, "class": side(int(joint)) + hidden}))
    return parts
