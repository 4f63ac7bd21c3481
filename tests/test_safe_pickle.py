"""Pickles are read without running them: arrays come out, everything else is refused by name."""

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from synthgen.safe_pickle import UnsafePickleError, load_pickle, to_array, to_texts


class Call:
    """Pickles as a call of a function, as hostile files do."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def load(data: bytes, tmp_path: Path):
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    with path.open("rb") as file:
        return load_pickle(file)


ARRAYS = [
    np.zeros((0, 4)),
    np.arange(24, dtype=np.float64).reshape(2, 3, 4),
    np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    np.array([1, -2, 3], ">i4"),
    np.array([[4294967295, 0]], np.uint32),
    np.array(3.0),
    np.ones((1, 2), np.float16),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_of_every_protocol_come_back(array, protocol, tmp_path):
    back = to_array(load(pickle.dumps({"x": array}, protocol), tmp_path)["x"])
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_old_and_new_numpy_paths_are_read(module, tmp_path):
    data = pickle.dumps(np.arange(3.0), 2).replace(b"numpy._core.multiarray", module.encode())
    np.testing.assert_array_equal(to_array(load(data, tmp_path)), [0, 1, 2])


@pytest.mark.parametrize("kind", ["csc", "csr", "coo"])
@pytest.mark.parametrize("old", [True, False])
def test_sparse_matrices_become_dense(kind, old, tmp_path):
    dense = np.array([[0, 1.5, 0], [2, 0, 0], [0, 0, 0], [0, 3, 4]])
    data = pickle.dumps(getattr(scipy.sparse, f"{kind}_matrix")(dense), 2)
    if old:
        data = data.replace(b"scipy.sparse._", b"scipy.sparse.")
    np.testing.assert_array_equal(to_array(load(data, tmp_path)), dense)


HOSTILE = {
    "system": Call(os.system, "touch owned"),
    "eval": Call(eval, "open('owned', 'w')"),
    "exec": Call(exec, "open('owned', 'w')"),
    "open": Call(open, "owned", "w"),
    "getattr": Call(getattr, "", "join"),
    "import": Call(__import__, "os"),
    "nested": {"v_template": [{"x": (Call(os.system, "touch owned"),)}]},
    "array of objects": {"v_template": np.array([Call(os.system, "touch owned"), 1], dtype=object)},
    "numpy load": Call(np.load, "owned.npy"),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", HOSTILE)
def test_calls_are_refused_by_name_and_never_run(name, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePickleError, match="refused: it asks for '.*', which no file of arrays needs"):
        load(pickle.dumps(HOSTILE[name], protocol), tmp_path)
    assert not (tmp_path / "owned").exists()


def stack_global(module: str, name: str) -> bytes:
    parts = [b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)]
    return b"\x80\x04" + b"".join(parts) + b"\x93"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("numpy", "f2py.crackfortran.myeval"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("builtins", "object.__subclasses__"),
        ("scipy.sparse.csc", "np.load"),
        ("copyreg", "__newobj__"),
        ("numpy", "memmap"),
        ("chumpyevil", "Ch"),
        ("chumpy\n", "Ch"),
        ("", "chumpy"),
    ],
)
def test_names_beside_the_listed_ones_are_refused(module, name, tmp_path):
    with pytest.raises(UnsafePickleError, match="refused"):
        load(stack_global(module, name) + b".", tmp_path)


def test_listed_names_do_nothing_when_called(tmp_path):
    """`chumpy.os.system` is recorded, not looked up."""
    notes = load(stack_global("chumpy", "os.system") + b"\x8c\x0btouch owned\x85R.", tmp_path)
    with pytest.raises(ValueError, match="expected an array, got chumpy.os.system"):
        to_array(notes)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html><html>",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\x80\x02",
        b"\x80\x02}q\x00",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",  # claims 4 exbibytes
        b"\x80\x04}r" + struct.pack("<I", 2**31) + b"0.",  # memo far away, then an empty stack
        b"\x80\x02\x82\x01.",  # extension registry
        b"Pnobody\n.",  # persistent id
        b"\x80\x05\x97.",  # out-of-band buffer
        b"(lp0\n" * 5 + b"aaaaa",
    ],
)
def test_damaged_files_are_one_clear_error(data, tmp_path):
    with pytest.raises(ValueError, match="not a readable pickle"):
        load(data, tmp_path)


def test_every_truncation_is_an_error(tmp_path):
    data = pickle.dumps({"x": np.arange(5.0), "s": scipy.sparse.csc_matrix(np.eye(3))}, 2)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="not a readable pickle|refused"):
            load(data[:length], tmp_path)


def test_arrays_whose_parts_do_not_fit_are_refused(tmp_path):
    good = pickle.dumps(np.arange(4.0), 2)
    assert good.count(b"K\x04\x85") == 1  # the shape (4,)
    with pytest.raises(ValueError, match=r"array \(5,\) of float64 needs 40 bytes, got 32"):
        to_array(load(good.replace(b"K\x04\x85", b"K\x05\x85"), tmp_path))
    with pytest.raises(ValueError, match="Python objects"):
        to_array(load(pickle.dumps(np.array([None, {}], dtype=object)), tmp_path))
    with pytest.raises(ValueError, match="holds dtype 'U3'"):
        to_array(load(pickle.dumps(np.array(["abc"])), tmp_path))
    matrix = scipy.sparse.csc_matrix(np.eye(3))
    matrix.indices[0] = 7
    with pytest.raises(ValueError, match="an index outside its shape"):
        to_array(load(pickle.dumps(matrix), tmp_path))
    matrix = scipy.sparse.csc_matrix(np.eye(3))
    matrix.indptr[1] = 2**31 - 1
    with pytest.raises(ValueError, match="inconsistent"):
        to_array(load(pickle.dumps(matrix), tmp_path))
    huge = scipy.sparse.coo_matrix(([1.0], ([0], [0])), shape=(2**31 - 1, 2**31 - 1))
    with pytest.raises(ValueError, match="a sparse matrix has shape"):
        to_array(load(pickle.dumps(huge), tmp_path))


def test_an_expression_inside_itself_ends(tmp_path):
    """chumpy.ch.Ch whose x is itself."""
    data = b"\x80\x02cchumpy.ch\nCh\n)\x81q\x00}q\x01U\x01xh\x00sb."
    with pytest.raises(ValueError, match="more than 16 chumpy expressions"):
        to_array(load(data, tmp_path))


@pytest.mark.parametrize("protocol", range(6))
def test_names_come_back_as_text(tmp_path: Path, protocol: int) -> None:
    names = ["a/b.jpg", "größe.png", ""]
    assert to_texts(load(pickle.dumps(names, protocol), tmp_path)) == names
    assert to_texts(load(pickle.dumps(np.array(names), protocol), tmp_path)) == names
    assert to_texts(load(pickle.dumps(np.array([b"x", b"yz"]), protocol), tmp_path)) == ["x", "yz"]
    for odd in ([1, 2], np.arange(3), np.array([None, "a"], dtype=object)):
        with pytest.raises(ValueError, match="expected text"):
            to_texts(load(pickle.dumps(odd, protocol), tmp_path))
