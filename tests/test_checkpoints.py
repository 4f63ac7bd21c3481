import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from synthgen.checkpoints import fit, read_checkpoint, read_folder, save_folder


@dataclass(frozen=True)
class Config:
    width: int = 4

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be >= 1, got {self.width}")


class Net(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.layer = nn.Linear(config.width, 2)
        self.register_buffer("count", torch.tensor(3))


def test_state_dicts_are_found_bare_and_wrapped(tmp_path: Path) -> None:
    weights = {"layer.weight": torch.ones(2, 4)}
    for content in (weights, {"state_dict": weights}, {"epoch": 3, "network": weights, "optimizer": {}}):
        torch.save(content, tmp_path / "a.pt")
        assert torch.equal(read_checkpoint(tmp_path / "a.pt").tensors["layer.weight"], torch.ones(2, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds list, expected a dict"),
        ({"epoch": 3, "args": {}}, "holds no weights; its keys are epoch, args"),
        ({"state_dict": {"a": torch.ones(1), "lr": 0.1}}, "mixes weights with other things: lr"),
    ],
)
def test_files_without_weights(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=message):
        read_checkpoint(tmp_path / "a.pt")


def test_fit_reports_all_problems_but_spells_out_few(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = Net(Config())
    weights = {f"extra{n}": torch.ones(1) for n in range(9)} | {"count": torch.tensor(1)}
    with pytest.raises(ValueError, match=r"Net: layer.weight is missing; .* and 7 more\. Give") as error:
        fit(model, weights, tmp_path / "a.pt")
    assert str(tmp_path / "a.pt") in str(error.value)


def test_fit_copies_and_makes_float32(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = Net(Config())
    weights = {"layer.weight": torch.ones(2, 4).half(), "layer.bias": torch.ones(2), "count": torch.tensor(5)}
    fit(model, weights, tmp_path)
    weights["layer.bias"].zero_()
    assert model.layer.weight.dtype == model.layer.bias.dtype == torch.float32
    assert model.layer.weight.sum() == 8 and model.layer.bias.sum() == 2
    assert model.get_buffer("count") == 5 and not model.training


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory as Linux does")
def test_a_model_takes_the_memory_of_its_weights_alone(tmp_path: Path) -> None:
    """Not that of the file beside it, which may be deleted or written anew afterwards."""

    def file_memory() -> int:
        text = Path("/proc/self/status").read_text()
        return 1024 * int(text.partition("RssFile:")[2].split()[0])

    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4000, 2000), nn.Linear(2000, 2000))
    path = tmp_path / "a.pt"
    torch.save({name: torch.full(value.shape, 0.5) for name, value in model.state_dict().items()}, path)
    before = file_memory()
    checkpoint = read_checkpoint(path)
    assert len(checkpoint.mapped) == 4
    fit(model, checkpoint.tensors, path, checkpoint.mapped)
    assert file_memory() - before < 8_000_000, "48 MB were read"
    path.write_bytes(b"")
    assert all(bool((value == 0.5).all()) for value in model.state_dict().values())


def test_values_that_are_not_finite_are_named(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = Net(Config())
    weights = {
        "layer.weight": torch.full((2, 4), torch.inf),
        "layer.bias": torch.ones(2),
        "count": torch.tensor(5),
    }
    with pytest.raises(ValueError, match=r"a.pt: NaN or infinite weights in layer.weight; the file is dam"):
        fit(model, weights, tmp_path / "a.pt")


def test_folder_round_trip(tmp_path: Path) -> None:
    model = Net(Config())
    save_folder(model, Config(), tmp_path / "new" / "net", torch.float16)
    config, weights = read_folder(tmp_path / "new" / "net", "Net", Config)
    assert config == Config() and weights["count"] == 3
    assert torch.equal(weights["layer.weight"], model.layer.weight.half())
    assert sorted(path.name for path in (tmp_path / "new" / "net").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architecture": "Net", "widht": 4}, "unknown key 'widht'; did you mean 'width'"),
        ({"architecture": "Net", "width": "wide"}, "width must be int, got 'wide'"),
        ({"architecture": "Net", "width": 0}, "width must be >= 1, got 0"),
        ({"architecture": "UNet2DConditionModel"}, "architecture must be 'Net', got 'UNet2DConditionModel'"),
        ([1], "architecture must be 'Net', got None"),
    ],
)
def test_folders_with_another_config(tmp_path: Path, config: object, message: str) -> None:
    save_folder(Net(Config()), Config(), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=message):
        read_folder(tmp_path, "Net", Config)


def test_folders_that_are_damaged_or_incomplete(tmp_path: Path) -> None:
    save_folder(Net(Config()), Config(), tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(ValueError, match="model.safetensors is damaged or cut short"):
        read_folder(tmp_path, "Net", Config)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors"):
        read_folder(tmp_path, "Net", Config)
    (tmp_path / "config.json").write_text("{")
    weights.touch()
    with pytest.raises(ValueError, match="config.json is not JSON"):
        read_folder(tmp_path, "Net", Config)
