import io
import os
import pickle
import sys
import types
import zipfile
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from synthgen.torch_file import is_mapped, let_go, plain_settings, read_torch_file

WEIGHTS = {"layer.weight": torch.arange(6.0).view(2, 3), "layer.count": torch.tensor(4)}


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def saved(path: Path, content: Any, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_reads_weights_of_both_formats(tmp_path: Path, legacy: bool) -> None:
    read = read_torch_file(saved(tmp_path / "w.pt", {"state_dict": OrderedDict(WEIGHTS), "epoch": 3}, legacy))
    assert read["epoch"] == 3
    assert all(torch.equal(read["state_dict"][key], value) for key, value in WEIGHTS.items())


def test_reads_a_repacked_zip(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", WEIGHTS)
    with (
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(tmp_path / "c.pt", "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for name in source.namelist():
            copy.writestr(name, source.read(name))
    assert torch.equal(read_torch_file(tmp_path / "c.pt")["layer.weight"], WEIGHTS["layer.weight"])


def file_memory() -> int:
    """Return the bytes of mapped files that this process holds in memory."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.partition("RssFile:")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory as Linux does")
def test_memory_of_a_mapped_file_is_given_back_and_read_again(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", {"a": torch.ones(8_000_000), "b": torch.full((100,), 2.0)})
    assert is_mapped(path) and not is_mapped(saved(tmp_path / "old.pt", WEIGHTS, legacy=True))
    read = read_torch_file(path)
    assert float(read["a"].sum()) == 8_000_000
    full = file_memory()
    let_go(read["a"])
    assert full - file_memory() > 30_000_000
    assert float(read["a"].sum()) == 8_000_000 and float(read["b"].sum()) == 200


def test_settings_of_trainers_become_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("yacs.config")
    node_class = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    module.CfgNode = node_class
    monkeypatch.setitem(sys.modules, "yacs", types.ModuleType("yacs"))
    monkeypatch.setitem(sys.modules, "yacs.config", module)
    node = node_class(MODEL=node_class(IEF_ITERS=3, BBOX_SHAPE=[192, 256]))
    node.is_frozen = True
    content = {
        "state_dict": WEIGHTS,
        "yacs": node,
        "omega": OmegaConf.create({"MODEL": {"IEF_ITERS": 3, "BBOX_SHAPE": [192, 256]}}),
        "others": [Path("/data"), Namespace(lr=1e-4), np.float64(0.5), np.arange(3), {"type": dict}],
    }
    path = saved(tmp_path / "epoch=1.ckpt", content)
    monkeypatch.delitem(sys.modules, "yacs.config")
    read = read_torch_file(path)
    assert plain_settings(read["yacs"]) == {"MODEL": {"IEF_ITERS": 3, "BBOX_SHAPE": [192, 256]}}
    assert plain_settings(read["omega"]) == {"MODEL": {"IEF_ITERS": 3, "BBOX_SHAPE": [192, 256]}}
    assert len(read["others"]) == 5
    assert torch.equal(read["state_dict"]["layer.weight"], WEIGHTS["layer.weight"])


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (os.system, ("touch {}",), "posix.system"),
        (eval, ("open({!r}, 'w')",), "builtins.eval"),
        (torch.hub.load, ("{}", "model"), "torch.hub.load"),
        (os.makedirs, ("{}",), "os.makedirs"),
    ],
)
def test_refuses_code_by_name(
    tmp_path: Path, function: Any, args: tuple[str, ...], name: str, legacy: bool
) -> None:
    mark = tmp_path / "ran"
    call = Calls(function, *(argument.format(str(mark)) for argument in args))
    path = saved(tmp_path / "bad.ckpt", {"state_dict": WEIGHTS, "hyper_parameters": call}, legacy)
    with pytest.raises(ValueError, match=name):
        read_torch_file(path)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_names_the_code_in_a_plain_pickle(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "bad.ckpt"
    path.write_bytes(b"\x80\x02" * (protocol == 0) + pickle.dumps(Calls(os.system, "false"), protocol))
    with pytest.raises(ValueError, match=r"posix.system|not a PyTorch"):
        read_torch_file(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_s_own_functions_are_not_run_either(tmp_path: Path, legacy: bool) -> None:
    call = Calls(torch.set_default_dtype, torch.float64)
    path = saved(tmp_path / "bad.ckpt", {"state_dict": WEIGHTS, "call": call}, legacy)
    with pytest.raises(ValueError, match=r"torch\.set_default_dtype"):
        read_torch_file(path)
    assert torch.get_default_dtype() == torch.float32


def test_stand_ins_run_nothing_of_the_class_they_stand_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.ckpt", {"state_dict": WEIGHTS, "path": Calls(Path.touch, tmp_path / "ran")})
    with pytest.raises(ValueError, match="getattr"):
        read_torch_file(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.98])
def test_truncated_files_are_one_clear_error(tmp_path: Path, legacy: bool, kept: float) -> None:
    path = saved(tmp_path / "w.pt", {"a": torch.zeros(300), "b": torch.ones(5)}, legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(ValueError, match=r"w.pt .*(damaged|cut short|not a PyTorch)") as error:
        read_torch_file(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_files_read_or_fail_cleanly(tmp_path: Path, seed: int) -> None:
    path = saved(tmp_path / "w.pt", {"state_dict": WEIGHTS, "epoch": 7, "path": Path("x")}, seed % 2 == 0)
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for place in rng.integers(0, len(content), 12):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    try:
        read_torch_file(path)
    except ValueError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>Please log in</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "git lfs pull"),
        (b"\x1f\x8b\x08\x00", "unpack"),
        (b'\x10\x00\x00\x00\x00\x00\x00\x00{"a":{}}', "safetensors"),
        (b"\x00\x01\x02", "first bytes"),
        (pickle.dumps({"v_template": [1.0]}, 2), "Python pickle"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, looks_like: str) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=looks_like):
        read_torch_file(path)


def test_archives_without_weights_and_absent_files(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, pose=np.zeros(3))
    (tmp_path / "V02_05.zip").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="unpack it"):
        read_torch_file(tmp_path / "V02_05.zip")
    with pytest.raises(FileNotFoundError, match="none.ckpt"):
        read_torch_file(tmp_path / "none.ckpt")
