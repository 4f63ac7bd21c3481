"""The presets paper and sdxl on models in the published layouts, from their folders to samples."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_layouts
import torch
from PIL import Image
from real_layouts import Layouts, smpl_file

from synthgen import config as configs
from synthgen.agreement import Verification
from synthgen.backends.segmenter import Segmentation
from synthgen.generate import make_samples
from synthgen.models import Method, ModelChoice, Models, load_models
from synthgen.quality import Gate
from synthgen.sample import BACKGROUND, OCCLUDER, Rejection, Request, Sample
from synthgen.stages.masks import Masking
from synthgen.stages.prior import Judging
from synthgen.stages.redraw import Redrawing

ROLES = {"draft", "redraw", "segmenter", "keypoints", "mesh", "prior"}
# Nothing that models of random weights see can be held against a picture.
METHOD = Method(
    masks=Masking(max_people=9),
    prior=Judging(plausible_to=1e9, max_error_deg=180),
    verify=Verification(
        0, 0, 0, 1e9, 1e9, min_limb=0, min_support=0, same_people=False, on_mismatch="reject"
    ),
    quality=Gate(0, 0, 0, 0, 0, 1),
)
GIGABYTES_NEEDED = {"paper": 14, "sdxl": 22}
Load = Callable[..., Models]


@pytest.fixture(autouse=True)
def single_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Layouts:
    return Layouts(tmp_path_factory.mktemp("layouts"))


@pytest.fixture(scope="session")
def body_file(layouts: Layouts) -> Path:
    return smpl_file(layouts.folder / "SMPL_NEUTRAL.pkl")


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((96, 80)).save(folder / f"{number}.png")
    return {
        "text": {"backend": "text"},
        "real": {"backend": "real", "path": str(folder), "image_size": 64},
        "pose": {"backend": "pose", "image_size": 64},
        "render": {"backend": "render", "image_size": 128},
    }


def preset(name: str) -> dict[str, Any]:
    return dict(configs.read(configs.shipped(configs.MODELS)[name]).values)


def choice(nodes: dict[str, Any], body: Path, source: dict[str, Any]) -> ModelChoice:
    method = replace(METHOD, redraw=Redrawing(renders=source["backend"] == "render"))
    return ModelChoice(str(body), "warp", "cpu", source, method, "cafe", nodes, keep_drafts=True)


@pytest.fixture
def load(layouts: Layouts, body_file: Path, sources: dict[str, dict[str, Any]]) -> Load:
    """Return load(preset, guide, role={key: value}): the models of a preset with its small folders."""

    def make(name: str, guide: str = "text", **changes: dict[str, Any]) -> Models:
        nodes = layouts.nodes(preset(name))
        for role, keys in changes.items():
            nodes[role] |= keys
        return load_models(choice(nodes, body_file, sources[guide]))

    return make


def requests(guide: Any, count: int = 2, seed: int = 7) -> list[Request]:
    return [Request(f"r-{n}", n, seed + n, "a person skiing", "bad", guide, n) for n in range(count)]


def same(one: Sample, other: Sample) -> bool:
    """Matrix products of this width round by a row's place in its batch: 1e-9 m in where a body stands."""
    drawn = np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
    close = np.allclose(one.depth, other.depth, rtol=0, atol=1e-5)
    return drawn and close and one.labels[0].scores == other.labels[0].scores


def check(sample: Sample, size: int) -> None:
    """Check what holds for every sample, whatever models see."""
    assert sample.image.shape == (size, size, 3) and sample.image.std() > 1
    shown = (sample.mask != BACKGROUND) & (sample.mask != OCCLUDER)
    assert shown.any() and np.array_equal(sample.depth > 0, shown)
    assert np.isfinite(sample.depth).all() and sample.depth.max() < 100
    assert len(sample.labels) == len(sample.scene.people) and sample.scene.body == "smpl"
    rows, columns = np.nonzero(sample.mask == 1)
    assert sample.labels[0].bbox.tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
    assert {"prior", "mask_iou", "pck", "oks", "mpvpe_mm"} <= sample.labels[0].scores.keys()


@pytest.mark.parametrize("guide", ["text", "real", "pose", "render"])
@pytest.mark.parametrize(("name", "mode"), [("paper", ""), ("sdxl", "img2img"), ("sdxl", "inpaint")])
def test_presets_run_from_folders_to_samples(load: Load, name: str, mode: str, guide: str) -> None:
    models = load(name, guide, **({"redraw": {"mode": mode}} if mode else {}))
    asked = requests(guide)
    items = list(make_samples(asked, models))
    assert [item.request.key for item in items if isinstance(item, Sample)] == ["r-0", "r-1"], items
    for sample in items:
        check(sample, 128 if guide == "render" else 64)
        assert sample.provenance is models.provenance
    roles = ROLES - ({"draft"} if guide != "text" else set())
    provenance = models.provenance
    assert provenance.models.keys() == provenance.revisions.keys() == {"source", "body", "renderer", *roles}
    assert all(len(provenance.revisions[role]) >= 16 for role in roles), provenance.revisions
    assert len({provenance.revisions[role] for role in roles}) == len(roles)
    drafts = [item.draft for item in items]
    assert all(draft is None for draft in drafts) == (guide == "pose"), "a given pose has no draft"
    if guide != "pose":
        assert all(not np.array_equal(one, item.image) for one, item in zip(drafts, items, strict=True))
    (alone,) = make_samples(asked[1:], models)
    assert isinstance(alone, Sample) and same(alone, items[1])
    (other,) = make_samples([replace(asked[1], seed=99)], models)
    assert isinstance(other, Sample) and not np.array_equal(other.image, alone.image)


def test_the_second_layout_of_a_body_file_gives_the_same_bodies(
    layouts: Layouts, body_file: Path, load: Load
) -> None:
    npz = smpl_file(layouts.folder / "SMPL_NEUTRAL.npz")
    nodes, source = layouts.nodes(preset("paper")), {"backend": "pose", "image_size": 64}
    one, other = (
        next(make_samples(requests("pose"), load_models(choice(nodes, file, source))))
        for file in (npz, body_file)
    )
    assert isinstance(one, Sample) and isinstance(other, Sample) and same(one, other)
    assert one.provenance.revisions["body"] != other.provenance.revisions["body"]


def test_labels_of_published_segmenters_are_understood(layouts: Layouts) -> None:
    """Instance models have 80 classes, some under older names; panoptic ones add 53 kinds of stuff."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("mask2former_instance", "mask2former_panoptic"):
        model = Segmentation(str(layouts.path(name)))
        model.setup()
        assert model._words is not None
        assert len(model._words.things) == 79 and model._words.people == {0}
        assert len(model([picture])[0].people) == 1


def test_loras_of_draft_and_redraw_are_merged_and_recorded(
    load: Load, layouts: Layouts, tmp_path: Path
) -> None:
    import tiny_models
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    files = {}
    for role, channels in (("draft", 4), ("redraw", 5)):
        unet = tiny_models.unet(channels)
        unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
        weights = get_peft_model_state_dict(unet)
        StableDiffusionPipeline.save_lora_weights(tmp_path / role, unet_lora_layers=weights)
        files[role] = {"lora": str(tmp_path / role / "pytorch_lora_weights.safetensors")}
    bare = load("paper")
    plain = next(make_samples(requests("text"), bare))
    for role, keys in files.items():
        models = load("paper", **{role: keys})
        tuned = next(make_samples(requests("text"), models))
        assert isinstance(plain, Sample) and isinstance(tuned, Sample)
        assert np.array_equal(tuned.draft, plain.draft) == (role != "draft")
        assert not np.array_equal(tuned.image, plain.image)
        versions = models.provenance.revisions, bare.provenance.revisions
        assert [other for other in ROLES if versions[0][other] != versions[1][other]] == [role]
        assert versions[0][role].startswith(f"{versions[1][role]}+")


def test_models_that_do_not_fit_are_one_clear_error(load: Load, layouts: Layouts) -> None:
    nodes, source = layouts.nodes(preset("paper")), {"backend": "text"}
    with pytest.raises(ValueError, match=r"models.mesh.body is smpl, but body=open is open"):
        load_models(choice(nodes, Path("open"), source))
    with pytest.raises(ValueError, match=r"sd1: its U-Net takes 4 channels, a depth-conditioned one takes 5"):
        load("paper", redraw={"id": str(layouts.path("sd1"))})
    with pytest.raises(
        ValueError, match=r"another family than .*sd1: cross_attention_dim is 64, expected 32"
    ):
        load("sdxl", redraw={"id": str(layouts.path("sd1")), "variant": ""} | {"controlnet": _plain(layouts)})
    with pytest.raises(ValueError, match=r"sd2_depth is not a diffusers pipeline of this kind"):
        load(
            "sdxl",
            redraw={"id": str(layouts.path("sd2_depth")), "variant": "", "controlnet": _plain(layouts)},
        )
    with pytest.raises(
        FileNotFoundError, match=r"sd1.text_encoder is not a CLIPTextModel, or lacks files: .*fp16"
    ):
        load("sdxl", draft={"id": str(layouts.path("sd1"))})
    with pytest.raises(ValueError, match=r"not an HMR2 checkpoint"):
        load("paper", mesh={"id": str(next(layouts.path("V02_05").rglob("*.ckpt")))})


def _plain(layouts: Layouts) -> str:
    """The ControlNet as files without a variant."""
    layouts.path("controlnet_sdxl")
    return str(layouts.folder / "controlnet_sdxl_float32")


def test_full_sizes_are_the_published_ones() -> None:
    """Counted without weights, so that the test below is about the models that people have."""
    with torch.device("meta"):
        networks = {
            "SD 1": real_layouts._unet(4, 768, 8),
            "SD 2 depth": real_layouts._unet(5, 1024, [5, 10, 20, 20], use_linear_projection=True),
            "SDXL": real_layouts._unet_xl(),
            "VAE": real_layouts._vae(),
        }
    assert {name: sum(weight.numel() for weight in one.parameters()) for name, one in networks.items()} == {
        "SD 1": 859_520_964,
        "SD 2 depth": 865_913_604,
        "SDXL": 2_567_463_684,
        "VAE": 83_653_863,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "sdxl"])
def test_presets_run_at_full_size(name: str, tmp_path: Path) -> None:
    """Random weights at the published sizes, in half precision; gigabytes on disk and in memory."""
    there = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    if there < GIGABYTES_NEEDED[name]:
        pytest.skip(f"needs {GIGABYTES_NEEDED[name]} GB of free memory, there are {there:.0f}")
    nodes = Layouts(tmp_path, full=True).nodes(preset(name))
    body = smpl_file(tmp_path / "SMPL_NEUTRAL.pkl")
    models = load_models(replace(choice(nodes, body, {"backend": "text"}), precision="bfloat16"))
    (sample,) = make_samples(requests("text", 1), models)
    assert not isinstance(sample, Rejection), sample
    check(sample, {"paper": 512, "sdxl": 1024}[name])
