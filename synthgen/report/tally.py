"""Statistics of labels, filled sample by sample: memory does not grow with the number of samples.

Angles here are degrees, distances metres from the camera, heights pixels.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.report.histogram import Histogram
from synthgen.report.measures import MEASURES
from synthgen.sample import NUM_BETAS, Label, Person, Provenance, Scene

SEEN, HIDDEN = 0.75, 0.25  # a joint counts as seen above the first, as hidden below the second
NUM_SECTORS = 24  # of the rose of directions that people face


@dataclass
class Spread:
    """Number, sum and extremes of one score."""

    count: int = 0
    sum: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    def add(self, value: float) -> None:
        """Take in one value."""
        self.count += 1
        self.sum += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def mean(self) -> float:
        """Mean of the values so far; there must be one."""
        return self.sum / self.count


@dataclass
class Tally:
    """What the labels of a run cover.

    Attributes:
        pictures: number taken in.
        people_per_picture: {people: pictures}.
        families: {pose family: people}.
        actions: {(family, action): people}.
        angles: rotation of each of the 23 joints of body_pose [deg], order of SMPL24 without the pelvis.
        distance: camera to pelvis [m].
        fov: vertical field of view [deg].
        focal_length: vertical [px].
        height: of the visible box [px].
        tilt: trunk against the picture's vertical [deg]; 180 is upside down.
        facing: (NUM_SECTORS,) people by the direction their chest points to, sector 0 centred on the camera,
            then turning to the picture's right.
        visibility: (17, 3) people whose COCO-17 joint is seen, partly hidden, hidden.
        betas: one per shape coefficient [standard deviations].
        scores: by name.
        spectra: histograms of those whose range is known (`MEASURES`), by name.
        models: {(role, model, revision): pictures}.
        config_hashes: {hash: pictures}.
        versions: {synthgen version: pictures}.
    """

    pictures: int = 0
    people_per_picture: Counter[int] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    angles: tuple[Histogram, ...] = field(
        default_factory=lambda: tuple(Histogram(0, 180, 180) for _ in SMPL24.names[1:])
    )
    distance: Histogram = field(default_factory=lambda: Histogram(0, 100, 2000))
    fov: Histogram = field(default_factory=lambda: Histogram(0, 180, 720))
    focal_length: Histogram = field(default_factory=lambda: Histogram(0, 20000, 4000))
    height: Histogram = field(default_factory=lambda: Histogram(0, 4096, 1024))
    tilt: Histogram = field(default_factory=lambda: Histogram(0, 180, 180))
    facing: NDArray[np.int64] = field(default_factory=lambda: np.zeros(NUM_SECTORS, np.int64))
    visibility: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(COCO17), 3), np.int64))
    betas: tuple[Histogram, ...] = field(
        default_factory=lambda: tuple(Histogram(-10, 10, 400) for _ in range(NUM_BETAS))
    )
    scores: dict[str, Spread] = field(default_factory=dict)
    spectra: dict[str, Histogram] = field(default_factory=dict)
    models: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    config_hashes: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    @property
    def people(self) -> int:
        """Number of people in all pictures."""
        return int(sum(self.families.values()))

    def add(
        self, scene: Scene, labels: tuple[Label, ...], scores: Mapping[str, float], provenance: Provenance
    ) -> None:
        """Take in the labels of one picture."""
        self.pictures += 1
        self.people_per_picture[len(scene.people)] += 1
        height, focal_length = scene.camera.image_size[0], float(scene.camera.cam_int[1, 1])
        self.focal_length.add(focal_length)
        self.fov.add(np.degrees(2 * np.arctan2(height / 2, focal_length)))
        for person, label in zip(scene.people, labels, strict=True):
            self._add_person(person, label)
        self._add_scores(scores)
        for role, model in provenance.models.items():
            self.models[role, model, provenance.revisions.get(role, "")] += 1
        self.config_hashes[provenance.config_hash] += 1
        self.versions[provenance.synthgen_version] += 1

    def _add_person(self, person: Person, label: Label) -> None:
        self.families[label.family] += 1
        self.actions[label.family, label.action] += 1
        self._add_scores(label.scores)
        self.height.add(label.bbox[3] - label.bbox[1])
        if label.valid.keypoints_2d:
            seen, hidden = label.visibility > SEEN, label.visibility < HIDDEN
            self.visibility += np.stack([seen, ~seen & ~hidden, hidden], -1)
        if label.valid.keypoints_3d:
            self.distance.add(np.linalg.norm(label.keypoints_3d[SMPL24.index("pelvis")]))
        if label.valid.smpl:
            self._add_pose(person)

    def _add_scores(self, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.scores.setdefault(name, Spread()).add(value)
            if name in MEASURES:
                if name not in self.spectra:
                    self.spectra[name] = MEASURES[name].histogram()
                self.spectra[name].add(value)

    def _add_pose(self, person: Person) -> None:
        for histogram, angle in zip(self.angles, rotation_angles(person.body_pose), strict=True):
            histogram.add(angle)
        for histogram, beta in zip(self.betas, person.betas, strict=True):
            histogram.add(beta)
        orient = rotvec_to_rotmat(person.global_orient)
        chest, head = orient[:, 2], orient[:, 1]
        self.tilt.add(np.degrees(np.arccos(np.clip(-head[1], -1, 1))))
        turn = np.arctan2(chest[0], -chest[2]) / (2 * np.pi) * NUM_SECTORS
        self.facing[int(np.round(turn)) % NUM_SECTORS] += 1


def rotation_angles(rotvec: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return how far axis-angles (..., 3) [rad] turn, the short way round: (...) [deg] in [0, 180]."""
    angle = np.linalg.norm(rotvec, axis=-1) % (2 * np.pi)
    return np.degrees(np.minimum(angle, 2 * np.pi - angle))
