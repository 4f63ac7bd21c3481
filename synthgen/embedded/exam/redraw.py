"""Part `redraw`: is the body of the depth map in the picture drawn anew, where it should be?"""

from collections.abc import Sequence

import numpy as np

from synthgen.backends.protocols import Guides
from synthgen.embedded.exam import exam as streams
from synthgen.embedded.exam.bare import BareBody, render_bare
from synthgen.embedded.exam.exam import Answer, Exam, Picture
from synthgen.embedded.exam.plates import beside, plate
from synthgen.embedded.exam.scores import VISIBLE, by_family, joints_found
from synthgen.nearness import nearness
from synthgen.stages.silhouettes import iou

_SHOWN = 64


def examine(exam: Exam) -> Answer:
    """Redraw drafts around the bodies of fresh scenes.

    The figures called "render" are those of the true renders with the same bodies: what segmenter and
    keypoint model make of perfect pictures, clothes and things in front included.
    """
    samples = exam.alone(exam.settings.redraws)
    count = len(samples)
    bodies = [render_bare(sample.scene, exam.body, exam.renderer) for sample in samples]
    captions, nothing = [sample.request.prompt for sample in samples], [""] * count
    drafts = exam.models.draft(captions, nothing, exam.seeds(streams.OTHER_DRAFTS, count)).images
    near = nearness(np.stack([body.depth for body in bodies]))
    guides = Guides(drafts, near, np.stack([body.mask for body in bodies]))
    seeds = exam.seeds(streams.REDRAWS, count)
    redraws = exam.models.redraw(guides, captions, nothing, seeds)
    from_noise = exam.models.load("redraw", strength=1.0)(guides, captions, nothing, seeds)
    families = [sample.labels[0].family for sample in samples]
    figures: dict[str, float] = {}
    renders = [sample.image for sample in samples]
    for name, images in (("", list(redraws)), ("noise_", list(from_noise)), ("render_", renders)):
        found = judge(exam, images, bodies, families)
        figures |= {f"{name}{key}": value for key, value in found.items()}
    rows = range(min(count, _SHOWN))
    cells = [beside(_grey(near[n]), redraws[n]) for n in rows]
    return Answer(f"{count} redraws", figures, {"redraws": plate(cells, [families[n] for n in rows], 8)})


def judge(
    exam: Exam, images: Sequence[Picture], bodies: Sequence[BareBody], families: Sequence[str]
) -> dict[str, float]:
    """Return how well pictures show the bodies they should: median "iou" and "pck", by family as well."""
    segments = exam.models.segmenter(images)
    overlaps = [iou(one.person, body.mask) for one, body in zip(segments, bodies, strict=True)]
    keypoints = exam.models.keypoints(images, [body.bbox[None] for body in bodies])
    hits, owners = [], []
    for found, body, family in zip(keypoints, bodies, families, strict=True):
        is_seen = body.visibility >= VISIBLE
        hits += list(joints_found(found.keypoints_2d[0], body.keypoints_2d, body.bbox)[is_seen])
        owners += [family] * int(is_seen.sum())
    medians = {
        f"iou/{family}": float(
            np.median([o for o, own in zip(overlaps, families, strict=True) if own == family])
        )
        for family in dict.fromkeys(families)
    }
    return {
        "iou": float(np.median(overlaps)),
        **medians,
        "pck": float(np.mean(hits)) if hits else 0.0,
        **by_family("pck", [float(hit) for hit in hits], owners),
    }


def _grey(near: np.ndarray) -> Picture:
    return np.repeat(np.rint(near * 255).astype(np.uint8)[..., None], 3, -1)
