"""Part `keypoints`: visible joints found on fresh renders, in the true boxes."""

from dataclasses import replace

import numpy as np

from synthgen.embedded.exam.exam import Answer, Exam, Picture
from synthgen.embedded.exam.plates import beside, enlarged, plate, spread
from synthgen.embedded.exam.scores import VISIBLE, by_family, joints_found
from synthgen.sample import Label

_SHOWN = 16
_LARGER = 2  # plates show pictures this many times larger


def examine(exam: Exam) -> Answer:
    """Measure PCK@0.1 of the longer side of the box, over all visible joints together."""
    samples = exam.people
    boxes = [np.stack([label.bbox for label in sample.labels]) for sample in samples]
    found = exam.models.keypoints([sample.image for sample in samples], boxes)
    hits, families, joints = [], [], []
    for sample, answer in zip(samples, found, strict=True):
        for label, place in zip(sample.labels, answer.keypoints_2d, strict=True):
            seen = np.flatnonzero(_is_seen(label, sample.image))
            hits += [float(hit) for hit in joints_found(place, label.keypoints_2d, label.bbox)[seen]]
            families += [label.family] * len(seen)
            joints += seen.tolist()
    each = [np.mean([h for h, j in zip(hits, joints, strict=True) if j == joint]) for joint in set(joints)]
    figures = {"pck": float(np.mean(hits)), **by_family("pck", hits, families)}
    figures["pck_over_joints"] = float(np.mean(each))
    shown = spread(len(samples), _SHOWN)
    cells = []
    for n in shown:
        labels = samples[n].labels
        moved = [replace(o, keypoints_2d=p) for o, p in zip(labels, found[n].keypoints_2d, strict=True)]
        cells.append(beside(_drawn(exam, samples[n].image, labels), _drawn(exam, samples[n].image, moved)))
    words = [f"{samples[n].labels[0].family}: truth, found (hollow: hidden)" for n in shown]
    return Answer(f"{len(hits)} visible joints", figures, {"keypoints": plate(cells, words, 4)})


def _is_seen(label: Label, image: Picture) -> np.ndarray:
    """Return which joints (17,) the picture shows."""
    limit = np.array(image.shape[1::-1]) - 0.5
    is_inside = ((label.keypoints_2d >= -0.5) & (label.keypoints_2d < limit)).all(-1)
    return is_inside & (label.visibility >= VISIBLE)


def _drawn(exam: Exam, image: Picture, labels: "tuple[Label, ...] | list[Label]") -> Picture:
    scaled = [replace(one, keypoints_2d=(one.keypoints_2d + 0.5) * _LARGER - 0.5) for one in labels]
    return exam.skeletons(enlarged(image, _LARGER), scaled)
