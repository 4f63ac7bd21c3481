import json
import struct
from pathlib import Path

import pytest
import torch
from small_files import write_weights

from synthgen.doctor.weights import count_weights, read_table, weight_files


def test_a_table_tells_names_shapes_and_counts(tmp_path: Path) -> None:
    table = read_table(write_weights(tmp_path / "model.safetensors", 12))
    assert table.shapes == {"layer.weight": (12,)} and table.count == 12
    torch.save({"state_dict": {"a": torch.zeros(3, 4), "b": torch.zeros(5)}}, tmp_path / "x.ckpt")
    assert read_table(tmp_path / "x.ckpt").count == 17


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no safetensors file .first bytes b'', 0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is no safetensors file"),
        (struct.pack("<Q", 100) + b"{}", "is cut short within its table"),
        (struct.pack("<Q", 2) + b"[]", "table of tensors cannot be read"),
        (struct.pack("<Q", 2) + b"{{", "table of tensors cannot be read"),
    ],
)
def test_files_that_are_no_weights_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "model.safetensors")


def test_a_download_that_broke_off_is_noticed(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "model.safetensors", 100)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="expected .*: damaged or cut short"):
        read_table(path)


def test_weights_are_found_whole_in_parts_and_by_variant(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no weights"):
        weight_files(tmp_path)
    write_weights(tmp_path / "diffusion_pytorch_model.fp16.safetensors", 3)
    with pytest.raises(FileNotFoundError, match="expected model.safetensors or"):
        weight_files(tmp_path)
    assert count_weights(tmp_path, "fp16") == 3
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": {"a": names[0], "b": names[1], "c": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    write_weights(tmp_path / names[0], 5)
    with pytest.raises(FileNotFoundError, match=f"lacks 1 of 2 parts: {names[1]}"):
        weight_files(tmp_path)
    write_weights(tmp_path / names[1], 6)
    assert count_weights(tmp_path) == 11
    (tmp_path / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(ValueError, match="is no index of weights"):
        weight_files(tmp_path)
