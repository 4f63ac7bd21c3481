"""What is in a model's folder or file, told by its configs and tables, against what its backend can use.

Each function takes a backend made from the config and where its files are, and returns what there is; it
raises ValueError or FileNotFoundError, with the reason, where the backend would not load it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.backends.controlnet import ControlNetRedraw
from synthgen.backends.depth_to_image import DepthToImage
from synthgen.backends.hmr2_estimator import HMR2Estimator
from synthgen.backends.logistic_critic import LogisticCritic
from synthgen.backends.segmenter import Segmentation
from synthgen.backends.text_to_image import TextToImage
from synthgen.backends.vitpose import ViTPose
from synthgen.backends.vposer_prior import VPoserPrior
from synthgen.doctor.weights import count_weights, read_table
from synthgen.dpmesh.estimator import DPMeshEstimator
from synthgen.joints import COCO17
from synthgen.scorehmr.refiner import ScoreRefiner

NETWORKS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3", "image_encoder")


@dataclass(frozen=True)
class Contents:
    """What was found.

    Attributes:
        what: kind of model.
        count: numbers in its weights.
    """

    what: str
    count: int


def text_to_image(backend: TextToImage, path: Path) -> Contents:
    """Look at a pipeline that draws from words."""
    index = _index(path)
    if "unet" in index:
        _check_channels(path, extra=0, advice="give a text-to-image model, not one for inpainting or depth")
    elif "transformer" not in index:
        raise ValueError(f"{path} holds {index.get('_class_name')}, which has neither unet nor transformer")
    return Contents(str(index.get("_class_name")), _count_parts(path, index, backend.variant))


def depth_to_image(backend: DepthToImage, path: Path) -> Contents:
    """Look at a pipeline in the layout of SD2-depth."""
    index = _index(path)
    _check_channels(path, extra=1, advice="give one in the layout of SD2-depth, or use backend: controlnet")
    return Contents(str(index.get("_class_name")), _count_parts(path, index, backend.variant))


def controlnet_base(backend: ControlNetRedraw, path: Path) -> Contents:
    """Look at the pipeline that a ControlNet works beside."""
    index = _index(path)
    _check_channels(path, extra=0, advice="give the plain model, not one for inpainting or depth")
    return Contents(str(index.get("_class_name")), _count_parts(path, index, backend.variant))


def controlnet(backend: ControlNetRedraw, path: Path) -> Contents:
    """Look at a ControlNet."""
    kind = _config(path).get("_class_name")
    if kind != "ControlNetModel":
        raise ValueError(f"{path} holds {kind or 'a model without a class'}, expected a ControlNetModel")
    return Contents("ControlNetModel", count_weights(path, backend.variant))


def check_family(control: Path, base: Path) -> None:
    """Raise ValueError where a ControlNet was made for another Stable Diffusion than the one beside it."""
    ours, theirs = _config(control), _config(base / "unet")
    for name in ("cross_attention_dim", "block_out_channels", "addition_embed_type"):
        if _listed(ours.get(name)) != _listed(theirs.get(name)):
            raise ValueError(
                f"{control} belongs to another family than {base}: {name} is {ours.get(name)}, expected "
                f"{theirs.get(name)}"
            )


def segmenter(backend: Segmentation, path: Path) -> Contents:
    """Look at a segmentation model."""
    config = _config(path)
    kind = next(iter(config.get("architectures") or []), str(config.get("model_type")))
    if not kind.endswith("Segmentation"):
        raise ValueError(f"{path} holds {kind}, expected an image-segmentation model of transformers")
    names = set((config.get("id2label") or {}).values())
    unknown = [name for name in [*backend.person, *backend.objects] if name not in names]
    if unknown:
        raise ValueError(
            f"{path} has no class {unknown[0]!r}; it has {len(names)}: {', '.join(sorted(names)[:8])}, …"
        )
    _check_processor(path)
    return Contents(kind, count_weights(path))


def keypoints(backend: ViTPose, path: Path) -> Contents:
    """Look at a ViTPose."""
    config = _config(path)
    joints = len(config.get("id2label") or {})
    if config.get("model_type") != "vitpose" or joints != len(COCO17):
        raise ValueError(
            f"{path} holds a {config.get('model_type')} with {joints} joints, expected a vitpose with the "
            f"{len(COCO17)} of COCO"
        )
    _check_processor(path)
    return Contents("ViTPose", count_weights(path))


def mesh(backend: HMR2Estimator, path: Path) -> Contents:
    """Look at a checkpoint of 4D-Humans, or at a folder of ours."""
    if path.is_dir():
        if _config(path).get("architecture") != "HMR2":
            raise ValueError(f"{path} is no HMR2 of ours; of 4D-Humans give the .ckpt file itself")
        return Contents("HMR2", count_weights(path))
    from synthgen.backends.hmr2_layout import IGNORED, check_is_hmr2, configs_of
    from synthgen.checkpoints import read_checkpoint

    checkpoint = read_checkpoint(path)
    check_is_hmr2(checkpoint)
    configs_of(checkpoint)
    table = read_table(path)
    used = [name for name in table.shapes if not name.startswith(tuple(IGNORED))]
    return Contents("HMR2 of 4D-Humans", sum(checkpoint.tensors[name].numel() for name in used))


def dpmesh(backend: DPMeshEstimator, path: Path) -> Contents:
    """Look at a folder of train_dpmesh or adapt, or at a published checkpoint."""
    if path.is_dir():
        if _config(path).get("architecture") != "DPMesh":
            raise ValueError(f"{path} is no DPMesh of ours; of a published one give the .pth.tar file itself")
        return Contents("DPMesh", count_weights(path))
    from synthgen.dpmesh.official import config_of, named_as_ours, read_official

    checkpoint = read_official(path)
    config_of(checkpoint)
    return Contents("DPMesh as published", sum(one.numel() for one in named_as_ours(checkpoint).values()))


def prior(backend: VPoserPrior, path: Path) -> Contents:
    """Look at a VPoser; being tiny, it is loaded."""
    loaded = VPoserPrior(str(path))
    loaded.setup()
    return Contents("VPoser", 0)


def critic(backend: LogisticCritic, path: Path) -> Contents:
    """Look at a critic; being tiny, it is loaded."""
    loaded = LogisticCritic(str(path))
    loaded.setup()
    return Contents("critic of labels", 0)


def refiner(backend: ScoreRefiner, path: Path) -> Contents:
    """Look at a denoiser of ScoreHMR; being small, it is loaded."""
    from synthgen.scorehmr.refinery import load_denoiser

    denoiser, _ = load_denoiser(path)
    return Contents("denoiser of ScoreHMR", sum(weight.numel() for weight in denoiser.parameters()))


def _index(folder: Path) -> Mapping[str, Any]:
    """Read a pipeline's list of its parts, and see that each has a folder."""
    index = _json(folder / "model_index.json", f"{folder} is no pipeline in the layout of diffusers")
    missing = [name for name in _parts(index) if not (folder / name).is_dir()]
    if missing:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}, which its model_index.json names")
    return index


def _parts(index: Mapping[str, Any]) -> list[str]:
    """Return the parts that are loaded; those that no backend wants may be missing."""
    unwanted = ("safety_checker", "feature_extractor", "depth_estimator")
    return [
        name for name, kind in index.items() if isinstance(kind, list) and kind[0] and name not in unwanted
    ]


def _count_parts(folder: Path, index: Mapping[str, Any], variant: str) -> int:
    networks = [name for name in _parts(index) if name in NETWORKS]
    for name in networks:
        _config(folder / name)
    return sum(count_weights(folder / name, variant) for name in networks)


def _check_channels(folder: Path, extra: int, advice: str) -> None:
    """Raise ValueError unless the U-Net sees the latents and so many channels more."""
    channels = _config(folder / "unet").get("in_channels", 4)
    latents = _config(folder / "vae").get("latent_channels", 4)
    if channels != latents + extra:
        raise ValueError(
            f"{folder}: its U-Net takes {channels} channels, expected {latents + extra} (latents"
            f"{' and depth' if extra else ''}); {advice}"
        )


def _check_processor(folder: Path) -> None:
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        raise FileNotFoundError(f"{folder} has no preprocessor_config.json")


def _config(folder: Path) -> Mapping[str, Any]:
    return _json(folder / "config.json", f"{folder} is no model's folder")


def _json(path: Path, otherwise: str) -> Mapping[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{otherwise}: it has no {path.name}")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold an object, got {type(content).__name__}")
    return content


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


LOOKS: Mapping[type[Any], Callable[[Any, Path], Contents]] = {
    TextToImage: text_to_image,
    DepthToImage: depth_to_image,
    ControlNetRedraw: controlnet_base,
    Segmentation: segmenter,
    ViTPose: keypoints,
    HMR2Estimator: mesh,
    DPMeshEstimator: dpmesh,
    VPoserPrior: prior,
    LogisticCritic: critic,
    ScoreRefiner: refiner,
}
