"""People of the open body with every label, and estimators that say what a test wants."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthgen.backends.protocols import MeshEstimate
from synthgen.body import Body
from synthgen.evaluation.evaluate import EstimateFunction
from synthgen.evaluation.measure import Judge
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Person
from synthgen.shards.observations import read_observations

Change = Callable[[Person], Person]


@pytest.fixture
def observations(run_dir: Path) -> list[Observation]:
    """Return five pictures with seven people, all of which is known."""
    return list(read_observations(str(run_dir)))


@pytest.fixture
def judge(body: Body) -> Judge:
    return Judge({body.name: body})


@pytest.fixture
def estimator() -> Callable[[Change], EstimateFunction]:
    """Return what makes an estimator that knows the true people and changes them; tokens are empty."""

    def make(change: Change) -> EstimateFunction:
        def estimate(pictures: Sequence[Observation]) -> list[MeshEstimate]:
            return [
                MeshEstimate(
                    tuple(change(person.person) for person in one.people if person.person is not None),
                    np.zeros((len(one.people), 1, 1), np.float32),
                )
                for one in pictures
            ]

        return estimate

    return make


@pytest.fixture
def changed() -> Callable[..., Observation]:
    """Return changed(observation, **fields): every person of it with these fields."""

    def change(observation: Observation, **fields: Any) -> Observation:
        people: tuple[ObservedPerson, ...] = tuple(replace(one, **fields) for one in observation.people)
        return replace(observation, people=people)

    return change
