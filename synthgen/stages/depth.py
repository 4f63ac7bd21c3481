"""Step `depth`: bodies rendered as depth with the scene's own camera, what hides them punched out.

Which things are in front is decided here, where the bodies' silhouettes are known: a thing is in front of
somebody where the picture shows it inside that silhouette, further from its edge than estimates err.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.guide import Bodies
from synthgen.nearness import nearness
from synthgen.render import Drawing, Renderer
from synthgen.sample import BACKGROUND, OCCLUDER
from synthgen.stages.silhouettes import Mask
from synthgen.surface import Float32

Form = Literal["disparity", "paper"]
# Grey levels of Diffusion-HPC's depth maps: bodies span 60 of them above 150, then turned round above 50.
_SPAN, _ABOVE, _REST = 60.0, 150.0, 50.0


@dataclass(frozen=True)
class Conditioning:
    """How bodies become the map that the redraw model sees.

    Attributes:
        form: disparity: from inverse depth of what shows, as monocular depth models give it; paper: linear in
            depth over the whole body, occluders cut out after that, as in Diffusion-HPC's repository (SPIN).
        occluders: whether things in front of somebody are punched out of the map.
        min_hidden: a thing is in front of somebody if it covers at least this part of the silhouette.
        edge: width of the rim of a silhouette that does not count for that, as a part of its height.
    """

    form: Form = "disparity"
    occluders: bool = True
    min_hidden: float = 0.01
    edge: float = 0.02

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        return [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("min_hidden", "edge")
            if not 0 <= getattr(self, name) <= 1
        ]


@dataclass(frozen=True)
class Plan:
    """What a picture has to show.

    Attributes:
        bodies: people, and the picture to start from.
        drawing: that picture with the depth and the masks of the bodies; `hidden` is where things hide them.
        points: (P, len(POINT_NAMES), 3) [m], camera frame.
        nearness: (H, W) float32 for the redraw model: larger is nearer, 0 without a body.
    """

    bodies: Bodies
    drawing: Drawing
    points: Float32
    nearness: Float32


def plan_pictures(
    batch: Sequence[Bodies], body: Body, renderer: Renderer, options: Conditioning
) -> list[Plan | str]:
    """Render bodies as depth maps and punch out what is in front of them; or say why that cannot be.

    What becomes of one does not depend on the others; together they are only posed faster.
    """
    posed = body.pose([person for bodies in batch for person in bodies.scene.people])
    plans, start = [], 0
    for bodies in batch:
        own = slice(start, start + len(bodies.scene.people))
        start = own.stop
        meshes = [(vertices, body.faces) for vertices in posed.vertices[own]]
        plans.append(_plan(bodies, meshes, posed.points[own], renderer, options))
    return plans


def plan_picture(bodies: Bodies, body: Body, renderer: Renderer, options: Conditioning) -> Plan | str:
    """Plan a single picture; see `plan_pictures`."""
    return plan_pictures([bodies], body, renderer, options)[0]


def _plan(
    bodies: Bodies,
    meshes: Sequence[tuple[Float32, NDArray[np.int32]]],
    points: Float32,
    renderer: Renderer,
    options: Conditioning,
) -> Plan | str:
    camera = bodies.scene.camera
    depth, index = renderer.depth(meshes, camera)
    alone = [index == 1] if len(meshes) == 1 else [renderer.depth([mesh], camera)[1] > 0 for mesh in meshes]
    if not all(silhouette.any() for silhouette in alone):
        return "body outside the picture"
    occluder = np.zeros(camera.image_size, bool)
    if options.occluders:
        occluder = in_front(bodies.things, np.stack(alone), bodies.is_in_front, options)
    shown = np.where(occluder, np.uint8(BACKGROUND), index)
    visible = [float((shown == n).sum() / mask.sum()) for n, mask in enumerate(alone, 1)]
    if not all((shown == n).any() for n in range(1, len(meshes) + 1)):
        return "body hidden altogether"
    whole, depth = depth, np.where(shown > 0, depth, np.float32(0))
    drawing = Drawing(
        image=bodies.image,
        depth=depth,
        mask=np.where(occluder, np.uint8(OCCLUDER), shown),
        hidden=occluder & (index > 0),
        visible=np.array(visible, np.float32),
    )
    return Plan(bodies, drawing, points, near(whole, shown > 0, options.form))


def in_front(things: Mask, silhouettes: Mask, is_in_front: bool, options: Conditioning) -> Mask:
    """Unite the things that hide somebody.

    Args:
        things: (O, H, W) visible pixels of each.
        silhouettes: (P, H, W) of each body alone.
        is_in_front: all of them do; nothing has to be decided.
        options: says what counts.

    Returns:
        (H, W) where nothing of a body can be seen.
    """
    if is_in_front or not len(things):
        return np.logical_or.reduce(things, axis=0) if len(things) else np.zeros(silhouettes.shape[1:], bool)
    united = np.zeros(silhouettes.shape[1:], bool)
    cores = [_core(silhouette, options.edge) for silhouette in silhouettes]
    for thing in things:
        inside = [
            (thing & core).sum() >= max(1, options.min_hidden * silhouette.sum())
            for core, silhouette in zip(cores, silhouettes, strict=True)
        ]
        if any(inside):
            united |= thing
    return united


def near(depth: Float32, is_shown: Mask, form: Form) -> Float32:
    """Turn depth into the map that a redraw model takes: larger is nearer, 0 where no body shows.

    Args:
        depth: (H, W) [m] of the bodies, hidden or not; 0 without a body.
        is_shown: (H, W) where nothing hides them.
        form: of the map.
    """
    if form == "disparity":
        return nearness(np.where(is_shown, depth, 0))
    is_body = depth > 0
    if not is_body.any():
        return np.zeros_like(depth)
    low, high = depth[is_body].min(), depth[is_body].max()
    grey = _ABOVE + _SPAN * (depth - low) / max(float(high - low), 1e-6)
    return np.where(is_body & is_shown, grey[is_body].max() + _REST - grey, 0).astype(np.float32)


def repaint(plan: Plan, image: NDArray[np.uint8]) -> Plan:
    """Return the plan with another picture (H, W, 3) in its place."""
    return replace(plan, bodies=replace(plan.bodies, image=image), drawing=replace(plan.drawing, image=image))


def region(plans: Sequence[Plan]) -> Mask:
    """Return where nothing of the old picture may survive, (B, H, W).

    That is where the bodies are to show, and where the old picture shows people: a limb that is elsewhere in
    the new pose must not be left behind. What is in front of somebody stays.
    """
    return np.stack([_renewed(plan) for plan in plans])


def _renewed(plan: Plan) -> Mask:
    mask, figures = plan.drawing.mask, plan.bodies.figures
    bodies = mask > BACKGROUND
    return (bodies if figures is None else bodies | figures) & (mask != OCCLUDER)


def _core(silhouette: Mask, edge: float) -> Mask:
    """Return a silhouette (H, W) without its rim."""
    from scipy import ndimage

    rows = np.flatnonzero(silhouette.any(1))
    width = round(edge * (rows[-1] - rows[0] + 1)) if len(rows) else 0
    if width < 1:
        return silhouette
    return ndimage.distance_transform_edt(np.pad(silhouette, 1))[1:-1, 1:-1] > width
