"""SMPL files in the layouts that users have are read; everything else gets one clear error."""

import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest
import scipy.sparse

from synthgen.body import OPEN_FILE, load_body
from synthgen.body_file import SMPL_VERTICES, read_body_file
from synthgen.joints import POINT_NAMES, SMPL24
from synthgen.sample import Person

RAW = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")


@pytest.fixture(scope="module")
def fields() -> dict:
    """The fields of an SMPL file, with made-up numbers of the right kind."""
    rng = np.random.default_rng(0)
    count = SMPL_VERTICES
    regressor = np.zeros((24, count))
    regressor[np.arange(24)[:, None], rng.integers(0, count, (24, 5))] = 1
    weights = rng.uniform(0, 1, (count, 24)) ** 8
    parents = np.array(SMPL24.parents, np.int64)
    parents[0] = 2**32 - 1
    return {
        "v_template": rng.normal(0, 0.5, (count, 3)),
        "shapedirs": rng.normal(0, 0.01, (count, 3, 10)),
        "posedirs": rng.normal(0, 0.001, (count, 3, 207)).astype(np.float32),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "f": rng.integers(0, count, (13776, 3)).astype(np.uint32),
        "kintree_table": np.stack([parents, np.arange(24)]).astype(np.uint32),
        "J": np.zeros((24, 3)),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


class Python2Pickler(pickle._Pickler):
    """Writes raw bytes as Python 2's str, as the official files have them."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_raw(self, data):
        if self.proto:
            self.write(b"T" + struct.pack("<i", len(data)) + data)
        else:
            self.write(b"S" + repr(data)[1:].encode("ascii") + b"\n")
        self.memoize(data)

    dispatch[bytes] = save_raw


@pytest.fixture
def chumpy(monkeypatch):
    """Modules with chumpy's names, so that pickles can be made that name its classes."""
    modules = {name: types.ModuleType(name) for name in ("chumpy", "chumpy.ch", "chumpy.reordering")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
        for kind in ("Ch",) if name == "chumpy.ch" else ("Select", "transpose"):
            setattr(module, kind, type(kind, (), {"__module__": name}))
    return modules


def expression(kind: type, **state):
    made = kind()
    made.__dict__.update(state)
    return made


def official(fields: dict, chumpy: dict) -> dict:
    """Wrap the fields in the objects that the official pickles hold."""
    plain, reordering = chumpy["chumpy.ch"].Ch, chumpy["chumpy.reordering"]
    more = np.concatenate([fields["shapedirs"], np.ones((SMPL_VERTICES, 3, 1))], axis=2)
    picked = np.arange(more.size).reshape(more.shape)[:, :, :10]
    common = {"_dirty_vars": {"x"}, "_itr": None, "_depends_on_deps": {}}
    return fields | {
        "v_template": expression(plain, x=fields["v_template"], **common),
        "shapedirs": expression(
            reordering.Select,
            a=expression(plain, x=more, **common),
            idxs=picked.ravel(),
            preferred_shape=picked.shape,
        ),
        "J_regressor": scipy.sparse.csc_matrix(fields["J_regressor"]),
        "J": expression(reordering.transpose, a=expression(plain, x=np.zeros((3, 24))), axes=None),
        "pose_training_info": {"gender": "neutral", "counts": np.float64(3.5)},
        "posedirs": np.asfortranarray(fields["posedirs"]),
    }


def write_official(path, content: dict, protocol: int) -> None:
    with path.open("wb") as file:
        Python2Pickler(file, protocol).dump(content)
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"numpy._core.", b"numpy.core.").replace(b"scipy.sparse._", b"scipy.sparse.")
    )


def assert_read(path, fields) -> None:
    body = read_body_file(path)
    for name in RAW:
        np.testing.assert_array_equal(getattr(body, name), fields[name].astype(np.float32), err_msg=name)
    np.testing.assert_array_equal(body.faces, fields["f"])
    assert not body.is_open


@pytest.mark.parametrize("protocol", [0, 2])
def test_official_pickle_with_chumpy_is_read_without_chumpy(protocol, fields, chumpy, tmp_path, monkeypatch):
    path = tmp_path / "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"
    write_official(path, official(fields, chumpy), protocol)
    for name in chumpy:
        monkeypatch.delitem(sys.modules, name)
    assert b"chumpy.reordering\nSelect" in path.read_bytes()
    assert b"scipy.sparse.csc\ncsc_matrix" in path.read_bytes()
    assert_read(path, fields)
    assert not any(name.startswith("chumpy") for name in sys.modules)


@pytest.mark.parametrize("protocol", [2, 5])
def test_cleaned_pickle_is_read(protocol, fields, tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(fields, protocol))
    assert_read(path, fields)


def test_npz_is_read_and_extra_shapes_are_dropped(fields, tmp_path):
    path = tmp_path / "model.npz"
    more = np.concatenate([fields["shapedirs"], np.ones((SMPL_VERTICES, 3, 6))], axis=2)
    np.savez(path, **fields | {"shapedirs": more, "notes": np.array([{}], dtype=object)})
    assert_read(path, fields)


def test_official_body_poses_like_smplx(fields, tmp_path):
    """The same file in smplx's own loader gives the same vertices, and the landmarks that smplx picks."""
    import smplx
    import torch

    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(fields))
    rng = np.random.default_rng(1)
    person = Person(*(rng.normal(0, 0.5, shape) for shape in ((3,), (23, 3), (10,), (3,))))
    body = load_body(str(path))
    posed = body.pose([person])
    arguments = {
        "global_orient": person.global_orient,
        "body_pose": person.body_pose,
        "betas": person.betas,
        "transl": person.transl,
    }
    out = smplx.SMPL(str(path))(
        **{name: torch.tensor(value.reshape(1, -1), dtype=torch.float32) for name, value in arguments.items()}
    )
    assert body.name == "smpl"
    np.testing.assert_allclose(posed.vertices[0], out.vertices[0].detach(), atol=1e-5)
    np.testing.assert_allclose(posed.points[0, :24], out.joints[0, :24].detach(), atol=1e-5)
    landmarks = ["nose", "right_eye", "left_eye", "right_ear", "left_ear"]  # in smplx's order
    landmarks += [f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")]
    ours = posed.points[0, [POINT_NAMES.index(name) for name in landmarks]]
    np.testing.assert_allclose(ours, out.joints[0, 24:35].detach(), atol=1e-5)


def made_wrong(fields: dict) -> dict:
    weights = fields["weights"].copy()
    weights[5] *= 2
    tree = fields["kintree_table"].copy()
    tree[0, 4] = 2
    hands = np.zeros((2, 52), np.uint32)
    return {
        r"not an SMPL body: it lacks posedirs, weights; it holds J, ": {"posedirs": None, "weights": None},
        r"looks like a SMPL-H model: 6890 vertices and 52 joints": {"kintree_table": hands},
        r"looks like a SMPL-X model: 10475 vertices and 55 joints": {
            "kintree_table": np.zeros((2, 55), np.uint32),
            "v_template": np.zeros((10475, 3)),
        },
        r"looks like a MANO model": {
            "kintree_table": np.zeros((2, 16), np.uint32),
            "v_template": np.zeros((778, 3)),
        },
        r"not an SMPL body: 100 vertices and 24 joints; SMPL has 6890 and 24": {
            "v_template": np.zeros((100, 3))
        },
        r"not an SMPL body: v_template is \(9,\)": {"v_template": np.zeros(9)},
        r"field posedirs must have shape \(6890, 3, 207\), got \(6890, 3, 93\)": {
            "posedirs": fields["posedirs"][..., :93]
        },
        r"field shapedirs must hold at least 10 directions, got 4": {
            "shapedirs": fields["shapedirs"][..., :4]
        },
        r"field J_regressor must have shape \(24, 6890\), got \(23, 6890\)": {
            "J_regressor": fields["J_regressor"][:23]
        },
        r"field weights: rows must sum to 1, one is off by 1": {"weights": weights},
        r"field kintree_table must hold SMPL's parents": {"kintree_table": tree},
        r"field f must hold whole numbers from 0 to 6889": {"f": fields["f"] + 1},
        r"field v_template: holds NaN": {"v_template": np.full((SMPL_VERTICES, 3), np.nan)},
        r"field f: .*dtype": {"f": np.array([[True, True, False]])},
    }


@pytest.mark.parametrize("form", ["pkl", "npz"])
def test_wrong_fields_name_the_field_what_was_found_and_what_is_expected(form, fields, tmp_path):
    small = fields | {"posedirs": np.zeros((SMPL_VERTICES, 3, 207), np.float16)}
    for message, change in made_wrong(small).items():
        content = {name: value for name, value in (small | change).items() if value is not None}
        path = tmp_path / f"wrong.{form}"
        if form == "npz":
            np.savez(path, **content)
        else:
            path.write_bytes(pickle.dumps(content))
        with pytest.raises(ValueError, match=f"body wrong.{form}: {message}"):
            read_body_file(path)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_hostile_pickle_is_refused_and_not_run(fields, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(fields | {"v_template": Hostile()}))
    with pytest.raises(ValueError, match=r"body SMPL_NEUTRAL.pkl: refused: it asks for 'posix.system'"):
        load_body(str(path))
    assert not (tmp_path / "owned").exists()


def test_npz_with_objects_is_refused_and_not_run(fields, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("objects.npz", **fields | {"J_regressor": np.array([Hostile()], dtype=object)})
    with pytest.raises(ValueError, match="objects.npz: field J_regressor: Object arrays cannot be loaded"):
        load_body("objects.npz")
    assert not (tmp_path / "owned").exists()


def test_files_that_are_not_bodies_are_one_clear_error(tmp_path):
    (tmp_path / "page.pkl").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(ValueError, match="body page.pkl: not a readable pickle"):
        load_body(str(tmp_path / "page.pkl"))
    (tmp_path / "cut.npz").write_bytes(OPEN_FILE.read_bytes()[:100_000])
    with pytest.raises(ValueError, match="body cut.npz: damaged .npz"):
        load_body(str(tmp_path / "cut.npz"))
    flipped = bytearray(OPEN_FILE.read_bytes())
    flipped[len(flipped) // 2] ^= 255
    (tmp_path / "flipped.npz").write_bytes(bytes(flipped))
    with pytest.raises(ValueError, match=r"body flipped.npz: (field \w+: )?damaged"):
        load_body(str(tmp_path / "flipped.npz"))
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="expected a pickled dict of arrays, got list"):
        load_body(str(tmp_path / "list.pkl"))
    with pytest.raises(FileNotFoundError, match="no such file; give 'open' or the path of an SMPL file"):
        load_body(str(tmp_path / "SMPL_NEUTRAL.pkl"))
    with pytest.raises(FileNotFoundError, match="it is a folder; name the file in it"):
        load_body(str(tmp_path))


def test_every_truncation_of_an_official_file_is_an_error(fields, tmp_path):
    data = pickle.dumps(fields, 2)
    for length in np.linspace(0, len(data) - 1, 12).astype(int):
        (tmp_path / "cut.pkl").write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"body cut.pkl: not a readable pickle"):
            read_body_file(tmp_path / "cut.pkl")
