"""One sample on the report: its views as data URIs, its skeletons as SVG, and its labels in words."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.joints import SMPL24
from synthgen.report.charts import number, tag
from synthgen.report.contact_sheet import COCO_BONES, VISIBLE, Views, bone_side, side
from synthgen.report.panels import readable
from synthgen.sample import OCCLUDER, Label, Sample

MAX_SIDE = 384  # of an embedded picture [px]
WEBP_QUALITY = 80
JOINT_RADIUS = 0.011  # of the picture's longer side


@dataclass(frozen=True)
class View:
    """One way to see a sample.

    Attributes:
        kind: "draft", "mask", "depth", "picture" or "overlay".
        caption: the step that made it, in a word or two.
        words: what it shows, for those who do not see it.
        source: the picture as a data URI.
        skeleton: SVG that lies over it.
    """

    kind: str
    caption: str
    words: str
    source: str
    skeleton: Markup = Markup("")


@dataclass(frozen=True)
class Card:
    """What the page shows of a sample; all plain text but the skeletons.

    Attributes:
        has_draft: the sample was redrawn from a draft, which is the first of its views.
        views: in the order in which they are shown: that of the pipeline where there is a draft.
    """

    key: str
    caption: str
    poses: str
    families: tuple[str, ...]
    width: int
    height: int
    has_draft: bool
    views: tuple[View, ...]
    facts: tuple[tuple[str, str], ...]


def make_card(sample: Sample, shown: Views, has_mesh: bool) -> Card:
    """Return the card of a sample.

    Args:
        sample: picture and labels.
        shown: its views.
        has_mesh: whether the overlay shows meshes, or nothing but the picture.
    """
    height, width = sample.image.shape[:2]
    return Card(
        key=sample.request.key,
        caption=sample.request.prompt,
        poses="; ".join(_pose(label) for label in sample.labels),
        families=tuple(dict.fromkeys(label.family for label in sample.labels)),
        width=width,
        height=height,
        has_draft=sample.draft is not None,
        views=_views(sample, shown, has_mesh),
        facts=tuple(_facts(sample)),
    )


def _views(sample: Sample, shown: Views, has_mesh: bool) -> tuple[View, ...]:
    people = f"{len(sample.labels)} person" if len(sample.labels) == 1 else f"{len(sample.labels)} people"
    mesh = "Body meshes and skeletons" if has_mesh else "Skeletons"
    bones = skeleton(sample.labels, sample.scene.camera.image_size)
    # the words under the whole card say what the final picture shows
    picture = View("picture", "Picture", "", data_uri(shown.picture))
    overlay = View(
        "overlay", "Labels over it", f"{mesh} of {people} over the picture", data_uri(shown.overlay), bones
    )
    depth = View("depth", "Depth", f"Depth of {people}, {_depth_range(sample.depth)}", data_uri(shown.depth))
    mask = View("mask", "Masks", _mask_words(sample.mask, people), data_uri(shown.mask, is_flat=True))
    if sample.draft is None:
        return picture, overlay, depth, mask
    draft = View("draft", "Draft", "The draft", data_uri(sample.draft))
    return draft, mask, depth, replace(picture, caption="Redrawn"), overlay


def data_uri(image: NDArray[np.uint8], is_flat: bool = False) -> str:
    """Return an (H, W, 3) picture as a WebP data URI, scaled down to MAX_SIDE; lossless if `is_flat`."""
    from PIL import Image

    picture = Image.fromarray(image)
    method = Image.Resampling.NEAREST if is_flat else Image.Resampling.LANCZOS
    if max(picture.size) > MAX_SIDE:
        scale = MAX_SIDE / max(picture.size)
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        picture = picture.resize(size, method)
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=WEBP_QUALITY, lossless=is_flat, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def skeleton(labels: tuple[Label, ...], image_size: tuple[int, int]) -> Markup:
    """Draw the COCO-17 skeletons of all people as an SVG that lies over a picture (H, W)."""
    height, width = image_size
    parts: list[Markup] = []
    for label in labels:
        points = np.clip(label.keypoints_2d + 0.5, -4 * max(image_size), 4 * max(image_size))
        for kind in ("halo", ""):
            for first, second in COCO_BONES:
                ends = {"x1": float(points[first, 0]), "y1": float(points[first, 1])}
                ends |= {"x2": float(points[second, 0]), "y2": float(points[second, 1])}
                parts.append(tag("line", {**ends, "class": kind or bone_side(first, second)}))
        for joint, (x, y) in enumerate(points):
            hidden = " hidden" if label.visibility[joint] < VISIBLE else ""
            where = {"cx": float(x), "cy": float(y), "r": JOINT_RADIUS * max(image_size)}
            parts.append(tag("circle", {**where, "class": side(joint) + hidden}))
    view = f"0 0 {width} {height}"
    return tag("svg", {"class": "skeleton", "viewBox": view, "aria-hidden": "true"}, *parts)


def _pose(label: Label) -> str:
    return f"{readable(label.family)}, {readable(label.action)}"


def _depth_range(depth: NDArray[np.float32]) -> str:
    shown = depth[depth > 0]
    return f"{shown.min():.2f} to {shown.max():.2f} m" if shown.size else "none visible"


def _mask_words(mask: NDArray[np.uint8], people: str) -> str:
    hidden = " and of what hides them" if (mask == OCCLUDER).any() else ""
    return f"Masks of {people}{hidden}"


def _facts(sample: Sample) -> list[tuple[str, str]]:
    height, width = sample.scene.camera.image_size
    focal_length = float(sample.scene.camera.cam_int[1, 1])
    fov = float(np.degrees(2 * np.arctan2(height / 2, focal_length)))
    facts = [
        ("Seed", str(sample.request.seed)),
        ("Picture", f"{width} × {height} px, focal length {number(focal_length)} px, {fov:.0f}° high"),
        ("Depth", _depth_range(sample.depth)),
    ]
    for place, label in enumerate(sample.labels):
        name = "Person" if len(sample.labels) == 1 else f"Person {place + 1}"
        distance = float(np.linalg.norm(label.keypoints_3d[SMPL24.index("pelvis")]))
        seen = f"joints {100 * float(label.visibility.mean()):.0f} % visible on average"
        facts.append((name, _pose(label)))
        facts.append(("", f"{distance:.2f} m away, {seen}"))
        facts += [("", _scores(label.scores))] if label.scores else []
    facts += [("Scores", _scores(sample.scores))] if sample.scores else []
    facts.append(("Config", sample.provenance.config_hash[:12]))
    return facts


def _scores(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{readable(name)} {number(value)}" for name, value in scores.items())
