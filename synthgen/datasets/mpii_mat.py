"""MPII Human Pose as its authors publish it: one MATLAB file with all people of all pictures.

SciPy reads it in a process of its own: damaged files can end that process where no error can be caught.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.files import ODD, Files
from synthgen.datasets.joint_orders import MPII16
from synthgen.geometry import Array

EXPECTED = "MPII's RELEASE: annolist (image.name, annorect.annopoints.point), img_train, act"
_ONE = 1.0  # MATLAB counts pixels from 1
_WRONG = "wrong"
_READER = "import sys; from synthgen.datasets.mpii_mat import answer; answer(sys.argv[1])"


@dataclass(frozen=True)
class Annotation:
    """A picture of the training set.

    Attributes:
        name: of its file.
        people: (P, 16, 3) MPII-16 x, y [px], 1 visible, 0 hidden; NaN where nobody labelled the joint.
        family: category of what is done ("sports").
        action: what is done.
    """

    name: str
    people: Array
    family: str
    action: str


def read_mat(files: Files, path: Path) -> list[Annotation]:
    """Return the annotated pictures of MPII's training set, in the order of the file.

    Raises:
        LayoutError: it is not MPII's file.
    """
    with files.reading(path, EXPECTED):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", _READER, str(path)], stdout=subprocess.PIPE, env=environment, check=False
        )
        if run.returncode != 0:
            raise ValueError(f"is damaged: SciPy's reader of MATLAB files ended with {run.returncode}")
        found = np.load(io.BytesIO(run.stdout), allow_pickle=False)
        if _WRONG in found:
            raise ValueError(str(found[_WRONG]))
        people = np.split(found["people"], np.cumsum(found["counts"])[:-1])
        names, families, actions = (list(map(str, found[key])) for key in ("names", "families", "actions"))
        rows = zip(names, people, families, actions, strict=True) if names else ()
        return [Annotation(*row) for row in rows]


def answer(path: str) -> None:
    """Read a file and write its pictures, or what is wrong with it, to the standard output as npz."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    found: list[Annotation] = []
    wrong: dict[str, Any] = {}
    try:
        release = loadmat(path, struct_as_record=False, squeeze_me=True)["RELEASE"]
        found = list(_annotations(release))
    except KeyError as error:
        wrong = {_WRONG: f"lacks {error.args[0]!r}"}
    except (*ODD, MatReadError, NameError) as error:  # a NameError is SciPy's own
        wrong = {_WRONG: f"cannot be read as a MATLAB file: {error or type(error).__name__}"}
    none = np.zeros((0, len(MPII16), 3))
    arrays: dict[str, Any] = wrong or {
        "names": np.array([one.name for one in found], np.str_),
        "families": np.array([one.family for one in found], np.str_),
        "actions": np.array([one.action for one in found], np.str_),
        "counts": np.array([len(one.people) for one in found], np.int64),
        "people": np.concatenate([none, *(one.people for one in found)]),
    }
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    sys.stdout.buffer.write(packed.getvalue())


def _annotations(release: Any) -> Iterator[Annotation]:
    images, flags = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
    if len(images) != len(flags):
        raise ValueError(f"annolist has {len(images)} pictures, img_train {len(flags)}")
    acts = np.atleast_1d(getattr(release, "act", np.zeros(0)))
    for number, (image, is_train) in enumerate(zip(images, flags, strict=True)):
        if not is_train:
            continue
        people = [_person(one) for one in np.atleast_1d(image.annorect) if _points(one) is not None]
        if people:
            act = acts[number] if number < len(acts) else None
            family, action = (_text(getattr(act, name, "")) for name in ("cat_name", "act_name"))
            yield Annotation(str(image.image.name), np.array(people), family, action)


def _points(person: Any) -> Any:
    """Return the labelled points of a person, or None where there are none."""
    points = getattr(getattr(person, "annopoints", None), "point", None)
    return None if points is None or not np.size(points) else np.atleast_1d(points)


def _person(person: Any) -> Array:
    found = np.full((len(MPII16), 3), np.nan)
    for point in _points(person):
        joint = int(point.id)
        if not 0 <= joint < len(MPII16):
            raise ValueError(f"a point has the id {joint}, expected 0 to {len(MPII16) - 1}")
        found[joint] = float(point.x) - _ONE, float(point.y) - _ONE, _seen(getattr(point, "is_visible", 1))
    return found


def _seen(flag: Any) -> float:
    """Return 0 for hidden, else 1: some joints (head, neck) come without a flag."""
    return 0.0 if str(np.ravel(flag)[0] if np.size(flag) else 1) in ("0", "0.0") else 1.0


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) and value else "unknown"
