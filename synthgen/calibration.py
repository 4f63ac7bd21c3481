"""Verification from trials with spoiled labels: how many it notices; limits and critics that notice enough.

How far a joint may be off depends on who looks: limits that suit one keypoint model are blind or cruel with
another. Pure functions of what was measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from synthgen.agreement import Agreement, Verification
from synthgen.clues import CLUES
from synthgen.critic import Critic, fit_critic

_FOLDS = 5
_QUANTILES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7)  # of right labels that a candidate limit turns away


@dataclass(frozen=True)
class Trial:
    """What was measured of one picture.

    Attributes:
        right: with its own label.
        spoiled: with spoiled ones, by kind; None where such a body cannot be drawn at all, which is noticed.
        shows: kinds of spoils that can be seen: they move a visible joint further than `agreement.NEAR`.
            Sides swapped in a symmetric pose, or a limb turned towards the camera, leave the picture right.
        again: with its own label once more, of the picture as a shard keeps it; None where nobody asked.
    """

    right: Agreement
    spoiled: Mapping[str, Agreement | None]
    shows: frozenset[str] = frozenset()
    again: Agreement | None = None


@dataclass(frozen=True)
class Rates:
    """What limits do, parts in [0, 1].

    Attributes:
        accepted: of the right labels.
        noticed: of the spoiled labels of accepted pictures that are rejected, by kind.
        count: accepted pictures.
        noticed_shown: of the spoils that show, of all kinds together; 1 without any.
        shown: how many these are.
        dropped: of the accepted pictures that were looked at again, those rejected then; 0 without any.
    """

    accepted: float
    noticed: Mapping[str, float]
    count: int
    noticed_shown: float = 1.0
    shown: int = 0
    dropped: float = 0.0

    @property
    def all_noticed(self) -> float:
        """Mean over the kinds."""
        return float(np.mean(list(self.noticed.values()))) if self.noticed else 0.0


def rates(trials: Sequence[Trial], limits: Verification) -> Rates:
    """Return what limits do to right and to spoiled labels."""
    accepted = [trial for trial in trials if limits.reason(trial.right) is None]
    kinds = list(trials[0].spoiled) if trials else []
    noticed = {
        kind: float(np.mean([_is_noticed(trial.spoiled[kind], limits) for trial in accepted]))
        if accepted
        else 0.0
        for kind in kinds
    }
    shown = [_is_noticed(trial.spoiled[kind], limits) for trial in accepted for kind in sorted(trial.shows)]
    part = float(np.mean(shown)) if shown else 1.0
    again = [limits.reason(trial.again) is not None for trial in accepted if trial.again is not None]
    dropped = float(np.mean(again)) if again else 0.0
    return Rates(len(accepted) / max(len(trials), 1), noticed, len(accepted), part, len(shown), dropped)


def calibrate(trials: Sequence[Trial], limits: Verification, wanted: float) -> Verification | None:
    """Find the limits that accept most right labels among those that notice enough of each kind of spoil.

    Args:
        trials: measured without regard to any limit.
        limits: whose other options are kept.
        wanted: part of the spoiled labels to be noticed, mean over the kinds, [0, 1].

    Returns:
        The limits, or None where none of the candidates (quantiles of the right labels) notices so many.
    """
    if not trials:
        return None
    right = np.array([_numbers(trial.right, limits) for trial in trials])
    spoiled = [np.array([_or_worst(one, limits) for one in trial.spoiled.values()]) for trial in trials]
    wrong = np.stack(spoiled)  # (T, kinds, measures)
    candidates = [np.unique(np.quantile(right[:, column], _QUANTILES)) for column in range(1, right.shape[1])]
    best: tuple[float, NDArray[np.float64]] | None = None
    for choice in product(*candidates):
        least = np.array([right[:, 0].max(), *choice])
        is_accepted = (right >= least).all(-1)
        if not is_accepted.any():
            continue
        noticed = 1 - (wrong[is_accepted] >= least).all(-1).mean(0)
        if noticed.mean() >= wanted and (best is None or is_accepted.mean() > best[0]):
            best = float(is_accepted.mean()), least
    return None if best is None else _limits(best[1], limits)


def fitted_critic(trials: Sequence[Trial], accepted: float) -> Critic:
    """Fit a critic to trials.

    Args:
        trials: with clues.
        accepted: part of the right labels that it trusts, in (0, 1).

    Raises:
        ValueError: there is nobody to learn from.
    """
    right = [_clue_rows(trial.right) for trial in trials]
    wrong = [_clue_rows(one) for trial in trials for one in trial.spoiled.values() if one is not None]
    none = np.zeros((0, len(CLUES)))
    return fit_critic(np.concatenate([none, *right]), np.concatenate([none, *wrong]), accepted)


def cross_judged(trials: Sequence[Trial], accepted: float) -> list[Trial]:
    """Return trials with the trust of a critic that was fitted to other ones: to four fifths of them."""
    judged = list(trials)
    for fold in range(_FOLDS):
        others = [trial for number, trial in enumerate(trials) if number % _FOLDS != fold]
        critic = fitted_critic(others, accepted)
        for number in range(fold, len(trials), _FOLDS):
            own = trials[number]
            spoiled = {name: one and _with_trust(one, critic) for name, one in own.spoiled.items()}
            again = own.again and _with_trust(own.again, critic)
            judged[number] = replace(own, right=_with_trust(own.right, critic), spoiled=spoiled, again=again)
    return judged


def _clue_rows(agreement: Agreement) -> NDArray[np.float64]:
    return np.stack([np.asarray(agreement.clues[name], np.float64) for name in CLUES], -1)


def _with_trust(agreement: Agreement, critic: Critic) -> Agreement:
    return replace(agreement, trust=critic.trust(agreement.clues))


def _is_noticed(agreement: Agreement | None, limits: Verification) -> bool:
    return agreement is None or limits.reason(agreement) is not None


def _numbers(agreement: Agreement, limits: Verification) -> list[float]:
    """Return so that more is better: people, overlap, PCK, worst joint, mesh, limb, support."""
    is_complete = agreement.people_found == len(agreement.iou) or not limits.same_people
    return [
        float(is_complete),
        float(agreement.iou.min()),
        float(agreement.pck.min()),
        -float(agreement.worst_joint.max()),
        -float(agreement.mpvpe_mm.max()),
        float(agreement.limb.min()),
        float(agreement.support.min()),
    ]


def _or_worst(agreement: Agreement | None, limits: Verification) -> list[float]:
    return [-np.inf] * 7 if agreement is None else _numbers(agreement, limits)


def _limits(least: NDArray[np.float64], limits: Verification) -> Verification:
    """Round towards what accepts more, so that right labels at the limit stay accepted."""
    return replace(
        limits,
        min_iou=float(np.floor(least[1] * 1000) / 1000),
        min_pck=float(np.floor(least[2] * 1000) / 1000),
        min_oks=0.0,
        max_worst_joint=float(np.ceil(-least[3] * 1000) / 1000) or 0.001,
        max_mpvpe_mm=float(np.ceil(-least[4])) or 1.0,
        min_limb=float(np.floor(least[5] * 1000) / 1000),
        min_support=float(np.floor(least[6] * 1000) / 1000),
    )
