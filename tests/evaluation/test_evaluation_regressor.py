from pathlib import Path

import numpy as np
import pytest

from synthgen.body import Body
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.regressor import read_regressor
from synthgen.joints import H36M17
from synthgen.sample import Person


def nearest_vertices(body: Body) -> np.ndarray:
    """Return a matrix that puts each joint onto the vertex nearest to it."""
    still = Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.zeros(3))
    posed = body.pose([still])
    joints = body.joints(posed.points[0], H36M17)
    matrix = np.zeros((len(H36M17), len(posed.vertices[0])))
    for row, joint in enumerate(joints):
        matrix[row, np.linalg.norm(posed.vertices[0] - joint, axis=-1).argmin()] = 1
    return matrix


def test_the_papers_matrix_takes_the_place_of_the_bodys_joints(tmp_path: Path, body: Body) -> None:
    matrix = nearest_vertices(body)
    np.save(tmp_path / "J.npy", matrix)
    judge = Judge({"open": body}, h36m_regressor=read_regressor(str(tmp_path / "J.npy"), body))
    rng = np.random.default_rng(2)
    person = Person(rng.normal(size=3), rng.normal(0, 0.3, (23, 3)), rng.normal(size=10), np.zeros(3))
    posed = body.pose([person])
    expected = matrix @ posed.vertices[0]
    found = judge.joints(body, posed)[0]
    np.testing.assert_allclose(found, expected[list(judge.protocol.indices)] - expected[0], atol=1e-6)
    assert not np.allclose(found, Judge({"open": body}).joints(body, posed)[0], atol=1e-3)


def test_the_file_with_the_left_leg_first_is_refused(tmp_path: Path, body: Body) -> None:
    matrix = nearest_vertices(body)[list(H36M17.flip_permutation())]
    np.savez(tmp_path / "J.npz", J=matrix)
    with pytest.raises(ValueError, match=r"puts right_hip on the other side .* has the right leg first"):
        read_regressor(str(tmp_path / "J.npz"), body)


@pytest.mark.parametrize("shape", [(17, 100), (14, 6890)])
def test_other_files_are_refused(tmp_path: Path, body: Body, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "J.npy", np.zeros(shape))
    with pytest.raises(ValueError, match=r"must hold finite \(17, 7599\), got"):
        read_regressor(str(tmp_path / "J.npy"), body)
    with pytest.raises(ValueError, match=r"nowhere.npy cannot be read"):
        read_regressor(str(tmp_path / "nowhere.npy"), body)
    np.save(tmp_path / "evil.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"evil.npy cannot be read"):
        read_regressor(str(tmp_path / "evil.npy"), body)
