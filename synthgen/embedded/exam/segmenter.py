"""Part `segmenter`: people and things, through the backend, on fresh renders."""

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Segments
from synthgen.embedded.exam.exam import Answer, Exam, Picture
from synthgen.embedded.exam.plates import beside, plate, spread
from synthgen.embedded.exam.scores import by_family
from synthgen.sample import BACKGROUND, OCCLUDER, Sample
from synthgen.stages.silhouettes import iou

_SHOWN = 16
_COLORS = np.array([(25, 25, 35), (70, 200, 90), (230, 150, 40)], np.uint8)  # nothing, person, object


def examine(exam: Exam) -> Answer:
    """Measure intersection over union, all pixels of all pictures together."""
    samples = exam.people
    found = exam.models.segmenter([sample.image for sample in samples])
    families = [sample.labels[0].family for sample in samples]
    truth = [truth_of(sample) for sample in samples]
    seen = [(segments.person, segments.object) for segments in found]
    figures = {
        name: iou(np.stack([one[kind] for one in seen]), np.stack([one[kind] for one in truth]))
        for kind, name in enumerate(("person", "object"))
    }
    each = [iou(mine[0], true[0]) for mine, true in zip(seen, truth, strict=True)]
    figures |= by_family("person_mean", each, families)
    shown = spread(len(samples), _SHOWN)
    cells = [beside(samples[n].image, _painted(*truth[n]), painted(found[n])) for n in shown]
    words = [f"{families[n]}: picture, truth, found   person IoU {each[n]:.2f}" for n in shown]
    return Answer(f"{len(samples)} renders", figures, {"segmenter": plate(cells, words, 4)})


def truth_of(sample: Sample) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where people are and where things are, each (H, W), of a rendered sample."""
    if sample.things is None:
        raise ValueError(f"{sample.request.key}: nobody knows where its things are; it was not rendered")
    return (sample.mask != BACKGROUND) & (sample.mask != OCCLUDER), sample.things


def painted(segments: Segments) -> Picture:
    """Return a picture (H, W, 3) of what a segmenter found."""
    return _painted(segments.person, segments.object)


def _painted(person: NDArray[np.bool_], thing: NDArray[np.bool_]) -> Picture:
    return _COLORS[np.where(person, 1, np.where(thing, 2, 0))]
