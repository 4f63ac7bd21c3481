"""Part `mesh`: estimated bodies against the true ones, on the family it was taught and on sports."""

import numpy as np

from synthgen.embedded.exam.exam import Answer, Exam
from synthgen.embedded.exam.plates import beside, enlarged, plate, spread
from synthgen.embedded.exam.scores import by_family, joint_errors
from synthgen.joints import SMPL24
from synthgen.render import overlay
from synthgen.sample import Camera, Person, Sample

_SHOWN = 16
_LARGER = 2
_ROOT = SMPL24.index("pelvis")


def examine(exam: Exam) -> Answer:
    """Measure PA-MPJPE and MPJPE over SMPL's 24 joints, in the true boxes."""
    samples = exam.people
    boxes = [np.stack([label.bbox for label in sample.labels]) for sample in samples]
    cameras = [sample.scene.camera.cam_int for sample in samples]
    found = exam.models.mesh([sample.image for sample in samples], boxes, cameras)
    aligned, rooted, families = [], [], []
    for sample, estimate in zip(samples, found, strict=True):
        joints = exam.body.joints(exam.body.pose(estimate.people).points, SMPL24)
        for label, own in zip(sample.labels, joints, strict=True):
            pair = joint_errors(own.astype(np.float64), label.keypoints_3d, _ROOT)
            aligned.append(pair[0])
            rooted.append(pair[1])
            families.append(label.family)
    figures = {**by_family("pa_mpjpe", aligned, families), **by_family("mpjpe", rooted, families)}
    shown = spread(len(samples), _SHOWN)
    cells = [_drawn(exam, samples[n], found[n].people) for n in shown]
    words = [f"{samples[n].labels[0].family}: picture, estimate, truth" for n in shown]
    return Answer(f"{len(families)} people", figures, {"mesh": plate(cells, words, 2)})


def _drawn(exam: Exam, sample: Sample, estimate: tuple[Person, ...]) -> np.ndarray:
    """Return a picture, and the estimated and the true bodies over it."""
    image = enlarged(sample.image, _LARGER)
    old = sample.scene.camera
    cam_int = np.array(old.cam_int, np.float64)
    cam_int[:2] *= _LARGER
    cam_int[:2, 2] += (_LARGER - 1) / 2  # pixel centres
    camera = Camera(cam_int, (image.shape[0], image.shape[1]))
    views = [
        overlay(image, [(v, exam.body.faces) for v in exam.body.pose(people).vertices], camera, exam.renderer)
        for people in (estimate, sample.scene.people)
    ]
    return beside(image, *views)
