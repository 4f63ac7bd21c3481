import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthgen.backends import model_files
from synthgen.backends.hmr2_estimator import HMR2Estimator
from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.segmenter import Segmentation
from synthgen.backends.text_to_image import TextToImage
from synthgen.backends.vitpose import ViTPose
from synthgen.backends.vposer_prior import VPoserPrior

Saved = Callable[[str], Path]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty hub cache, the only thing that the hub's client may look at."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def no_fetch(model_id: str, revision: str | None) -> str:
    raise AssertionError(f"{model_id} must not be fetched")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").touch()
    assert find_model(str(tmp_path / "model.ckpt"), "", no_fetch) == tmp_path / "model.ckpt"
    for wrong in (str(tmp_path / "none"), "./owner/name", "~/nothing/here", "plain", "a b/c"):
        with pytest.raises(
            FileNotFoundError, match=r"no such file or folder \(nor is it a hub id, owner/name"
        ):
            find_model(wrong, "", no_fetch)


def test_models_with_a_licence_say_where_they_come_from() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"V02_05: no such file.* smpl-x.is.tue.mpg.de \(registration"
    ):
        VPoserPrior("./V02_05").setup()
    with pytest.raises(FileNotFoundError, match=r"x.ckpt: no such file.* 4D-Humans .*MIT.*hmr2_data.tar.gz"):
        HMR2Estimator("/data/x.ckpt").setup()


def test_bundled_models_have_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model_files, "BUNDLED_FOLDER", tmp_path)
    (tmp_path / "draft").mkdir()
    assert find_model("embedded/draft", "", no_fetch) == tmp_path / "draft"
    with pytest.raises(FileNotFoundError, match=r"embedded/mesh: .* config=embedded.yaml"):
        find_model("embedded/mesh", "", no_fetch)


def test_hub_ids_that_are_not_here_say_what_to_do(offline: Path) -> None:
    message = (
        r"owner/name: not on this machine at revision 'v2', .*hf download owner/name.*huggingface.co/owner"
    )
    with pytest.raises(FileNotFoundError, match=message):
        ViTPose("owner/name", revision="v2").setup()
    with pytest.raises(FileNotFoundError, match=r"owner/name: not on this machine, and the hub"):
        TextToImage("owner/name").setup()


def test_gated_and_unknown_ids_are_told_apart() -> None:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    def refuse(kind: Any) -> Callable[[str, str | None], str]:
        def fetch(model_id: str, revision: str | None) -> str:
            raise kind("401 Client Error\nand more", response=Response())

        return fetch

    class Response:
        headers: dict[str, str] = {}
        request = None
        text = ""
        status_code = 401

    with pytest.raises(FileNotFoundError, match=r"its licence has to be accepted first, at https://hugg"):
        find_model("owner/name", "", refuse(GatedRepoError))
    with pytest.raises(FileNotFoundError, match=r"the hub gives nothing under this id \(401 Client Error\)"):
        find_model("owner/name", "", refuse(RepositoryNotFoundError))


def test_what_the_hubs_cache_holds_needs_no_network(offline: Path, saved: Saved) -> None:
    repo = offline / "models--owner--pose"
    shutil.copytree(saved("vitpose"), repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    folder = find_model("owner/pose", "", fetch_files)
    assert folder == repo / "snapshots" / COMMIT
    model = ViTPose("owner/pose", revision=COMMIT)
    model.setup()
    assert model.version == COMMIT
    shutil.copytree(saved("stable_diffusion"), offline / "models--owner--sd" / "snapshots" / COMMIT)
    shutil.copytree(repo / "refs", offline / "models--owner--sd" / "refs")
    draft = TextToImage("owner/sd")
    draft.setup()
    assert draft.version == COMMIT


def test_version_follows_the_weights_not_their_place(saved: Saved, tmp_path: Path) -> None:
    first = version_of(saved("vitpose"))
    assert version_of(Path(shutil.copytree(saved("vitpose"), tmp_path / "copy"))) == first
    weights = tmp_path / "copy" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    assert version_of(tmp_path / "copy") != first
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(9 << 20))
    before = version_of(large)
    large.write_bytes(bytes((9 << 20) - 1) + b"x")
    assert version_of(large) != before, "the end of a large file counts"


def broken(source: Path, folder: Path, change: Callable[[dict[str, torch.Tensor]], object], file: str) -> str:
    shutil.copytree(source, folder)
    weights = load_file(folder / file)
    change(weights)
    save_file(weights, folder / file, {"format": "pt"})
    return str(folder)


def drop_one(weights: dict[str, torch.Tensor]) -> object:
    return weights.pop(sorted(weights)[0])


def halve_one(weights: dict[str, torch.Tensor]) -> object:
    key = sorted(weights)[0]
    return weights.update({key: weights[key].flatten()[:3].clone()})


@pytest.mark.parametrize("change", [drop_one, halve_one])
def test_weights_that_lack_are_never_made_up(saved: Saved, tmp_path: Path, change: Any) -> None:
    """The libraries draw missing weights at random and only log it."""
    parts = {
        "unet": ("stable_diffusion", "unet/diffusion_pytorch_model.safetensors", TextToImage),
        "text": ("stable_diffusion", "text_encoder/model.safetensors", TextToImage),
        "vit": ("vitpose", "model.safetensors", ViTPose),
        "segment": ("mask2former", "model.safetensors", Segmentation),
    }
    for name, (model, file, backend) in parts.items():
        folder = broken(saved(model), tmp_path / name, change, file)
        with pytest.raises(ValueError, match=name) as caught:
            backend(folder).setup()
        assert "shape" in str(caught.value) and "\n" not in str(caught.value)


def test_damaged_files_are_named(saved: Saved, tmp_path: Path) -> None:
    shutil.copytree(saved("vitpose"), tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"cut.*weights are damaged, cut short"):
        ViTPose(str(tmp_path / "cut")).setup()


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "text_encoder/pytorch_model"])
def test_pickles_are_opened_for_weights_only(saved: Saved, tmp_path: Path, part: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved("stable_diffusion"), folder)
    weights = folder / f"{part.replace('pytorch_model', 'model') if 'text' in part else part}.safetensors"
    state = load_file(weights)
    weights.unlink()
    plain = TextToImage(str(saved("stable_diffusion")), num_inference_steps=2, batch_size=1)
    plain.setup()
    torch.save(state, folder / f"{part}.bin")
    other = TextToImage(str(folder), num_inference_steps=2, batch_size=1)
    other.setup()
    assert (other(["a"], [""], [1]).images == plain(["a"], [""], [1]).images).all(), "honest ones load"
    torch.save({**state, "evil": Hostile(tmp_path / "mark")}, folder / f"{part}.bin")
    with pytest.raises((ValueError, FileNotFoundError), match=str(folder)):
        TextToImage(str(folder)).setup()
    assert not (tmp_path / "mark").exists()
