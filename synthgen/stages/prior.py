"""Step `prior`: is a pose easy, hard or implausible? And variants of it, as Diffusion-HPC draws them.

The score is the squared norm of VPoser's mean code: small for common poses. Below `hard_from` a pose is easy:
that is a measure of difficulty, not of plausibility, which has an upper bound of its own (and the error with
which the prior decodes the pose).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from synthgen.backends.protocols import PosePrior
from synthgen.body import Body
from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.guide import Bodies
from synthgen.sample import Person
from synthgen.scenes.collision import self_penetration

Easy = Literal["keep", "drop", "redraw"]
_VARIANT_STREAM = 0x7072696F  # keeps the draws of variants apart from all others of a seed
_TRIES = 4  # draws of a variant until one does not run into itself


@dataclass(frozen=True)
class Judging:
    """Limits of the pose prior, and variants of poses.

    Attributes:
        hard_from: squared norm of the code from which on a pose counts as hard (paper: 30).
        easy: what becomes of pictures with easy poses only. keep: the picture stays as it was drawn; drop:
            rejected; redraw: drawn anew like the hard ones.
        plausible_to: squared norm above which a pose counts as implausible and is rejected.
        max_error_deg: mean angle of a joint [degrees] between pose and decoded code, above which likewise.
        variants: requests in a row that share a guide; the first keeps its pose, others vary it (paper: 3).
        code_scale: variants multiply each component of the code by this on average,
        code_spread: with this deviation.
        orient_noise_deg: deviation of each component of a variant's turn [degrees].
        shape_noise: deviation of the factor on each beta of a variant.
        max_penetration: how deep a variant may run into itself [m] before another one is drawn.
    """

    hard_from: float = 30.0
    easy: Easy = "redraw"
    plausible_to: float = 120.0
    max_error_deg: float = 15.0
    variants: int = 1
    code_scale: float = 1.5
    code_spread: float = 0.3
    orient_noise_deg: float = 10.0
    shape_noise: float = 0.1
    max_penetration: float = 0.03

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        names = (
            "hard_from",
            "code_scale",
            "code_spread",
            "orient_noise_deg",
            "shape_noise",
            "max_penetration",
        )
        found = [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in names
            if not getattr(self, name) >= 0
        ]
        if self.variants < 1:
            found.append(f"variants must be at least 1, got {self.variants}")
        if not self.plausible_to > self.hard_from:
            found.append(
                f"plausible_to must be above hard_from {self.hard_from:g}, got {self.plausible_to:g}"
            )
        if not 0 < self.max_error_deg <= 180:
            found.append(f"max_error_deg must be in (0, 180], got {self.max_error_deg}")
        return found


@dataclass(frozen=True)
class Judged:
    """Bodies that the prior lets pass.

    Attributes:
        bodies: people, varied where asked for.
        is_easy: nobody's pose is hard.
        scores: of each person, by the names they have in the record.
    """

    bodies: Bodies
    is_easy: bool
    scores: tuple[dict[str, float], ...]


def judge(batch: Sequence[Bodies], prior: PosePrior, options: Judging) -> list[Judged | str]:
    """Ask the prior about everybody; answer with the bodies, or why they are turned away."""
    poses = [person.body_pose for bodies in batch for person in bodies.scene.people]
    report = prior(np.stack(poses))
    errors = np.degrees(report.errors)
    answers: list[Judged | str] = []
    start = 0
    for bodies in batch:
        own = slice(start, start + len(bodies.scene.people))
        start = own.stop
        norms, wrong = report.squared_norm[own], errors[own]
        is_easy = bool((norms < options.hard_from).all())
        if (norms > options.plausible_to).any():
            answers.append("implausible pose")
        elif (wrong > options.max_error_deg).any():
            answers.append("pose unknown to the prior")
        elif is_easy and options.easy == "drop":
            answers.append("easy pose")
        else:
            pairs = zip(norms, wrong, strict=True)
            scores = tuple({"prior": round(float(n), 4), "prior_error": round(float(e), 4)} for n, e in pairs)
            answers.append(Judged(bodies, is_easy, scores))
    return answers


def vary(bodies: Bodies, prior: PosePrior, model: Body, options: Judging, seed: int) -> Bodies | str:
    """Draw a variant of everybody: the code scaled, the body turned, its shape changed; pelvis in place.

    Args:
        bodies: the guide's.
        prior: encodes and decodes poses.
        model: body model, to see whether a variant runs into itself.
        options: how much is varied (Diffusion-HPC, section 3.2 and its repository).
        seed: of the sample.
    """
    poses = np.stack([person.body_pose for person in bodies.scene.people])
    codes = prior(poses).codes
    varied = []
    for number, (person, code) in enumerate(zip(bodies.scene.people, codes, strict=True)):
        for attempt in range(_TRIES):
            rng = np.random.default_rng([seed, _VARIANT_STREAM, number, attempt])
            drawn = _variant(person, code, prior, model, options, rng)
            if self_penetration(model, model.pose([drawn]).vertices[0]) <= options.max_penetration:
                varied.append(drawn)
                break
        else:
            return "variant runs into itself"
    return replace(bodies, scene=replace(bodies.scene, people=tuple(varied)))


def _variant(
    person: Person,
    code: np.ndarray,
    prior: PosePrior,
    model: Body,
    options: Judging,
    rng: np.random.Generator,
) -> Person:
    scale = options.code_scale + options.code_spread * rng.standard_normal(len(code))
    pose = prior.decode(code[None] * scale)[0]
    pose[21:] = person.body_pose[21:]
    turn = rotvec_to_rotmat(np.radians(options.orient_noise_deg) * rng.standard_normal(3))
    orient = rotmat_to_rotvec(turn @ rotvec_to_rotmat(np.asarray(person.global_orient, np.float64)))
    betas = person.betas * (1 + options.shape_noise * rng.standard_normal(len(person.betas)))
    pelvis = model.rest_pelvis(person.betas) + person.transl
    return Person(
        global_orient=orient.astype(np.float32),
        body_pose=pose.astype(np.float32),
        betas=np.asarray(betas, np.float32),
        transl=(pelvis - model.rest_pelvis(betas)).astype(np.float32),
    )
