"""ScoreHMR's files as its authors publish them: checkpoints, statistics of features and of betas."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.checkpoints import Checkpoint, split, wrong_kind
from synthgen.scorehmr.schedule import cosine_schedule
from synthgen.scorehmr.sizes import NUM_BETAS, POSE_WIDTH, DenoiserConfig

_SCHEDULE = tuple(cosine_schedule().__dataclass_fields__)
IGNORED = {
    "online_model.": "raw weights; the averaged ones are used",
    "initted": "flag of the averaging",
    "step": "counter of the averaging",
    **{f"ema_model.{name}": "follows from the schedule" for name in _SCHEDULE},
}
_HINT = "The published file is data/model_weights/score_hmr/model-100.pt of what ScoreHMR downloads"
_PREFIX = "ema_model.model."
_PARTS = ("time_mlp", "init_mlp", "blocks", "final_mlp")
_PARE = (3072, 1536)  # features of the pose, of the shape
_SCHEDULE_TOLERANCE = 1e-4


def weights_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return the averaged weights of the denoiser under this project's names.

    Raises:
        ValueError: a checkpoint of another model, or one trained with another noise schedule.
    """
    if checkpoint.kind == "a ScoreHMR denoiser":
        named = dict(checkpoint.tensors)
    elif checkpoint.kind == "a ScoreHMR checkpoint":
        _check_schedule(checkpoint)
        named = split(checkpoint.tensors, IGNORED, checkpoint.path)
    else:
        raise wrong_kind(checkpoint, "a ScoreHMR checkpoint with averaged weights ('ema')", _HINT)
    return {_own_name(key.removeprefix(_PREFIX)): value for key, value in named.items()}


def _own_name(key: str) -> str:
    part, _, rest = key.partition(".")
    tower = "shape" if part.endswith("_betas") else "pose"
    name = part.removesuffix("_betas")
    return f"{tower}.{name}.{rest}" if name in _PARTS else key


def _check_schedule(checkpoint: Checkpoint) -> None:
    found = checkpoint.tensors.get("ema_model.alphas_cumprod")
    expected = cosine_schedule().alphas_cumprod
    if found is None:
        return
    if found.shape != expected.shape or (found.float() - expected).abs().max() > _SCHEDULE_TOLERANCE:
        raise ValueError(
            f"{checkpoint.path} was trained with another noise schedule ({len(found.flatten())} steps); "
            f"the cosine schedule of {len(expected)} steps is the published one"
        )


def config_of(checkpoint: Checkpoint, weights: dict[str, Tensor]) -> DenoiserConfig:
    """Read the sizes behind the shapes of the weights.

    Raises:
        ValueError: a weight that tells a size is missing or has another number of axes.
    """
    use_betas = any(key.startswith("shape.") for key in weights)
    hidden, inputs = _shape(checkpoint, weights, "pose.blocks.0.block.linear_layer1.weight")
    pose = inputs - POSE_WIDTH
    shape = 0
    if use_betas:
        shape = _shape(checkpoint, weights, "shape.blocks.0.block.linear_layer1.weight")[1] - NUM_BETAS
    return DenoiserConfig(
        pose_features=pose,
        shape_features=shape,
        is_split=(pose, shape) == _PARE,
        hidden=hidden,
        num_blocks=_count(weights, "pose.blocks."),
        num_shape_blocks=_count(weights, "shape.blocks.") or DenoiserConfig.num_shape_blocks,
        time_width=_shape(checkpoint, weights, "pose.time_mlp.3.weight")[0],
        use_betas=use_betas,
    )


def _shape(checkpoint: Checkpoint, weights: dict[str, Tensor], key: str) -> tuple[int, int]:
    tensor = weights.get(key)
    if tensor is None or tensor.ndim != 2:
        found = "is missing" if tensor is None else f"has shape {tuple(tensor.shape)}, expected two axes"
        raise ValueError(f"{checkpoint.path} does not fit ScoreDenoiser: {key} {found}. {_HINT}")
    return tensor.shape[0], tensor.shape[1]


def _count(weights: dict[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in weights if key.startswith(prefix)})


def statistics_of(
    config: DenoiserConfig, feature_stats: str | Path | None, betas_stats: str | Path | None
) -> dict[str, Tensor]:
    """Return the buffers of a denoiser that lie beside its checkpoint, in .npz files.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file of other statistics, or betas without statistics.
    """
    mean, std = torch.zeros(config.num_features), torch.ones(config.num_features)
    if feature_stats is not None:
        mean, std = read_feature_stats(Path(feature_stats), config.num_features)
    found = {"feature_mean": mean, "feature_std": std}
    if config.use_betas:
        if betas_stats is None:
            raise ValueError(
                "this checkpoint models shape: give betas_stats, the path of betas_stats_eft_fits.npz"
            )
        path = Path(betas_stats)
        arrays = _read_npz(path)
        for name in ("betas_min", "betas_max"):
            found[name] = _checked(_array(arrays, name, path), NUM_BETAS, name, path)
        if not bool((found["betas_max"] > found["betas_min"]).all()):
            raise ValueError(f"{betas_stats}: betas_max must lie above betas_min")
    return found


def read_feature_stats(path: Path, num_features: int) -> tuple[Tensor, Tensor]:
    """Read mean and deviation (num_features,) of image features; ScoreHMR's files and those of `save_stats`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, of other features, or with a deviation that is not above 0.
    """
    arrays = _read_npz(path)
    if "mean" not in arrays and "pose_feats_mean" not in arrays:
        raise ValueError(f"{path} holds no feature statistics; its arrays are {', '.join(arrays)}")
    prefixes = ["" if "mean" in arrays else "pose_feats_"]
    if "pose_feats_mean" in arrays and arrays["pose_feats_mean"].size < num_features:
        prefixes.append("cam_shape_feats_")  # the same file serves models with and without shape
    found = {}
    for name in ("mean", "std"):
        parts = [_array(arrays, prefix + name, path) for prefix in prefixes]
        found[name] = _checked(np.concatenate(parts), num_features, name, path)
    if not bool((found["std"] > 0).all()):
        raise ValueError(f"{path}: deviations must be above 0, {int((found['std'] <= 0).sum())} are not")
    return found["mean"], found["std"]


def save_stats(path: Path, mean: Tensor, std: Tensor) -> None:
    """Write mean and deviation (num_features,) of image features as .npz."""
    np.savez(path, mean=mean.cpu().numpy(), std=std.cpu().numpy())


def _read_npz(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of an .npz file, flat."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such statistics file")
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array")
        with file:
            return {name: np.asarray(file[name], np.float64).reshape(-1) for name in file.files}
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not an .npz file of plain arrays: {error}") from error


def _array(arrays: dict[str, NDArray[np.float64]], name: str, path: Path) -> NDArray[np.float64]:
    if name not in arrays:
        raise ValueError(f"{path} lacks {name}; its arrays are {', '.join(arrays)}")
    return arrays[name]


def _checked(array: NDArray[np.float64], size: int, name: str, path: Path) -> Tensor:
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(f"{path}: {name} must be {size} finite numbers, got shape {array.shape}")
    return torch.from_numpy(array.astype(np.float32))
