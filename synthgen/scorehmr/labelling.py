"""Bodies for pictures that have joints but no bodies: estimated, then refined, and marked as such.

Real pictures of a few-shot set become training data that way (pseudo-labels): by `refine`, or by `adapt` with
`pseudo_labels`. Nobody is labelled where estimate or fit failed: reasons are counted.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

import numpy as np

from synthgen.backends.protocols import MeshEstimator
from synthgen.backends.vposer import VPoser
from synthgen.joints import FEET6
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Camera, Float, Person
from synthgen.scorehmr.cases import Cases
from synthgen.scorehmr.fitting import FittingOptions
from synthgen.scorehmr.inputs import Ledger, default_camera, why_not
from synthgen.scorehmr.refinery import Fitted, Refinery, look
from synthgen.scorehmr.tracks import Appearance, tracks

logger = logging.getLogger(__name__)

Task = Literal["pictures", "views", "video"]
MARK = "+scorehmr"  # behind the source of observations whose bodies were fitted
_NEAREST_M = 0.3
_FAR = 0.2  # of the box's longer side: half of the joints farther off than this were not fitted


@dataclass(frozen=True)
class Labelled:
    """A picture with fitted bodies.

    Attributes:
        observation: with SMPL of everybody who was fitted; others are left out.
        before: the estimates that fits began from, as many.
        energies: (P, 2) of what was observed, before and after.
    """

    observation: Observation
    before: tuple[Person, ...]
    energies: Float


@dataclass
class Labeller:
    """Estimates and refines bodies.

    Attributes:
        estimator: set up; its features are those that the denoiser knows, unless observations bring theirs.
        refinery: fits.
        body: name of the body model of estimator and refinery.
        prior: for plain fits; None refines by score guidance.
        fitting: options of plain fits.
        keeps_labels: start from the observations' own SMPL where they have some.
        batch_size: people fitted at once, where they do not depend on each other.
        ledger: notes who was left out.
    """

    estimator: MeshEstimator
    refinery: Refinery
    body: str = "open"
    prior: VPoser | None = None
    fitting: FittingOptions | None = None
    keeps_labels: bool = False
    batch_size: int = 64
    ledger: Ledger = field(default_factory=Ledger)

    def label(self, observations: Iterable[Observation], task: Task = "pictures") -> Iterator[Labelled]:
        """Yield pictures with fitted bodies, in order; those where nobody was fitted are left out.

        Args:
            observations: with joints and boxes. Views of one moment share `sequence` and `frame`; frames of
                a clip share `sequence`. Of views and videos, all are held in memory.
            task: what belongs together: nothing, the views of a moment, or the frames of a clip.
        """
        source = iter(observations)
        size = self.batch_size if task == "pictures" else None
        while group := list(islice(source, size)):
            yield from self._label(group, task)
            if size is None:
                return

    def _label(self, group: Sequence[Observation], task: Task) -> Iterator[Labelled]:
        rows = self._rows(group, task)
        if not rows:
            return
        cases = _cases(rows, task)
        fitted = self._fit(cases)
        is_far = self.refinery.distances(fitted.people, cases) > _FAR
        places: dict[int, list[int]] = {}
        for number, row in enumerate(rows):
            if reason := fitted.reasons[number] or (
                "no pose comes near the joints" if is_far[number] else ""
            ):
                self.ledger.skip(row.observation.key, reason)
            else:
                places.setdefault(row.place, []).append(number)
        for place, members in sorted(places.items()):
            yield self._labelled(group[place], members, rows, fitted)

    def _labelled(
        self, observation: Observation, members: Sequence[int], rows: Sequence["_Row"], fitted: Fitted
    ) -> Labelled:
        people = tuple(replace(rows[number].seen, person=fitted.people[number]) for number in members)
        made = replace(
            observation,
            camera=rows[members[0]].camera,
            people=people,
            body=self.body,
            source=observation.source.removesuffix(MARK) + MARK,
        )
        energies = np.stack([fitted.energy_before[list(members)], fitted.energy_after[list(members)]], 1)
        return Labelled(made, tuple(rows[number].start for number in members), energies)

    def _fit(self, cases: Cases) -> Fitted:
        if self.fitting is not None:
            return self.refinery.fit(cases, self.prior, self.fitting)
        return self.refinery.refine(cases)

    def _rows(self, group: Sequence[Observation], task: Task) -> list["_Row"]:
        """Return everybody who can be fitted, with estimate and features."""
        chosen = [self._chosen(observation, task) for observation in group]
        cameras = [
            observation.camera or default_camera((observation.image.shape[0], observation.image.shape[1]))
            for observation in group
        ]
        boxes = [np.array([one.bbox for one in people], np.float64).reshape(-1, 4) for people in chosen]
        estimates, features = look(
            self.estimator,
            [observation.image for observation in group],
            boxes,
            [camera.cam_int for camera in cameras],
        )
        rows = []
        for place, (observation, people) in enumerate(zip(group, chosen, strict=True)):
            for seen, estimate, own in zip(people, estimates[place], features[place], strict=True):
                vector = own if seen.features is None else seen.features
                start = seen.person if self.keeps_labels and seen.person is not None else estimate
                if start.transl[2] < _NEAREST_M:
                    self.ledger.skip(observation.key, "the estimate is behind the camera")
                else:
                    rows.append(_Row(place, observation, seen, cameras[place], start, vector))
        return rows

    def _chosen(self, observation: Observation, task: Task) -> list[ObservedPerson]:
        size = observation.image.shape[:2]
        found = []
        for one in observation.people:
            if reason := why_not(one.keypoints_2d, one.confidence_2d, (size[0], size[1])):
                self.ledger.skip(observation.key, reason)
            else:
                found.append(one)
        if task == "views" and len(found) > 1:
            self.ledger.skip(observation.key, "another person in a view; the largest was taken")
            found = [max(found, key=lambda one: float(np.prod(one.bbox[2:] - one.bbox[:2])))]
        return found


@dataclass(frozen=True)
class _Row:
    place: int
    observation: Observation
    seen: ObservedPerson
    camera: Camera
    start: Person
    features: Float


def _cases(rows: Sequence[_Row], task: Task) -> Cases:
    widths = {len(row.features) for row in rows}
    if len(widths) > 1:
        raise ValueError(
            f"people come with {sorted(widths)} features each: give features of all, or of nobody"
        )
    moments = [f"{row.observation.sequence}/{row.observation.frame}" for row in rows]
    if task == "views" and len(set(moments)) == len(rows):
        raise ValueError(
            "no two pictures are views of one moment: views share sequence and frame; set pattern, or give "
            "shards that say them"
        )
    if task == "views":
        views = [(moment, row.observation.view) for moment, row in zip(moments, rows, strict=True)]
        if len(set(views)) < len(views):
            raise ValueError("two pictures are the same view of one moment; set pattern so that views differ")
        if alone := [moment for moment, count in Counter(moments).items() if count == 1]:
            logger.warning(
                "%d of %d moments have one view alone and are fitted as single pictures (first: %s)",
                len(alone),
                len(set(moments)),
                alone[0],
            )
    return Cases(
        people=tuple(row.start for row in rows),
        cameras=tuple(row.camera for row in rows),
        keypoints_2d=np.stack([row.seen.keypoints_2d for row in rows]),
        confidence=np.stack([row.seen.confidence_2d for row in rows]),
        features=np.stack([row.features for row in rows]).astype(np.float32),
        moments=tuple(moments) if task == "views" else (),
        clips=tuple(_tracks(rows)) if task == "video" else (),
        frames=tuple(row.observation.frame for row in rows) if task == "video" else (),
        extrinsics=_extrinsics(rows) if task == "views" else None,
        feet=np.stack([_feet(row.seen) for row in rows]),
    )


def _extrinsics(rows: Sequence[_Row]) -> Float | None:
    """Return where the cameras stand (N, 3, 4); None unless all say it, and their intrinsics too."""
    known = [row.observation.extrinsics for row in rows if row.observation.camera is not None]
    poses = [pose for pose in known if pose is not None]
    if 0 < len(poses) < len(rows):
        logger.warning(
            "%d of %d views are calibrated (extrinsics and intrinsics): all are fitted as if none were",
            len(poses),
            len(rows),
        )
    return np.stack(poses) if len(poses) == len(rows) else None


def _feet(seen: ObservedPerson) -> Float:
    """Return toes and heels (6, 3): x, y [px], confidence; all 0 where the data set has none."""
    feet = np.zeros((len(FEET6), 3))
    if seen.joints is not None:
        for row, name in enumerate(FEET6.names):
            if name in seen.joints.names:
                place = seen.joints.names.index(name)
                feet[row] = *seen.joints.keypoints_2d[place], seen.joints.confidence_2d[place]
    return feet


def _tracks(rows: Sequence[_Row]) -> list[str]:
    """Name the clip of each person."""
    return tracks(
        [
            Appearance(
                f"{row.observation.sequence}|{row.observation.view}", row.observation.frame, row.seen.bbox
            )
            for row in rows
        ]
    )
