"""A critic tells right from wrong, trusts the part it was told to, and is read from plain values only."""

from typing import Any

import numpy as np
import pytest

from synthgen.clues import CLUES
from synthgen.critic import Critic, fit_critic

COUNT = len(CLUES)


def labels(shift: float, count: int = 400, seed: int = 0) -> np.ndarray:
    """Draw clues (N, K) of which the first two tell; the second does so only given the first."""
    rng = np.random.default_rng([seed, int(100 + 10 * shift)])
    rows = rng.standard_normal((count, COUNT))
    rows[:, 0] += 3 * rows[:, 1] + shift
    return rows


def trusted(critic: Critic, rows: np.ndarray) -> np.ndarray:
    return critic.trust(dict(zip(CLUES, rows.T, strict=True)))


def test_it_tells_labels_apart_that_no_single_clue_does() -> None:
    right, wrong = labels(3.0), labels(-3.0)
    critic = fit_critic(right, wrong, 0.9)
    assert (trusted(critic, right) >= 0.5).mean() == pytest.approx(0.9, abs=0.01)
    fresh = trusted(critic, labels(3.0, seed=1)), trusted(critic, labels(-3.0, seed=1))
    assert (fresh[0] >= 0.5).mean() > 0.83 and (fresh[1] < 0.5).mean() > 0.97
    limit = np.quantile(right[:, 0], 0.1)
    assert (wrong[:, 0] < limit).mean() < 0.8, "a limit on the telling clue alone"


def test_how_many_are_trusted_is_a_choice() -> None:
    right, wrong = labels(1.0), labels(-1.0)
    for accepted in (0.5, 0.8, 0.95):
        found = fit_critic(right, wrong, accepted)
        assert (trusted(found, right) >= 0.5).mean() == pytest.approx(accepted, abs=0.01)


def test_what_is_no_number_is_not_trusted() -> None:
    critic = fit_critic(labels(1.0), labels(-1.0), 0.9)
    rows = labels(1.0, 2)
    rows[0, 3] = np.nan
    assert trusted(critic, rows)[0] == 0 and 0 < trusted(critic, rows)[1] < 1


def test_it_is_not_fitted_to_nothing() -> None:
    with pytest.raises(ValueError, match="one side is empty"):
        fit_critic(labels(1.0), labels(1.0, 0), 0.9)
    bad = labels(1.0)
    bad[0, 0] = np.inf
    with pytest.raises(ValueError, match="finite"):
        fit_critic(bad, labels(-1.0), 0.9)


def test_plain_values_come_back_and_odd_ones_do_not() -> None:
    critic = fit_critic(labels(1.0), labels(-1.0), 0.9)
    values = critic.values()
    assert Critic.from_values(values) == critic
    broken: list[tuple[Any, str]] = [
        ([], "a critic has the keys .* got list"),
        ({**values, "more": 1}, "a critic has the keys"),
        ({**values, "names": ["overlap", *["nonsense"] * (COUNT - 1)]}, "unknown clue 'nonsense'"),
        ({**values, "names": 3}, "names must be a list"),
        (
            {**values, "weights": values["weights"][:-1]},
            f"weights must hold {COUNT} numbers, got {COUNT - 1}",
        ),
        ({**values, "center": ["0"] * COUNT}, "center must be a list of numbers"),
        ({**values, "scale": [0.0] * COUNT}, "scale must be above 0"),
        ({**values, "bias": float("nan")}, "bias must be finite"),
        ({**values, "bias": True}, "bias must be a number"),
    ]
    for one, message in broken:
        with pytest.raises(ValueError, match=message):
            Critic.from_values(one)
