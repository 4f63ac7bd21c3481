"""Everything that a refinement needs, loaded once: denoiser, body, features; cases in, people out."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from synthgen.backends.protocols import Image, MeshEstimator
from synthgen.backends.vposer import VPoser
from synthgen.body_file import BodyArrays
from synthgen.geometry import project, rotvec_to_rotmat
from synthgen.joints import COCO17, COCO23
from synthgen.sample import Float, Person
from synthgen.scorehmr.cases import Cases, Posed, Weights, pose_cases, to_people
from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.features import vectors
from synthgen.scorehmr.fitting import FittingOptions, fit
from synthgen.scorehmr.guidance import MIN_DEPTH_M
from synthgen.scorehmr.hypotheses import Scouted, draw_poses, mean_person, reflected
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.sampling import GuidanceOptions, Refined, refine
from synthgen.scorehmr.silhouette import FINE, ROUGH, Detail, joints_and_skin
from synthgen.scorehmr.trajectory import energy_of

logger = logging.getLogger(__name__)

NOTE = "features.json"  # beside a denoiser of ours: whose features it was told
_OFF = 1e-3  # of the determinant of a rotation
_LAST_STEPS = FittingOptions(steps=60, pose_weight=20.0, fits_shape=False)  # of views and frames


@dataclass(frozen=True)
class Fitted:
    """What became of N people.

    Attributes:
        people: fitted; those with a reason are as they came.
        reasons: why each was not fitted, "" for who was.
        energy_before: (N,) of the observations, at the start.
        energy_after: (N,) at the end.
    """

    people: tuple[Person, ...]
    reasons: tuple[str, ...]
    energy_before: Float
    energy_after: Float

    def of(self, row: int) -> "Fitted":
        """Return what became of one person."""
        own = slice(row, row + 1)
        return Fitted(self.people[own], self.reasons[own], self.energy_before[own], self.energy_after[own])

    @classmethod
    def joined(cls, ones: Sequence["Fitted"]) -> "Fitted":
        """Return what became of several people."""
        return cls(
            tuple(person for one in ones for person in one.people),
            tuple(reason for one in ones for reason in one.reasons),
            np.concatenate([one.energy_before for one in ones]),
            np.concatenate([one.energy_after for one in ones]),
        )


@dataclass
class Refinery:
    """Fits people by score guidance, or plainly.

    Attributes:
        denoiser: the prior over poses.
        body: body model that estimates belong to.
        guidance: how score guidance runs.
        weights: of the observations.
        device: torch device.
        dtype: of the computation.
        samples: other starts that are drawn from the denoiser; 0 for the estimate alone, as published.
        warmth: difference of energies that matters when fits from several starts are blended; above it errors
            of joints add up that no fit explains.
        below: part of the estimate's energy that another start has to stay below to count for more.
        noise: squared errors that the noise of joints leaves in the right body, in sum over a person's joints
            [px² of a picture 1000 px wide]; of an estimate with as much, half remains.
    """

    denoiser: ScoreDenoiser
    body: BodyArrays
    guidance: GuidanceOptions = field(default_factory=GuidanceOptions)
    weights: Weights = field(default_factory=Weights)
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    samples: int = 8
    warmth: float = 4.0
    below: float = 0.6
    noise: float = 6700.0

    def __post_init__(self) -> None:
        self.denoiser = self.denoiser.to(self.device, self.dtype).eval()
        self._joints = SparsePoints.of_joint_set(self.body, COCO23).to(self.device, self.dtype)
        self._skins: dict[int, SparsePoints] = {}  # by how many points

    def refine(self, cases: Cases) -> Fitted:
        """Fit people by score guidance (ScoreHMR): from several starts, or as published from one.

        With `samples`, each start takes half of the iterations, and the blend of all the other half; views
        and frames, which have to come to agree, all of them once more, and end with plain steps on the same
        energies: guidance stops short of agreement, as each of its steps moves a body by itself.

        In pictures alone, what comes of it is the mean of estimate and fit, the fit's part being E / (E + N)
        with the estimate's energy E and that of noise N: the two err in different ways, and a fit to joints
        that noise alone has moved makes a good estimate worse.
        """
        if not self.samples or cases.features is None:
            return self.refine_from(cases)
        groups = cases.moments or cases.clips
        scouted = self.scout(cases)
        blend = cases.with_people(scouted.blended(groups, self.warmth, self.below))
        fitted = self.refine_from(blend, self.guidance if groups else self._half)
        fitted = replace(fitted, energy_before=scouted.before)
        return self.polished(fitted, cases, _LAST_STEPS) if groups else self._between(fitted, cases)

    @torch.no_grad()
    def _between(self, fitted: Fitted, cases: Cases) -> Fitted:
        """Return the means of estimates and fits, placed where the joints have them."""
        noise, before = self.noise * self.weights.keypoints, fitted.energy_before
        if not noise:
            return fitted
        part = np.where(np.isfinite(before), before / (before + noise), 1.0)
        people = [
            new if reason else mean_person([old, new], np.array([1 - own, own]))
            for old, new, reason, own in zip(cases.people, fitted.people, fitted.reasons, part, strict=True)
        ]
        posed = self._posed(cases.with_people(people))
        start = posed.start
        code = self.denoiser.encode(start.rotmat, start.betas)
        energy = energy_of(self.denoiser, start, posed.terms, code, start.transl).double().cpu().numpy()
        placed = to_people(start.rotmat, start.betas, start.transl)
        keeps = [
            bool(reason) or not np.isfinite(own) for reason, own in zip(fitted.reasons, energy, strict=True)
        ]
        chosen = zip(keeps, fitted.people, placed, strict=True)
        return replace(
            fitted,
            people=tuple(old if kept else new for kept, old, new in chosen),
            energy_after=np.where(keeps, fitted.energy_after, energy),
        )

    def refine_from(self, cases: Cases, guidance: GuidanceOptions | None = None) -> Fitted:
        """Fit people from their estimates alone."""
        posed = self._posed(cases)
        features = self._features(cases)
        return _fitted(refine(self.denoiser, posed.start, features, posed.terms, guidance or self.guidance))

    def scout(self, cases: Cases, others: Sequence[Sequence[Person]] = ()) -> Scouted:
        """Refine people shortly from several starts: estimates, others, and what the denoiser draws.

        Args:
            cases: with the estimates.
            others: further starts of everybody.
        """
        drawn = self._drawn(cases) if self.samples and cases.features is not None else []
        starts = [cases.people, *others, *drawn]
        fitted = self.refine_from(cases.repeated(starts), self._half)
        failed = np.array([bool(reason) for reason in fitted.reasons])
        energies = np.where(failed, np.inf, fitted.energy_after).reshape(len(starts), len(cases))
        rows = range(0, len(fitted.people), len(cases))
        people = tuple(fitted.people[row : row + len(cases)] for row in rows)
        return Scouted(people, energies, fitted.energy_before[: len(cases)])

    @property
    def _half(self) -> GuidanceOptions:
        return replace(self.guidance, iterations=max(1, self.guidance.iterations // 2))

    def reflected(self, people: Sequence[Person]) -> list[Person]:
        """Return people mirrored in depth, about their pelves (see `hypotheses.reflected`)."""
        betas = torch.from_numpy(np.stack([one.betas for one in people])).to(self.device, self.dtype)
        rest = self._joints.rest_pelvis(betas).double().cpu().numpy()
        return [reflected(one, one.transl + own) for one, own in zip(people, rest, strict=True)]

    def polished(
        self, fitted: Fitted, cases: Cases, options: FittingOptions, silhouette: float = 1.0
    ) -> Fitted:
        """Fit people plainly from where guidance left them; unlike guidance, this can move their shapes.

        Args:
            fitted: by guidance; who was not, stays.
            cases: what was observed of them.
            options: of the fit, which has no prior but that poses stay near.
            silhouette: factor on the weight of segments.
        """
        weights = replace(self.weights, silhouette=silhouette * self.weights.silhouette)
        posed = self._posed(cases.with_people(fitted.people), weights, FINE)
        plain = _fitted(fit(posed.start, posed.terms, None, options))
        keeps = [bool(first or then) for first, then in zip(fitted.reasons, plain.reasons, strict=True)]
        people = [
            old if kept else new for kept, old, new in zip(keeps, fitted.people, plain.people, strict=True)
        ]
        after = np.where(keeps, fitted.energy_after, plain.energy_after)
        return replace(fitted, people=tuple(people), energy_after=after)

    def _drawn(self, cases: Cases) -> list[list[Person]]:
        """Return the people in poses that the denoiser draws for their pictures."""
        found = []
        for x in draw_poses(self.denoiser, self._features(cases), self.samples):
            rotmat = self.denoiser.decode(x).rotmat
            fine = (torch.linalg.det(rotmat.double()) - 1).abs().amax(1) < _OFF  # no columns side by side
            still = torch.eye(3, device=rotmat.device, dtype=rotmat.dtype)
            rotmat = torch.where(fine[:, None, None, None], rotmat, still)
            turned = to_people(rotmat, rotmat.new_zeros(len(cases), 10), rotmat[:, 0, 0])
            found.append(
                [
                    replace(own, betas=one.betas, transl=one.transl) if is_fine else one
                    for own, one, is_fine in zip(turned, cases.people, fine.tolist(), strict=True)
                ]
            )
        return found

    def fit(self, cases: Cases, prior: VPoser | None, options: FittingOptions) -> Fitted:
        """Fit people by plain optimisation of the same energies."""
        posed = self._posed(cases)
        return _fitted(fit(posed.start, posed.terms, prior, options))

    @torch.no_grad()
    def distances(self, people: Sequence[Person], cases: Cases) -> Float:
        """Return how far bodies lie from the joints that were found: (N,).

        The median over a person's joints, as a part of the longer side of the box around them; 0 where none
        was found, infinite where one lies behind the camera.
        """
        turns = rotvec_to_rotmat(
            np.stack([np.concatenate([one.global_orient[None], one.body_pose]) for one in people])
        )
        rotmat, betas = (
            torch.from_numpy(np.asarray(values)).to(self.device, self.dtype)
            for values in (turns, np.stack([one.betas for one in people]))
        )
        posed = self._joints(rotmat, betas)[:, : len(COCO17)].double().cpu().numpy()
        found = []
        for one, own, camera, joints, sure in zip(
            people, posed, cases.cameras, cases.keypoints_2d, cases.confidence, strict=True
        ):
            is_found = sure > 0
            if not is_found.any():
                found.append(0.0)
                continue
            points = (own + one.transl)[is_found].astype(np.float64)
            if points[:, 2].min() < MIN_DEPTH_M:
                found.append(np.inf)
                continue
            placed = project(points, camera.cam_int)
            side = max(float(np.ptp(joints[is_found], axis=0).max()), 1.0)
            found.append(float(np.median(np.linalg.norm(placed - joints[is_found], axis=-1))) / side)
        return np.array(found)

    def _posed(self, cases: Cases, weights: Weights | None = None, detail: Detail = ROUGH) -> Posed:
        points = self._skin(detail.skin_points) if cases.masks else self._joints
        return pose_cases(cases, points, weights or self.weights, self.dtype, detail)

    def _skin(self, count: int) -> SparsePoints:
        if count not in self._skins:
            self._skins[count] = joints_and_skin(self.body, count).to(self.device, self.dtype)
        return self._skins[count]

    def _features(self, cases: Cases) -> torch.Tensor:
        if cases.features is None:
            count = self.denoiser.config.num_features
            return torch.zeros(len(cases), count, device=self.device, dtype=self.dtype)
        features = torch.from_numpy(np.asarray(cases.features)).to(self.device, self.dtype)
        return self.denoiser.standardise(features)


def published(task: str) -> GuidanceOptions:
    """Return the options that ScoreHMR publishes for a task: pictures, views, or video."""
    return GuidanceOptions(iterations=2, start=100, step=10) if task == "views" else GuidanceOptions()


def load_denoiser(
    path: Path, feature_stats: Path | None = None, betas_stats: Path | None = None
) -> tuple[ScoreDenoiser, str]:
    """Load a denoiser of ours (a folder) or a published one (a file).

    Args:
        path: of the denoiser.
        feature_stats: of a published one: `pare_feat_stats.npz` or `prohmr_feat_stats.npz`.
        betas_stats: of a published one that knows shape: `betas_stats_eft_fits.npz`.

    Returns:
        The denoiser, and the version of the estimator whose features it was told; "" where nobody noted it.
    """
    if not path.is_dir():
        return ScoreDenoiser.from_checkpoint(path, feature_stats, betas_stats), ""
    denoiser, note = ScoreDenoiser.from_folder(path), path / NOTE
    return denoiser, str(json.loads(note.read_text())["estimator"]) if note.is_file() else ""


def look(
    estimator: MeshEstimator, images: Sequence[Image], boxes: Sequence[Float], cam_ints: Sequence[Float]
) -> tuple[list[tuple[Person, ...]], list[NDArray[np.float32]]]:
    """Ask a mesh estimator about the people in boxes: their bodies and the features of each picture."""
    estimates = estimator(images, boxes, cam_ints)
    return [estimate.people for estimate in estimates], [vectors(estimate) for estimate in estimates]


def check_version(estimator: Any, trained_with: str, where: str) -> None:
    """Warn where the estimator is another one than the denoiser knows."""
    if trained_with and estimator.version != trained_with:
        logger.warning(
            "%s was trained with features of estimator %s, this one is %s: refinements will be worse; train "
            "it anew (config=train_scorehmr.yaml)",
            where,
            trained_with,
            estimator.version,
        )


def _fitted(refined: Refined) -> Fitted:
    people = to_people(refined.rotmat, refined.betas, refined.transl)
    return Fitted(
        tuple(people),
        tuple(refined.reasons),
        refined.energy_before.double().cpu().numpy(),
        refined.energy_after.double().cpu().numpy(),
    )
