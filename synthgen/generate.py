"""The method: a request becomes a labelled picture, or a rejection that says why not.

    request -> compose -> label -> verify -> sample

`compose` is the job of a picture source. The one of this file's `Models` is the rendered scene of
`synthgen.scenes`: it poses and dresses a body, draws it, and hands back the picture with its geometric truth.
All that follows needs only that truth, so that a source which draws by diffusion ends in the same place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synthgen import __version__
from synthgen.backends import SOURCES, build
from synthgen.body import Body, load_body
from synthgen.geometry import Array, project
from synthgen.joints import COCO17, SMPL24
from synthgen.quality import Gate, Measurement
from synthgen.render import Drawing, Renderer, joint_visibility, make_renderer
from synthgen.sample import Label, Provenance, Rejection, Request, Sample, Validity
from synthgen.stopwatch import Stopwatch

if TYPE_CHECKING:
    from synthgen.scenes.compose import Composition

KNOWN_EXACTLY = Validity(smpl=True, keypoints_2d=True, keypoints_3d=True)  # the renderer drew them


class Source(Protocol):
    """Where pictures come from: a batch of requests in, one composition or rejection for each out."""

    def setup(self, body: Body, renderer: Renderer) -> None:
        """Load what is heavy; called once, in the worker."""

    def __call__(self, requests: Sequence[Request]) -> "list[Composition | Rejection]":
        """Draw; what becomes of a request must not depend on the others in the batch."""


@dataclass(frozen=True)
class ModelChoice:
    """Which models to load; plain values that travel to the workers.

    Attributes:
        body: "open" or the path of an SMPL file.
        renderer: "warp" or "pyrender".
        device: "cpu" or "cuda".
        source: node of the picture source, {"backend": name, option: value, …}.
        gate: limits of the verify stage.
        config_hash: of the run, for the record.
    """

    body: str
    renderer: str
    device: str
    source: Mapping[str, Any]
    gate: Gate
    config_hash: str


@dataclass(frozen=True)
class Models:
    """All that `make_samples` needs, loaded once per worker.

    Attributes:
        body: turns SMPL parameters into points.
        source: draws pictures and knows their geometric truth.
        gate: decides which are good enough.
        provenance: written into every sample.
        clock: adds up seconds by stage.
    """

    body: Body
    source: Source
    gate: Gate
    provenance: Provenance
    clock: Stopwatch = field(default_factory=Stopwatch)


def load_models(choice: ModelChoice) -> Models:
    """Load body, renderer and source.

    Raises:
        ValueError: an unknown name or option.
        FileNotFoundError: a file of the choice does not exist here.
    """
    body = load_body(choice.body)
    renderer = make_renderer(choice.renderer, choice.device)
    source: Source = build(SOURCES, choice.source)
    source.setup(body, renderer)
    provenance = Provenance(
        models={"source": str(choice.source["backend"]), "body": body.name, "renderer": renderer.name},
        revisions={"source": __version__, "body": body.revision, "renderer": renderer.revision},
        config_hash=choice.config_hash,
        synthgen_version=__version__,
    )
    return Models(body, source, choice.gate, provenance)


def make_samples(requests: Sequence[Request], models: Models) -> Iterator[Sample | Rejection]:
    """Make one batch: every request ends as exactly one sample or one rejection, in order.

    Args:
        requests: drawn together; what becomes of one does not depend on the others.
        models: from `load_models`.
    """
    clock = models.clock
    with clock.stage("compose"):
        pictures = models.source(requests)
    for request, picture in zip(requests, pictures, strict=True):
        if isinstance(picture, Rejection):
            yield picture
            continue
        with clock.stage("label"):
            joints = models.body.joints(picture.points, COCO17)
            visibility = joint_visibility(
                joints, picture.drawing.depth, picture.drawing.silhouettes, picture.scene.camera
            )
        with clock.stage("verify"):
            people = measure(picture.drawing, visibility, models.gate)
            reason = models.gate.reason(people)
        if reason is not None:
            yield Rejection(request.key, "verify", reason)
            continue
        with clock.stage("label"):
            labels = label(picture, models.body, visibility, people)
            sample = assemble(request, picture, labels, models.provenance)
        yield sample


def measure(drawing: Drawing, visibility: Array, gate: Gate) -> list[Measurement]:
    """Measure how well each person shows in a picture.

    Args:
        drawing: the picture with its masks.
        visibility: (P, 17) of the COCO-17 joints, in [0, 1].
        gate: says from where on a joint counts as visible.
    """
    return [
        Measurement(
            visible_joints=gate.visible_joints(visibility[person]),
            visible_part=float(drawing.visible[person]),
            coverage=float(np.mean(drawing.mask == person + 1)),
        )
        for person in range(len(visibility))
    ]


def label(
    picture: "Composition", body: Body, visibility: Array, people: Sequence[Measurement]
) -> tuple[Label, ...]:
    """Derive every person's labels from the geometric truth; each must show in at least one pixel.

    Args:
        picture: what was drawn, with `points` (P, N, 3) [m] in the camera frame.
        body: blends points into joints.
        visibility: (P, 17) of the COCO-17 joints, in [0, 1].
        people: measurements, same order.
    """
    keypoints_2d = project(body.joints(picture.points, COCO17), picture.scene.camera.cam_int)
    keypoints_3d = body.joints(picture.points, SMPL24)
    return tuple(
        Label(
            bbox=box_of_mask(picture.drawing.mask == person + 1),
            keypoints_2d=keypoints_2d[person],
            visibility=visibility[person],
            keypoints_3d=keypoints_3d[person],
            valid=KNOWN_EXACTLY,
            family=picture.families[person],
            action=picture.actions[person],
            scores=people[person].scores(),
        )
        for person in range(len(people))
    )


def box_of_mask(shown: NDArray[np.bool_]) -> Array:
    """Return the xyxy box (4,) [px] around the true pixels, at least one, of a mask (H, W)."""
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float64)


def assemble(
    request: Request, picture: "Composition", labels: tuple[Label, ...], provenance: Provenance
) -> Sample:
    """Put the finished sample together; its prompt is the caption of what was drawn."""
    return Sample(
        request=replace(request, prompt=picture.prompt),
        image=picture.drawing.image,
        depth=picture.drawing.depth,
        mask=picture.drawing.mask,
        scene=picture.scene,
        labels=labels,
        scores={"occluded": round(float(np.mean(picture.drawing.hidden)), 4)},
        provenance=provenance,
    )
