import numpy as np

from synthgen.scorehmr.tracks import Appearance, overlap, tracks


def box(x: float, y: float = 0.0) -> np.ndarray:
    return np.array([x, y, x + 10, y + 20])


def test_overlap_by_hand() -> None:
    assert overlap(box(0), box(0)) == 1 and overlap(box(0), box(30)) == 0
    np.testing.assert_allclose(overlap(box(0), box(5)), 100 / 300)


def test_two_people_who_cross_a_clip_are_two_tracks() -> None:
    """In whatever order frames list them; who comes back where nobody was is somebody new."""
    seen = [
        Appearance("a", frame, box(place))
        for frame in range(5)
        for place in ((3.0 * frame, 100.0 - 3 * frame) if frame % 2 else (100.0 - 3 * frame, 3.0 * frame))
    ]
    seen += [Appearance("b", 1, box(3)), Appearance("a", 9, box(500))]
    names = tracks(seen)
    left = [name for one, name in zip(seen, names, strict=True) if one.clip == "a" and one.bbox[0] < 40]
    right = [name for one, name in zip(seen, names, strict=True) if 60 < one.bbox[0] < 200]
    assert len(left) == len(right) == 5 and len(set(left)) == len(set(right)) == 1
    assert len(set(names)) == 4
