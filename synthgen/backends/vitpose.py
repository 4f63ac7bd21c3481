"""Role `keypoints`: ViTPose of transformers, COCO-17 joints of the person in each box.

Crop and read-out follow the published model (UDP crop, DARK refinement), with the refinement kept within one
pixel of the heatmap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.pipelines import load_config, load_image_processor, load_model, place, torch_dtype
from synthgen.backends.protocols import Image, Keypoints, Precision
from synthgen.backends.ranges import (
    Range,
    check_boxes,
    check_images,
    fixed_groups,
    id_problems,
    raise_problems,
    range_problems,
    ready,
    split_like,
)
from synthgen.joints import COCO17
from synthgen.sample import Float

RANGES = {"box_scale": Range(0, 10, is_open=True), "batch_size": Range(1), "dataset_index": Range(0, 5)}
BLUR, REACH = (
    0.8,
    5,
)  # deviation and radius of DARK's Gaussian [heatmap px], as the published read-out has them
LOWEST, HIGHEST = 0.001, 50.0  # heatmap values before their logarithm is taken
SUPPORT_RADIUS = 0.02  # of the box's longer side, around a place that the model is asked about
_MIRRORED = list(COCO17.flip_permutation())  # channels of a mirrored crop, by the joints that they show


@dataclass
class ViTPose:
    """ViTPose, ViTPose+ or a small model of the same class.

    Attributes:
        id: folder, hub id (owner/name), or embedded/keypoints, the model that comes with the package.
        revision: branch, tag or commit of a hub id; empty for the newest.
        box_scale: boxes are enlarged by this before they are cut out.
        dataset_index: expert of ViTPose+ models; 0 is COCO's. Others ignore it.
        flip_test: average the heatmaps with those of the mirror image, in twice the time, as ViTPose's
            published evaluation does.
        batch_size: crops computed at once; the last batch is filled up.
    """

    id: str = "embedded/keypoints"
    revision: str = ""
    box_scale: float = 1.25
    dataset_index: int = 0
    flip_test: bool = True
    batch_size: int = 8

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._model: Any = None
        self._processor: Any = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        return id_problems(self) + range_problems(self, RANGES)

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the model; see `synthgen.backends.protocols`."""
        from transformers import VitPoseForPoseEstimation

        folder = find_model(self.id, self.revision, fetch_files)
        config = load_config(folder, "a ViTPose of transformers")
        if config.model_type != "vitpose" or config.num_labels != len(COCO17):
            raise ValueError(
                f"{folder} holds a {config.model_type} with {config.num_labels} outputs, expected a vitpose "
                f"with the {len(COCO17)} joints of COCO"
            )
        model = load_model(VitPoseForPoseEstimation, folder, "a ViTPose", dtype=torch_dtype(dtype))
        self._model, self._processor = place(model, device), load_image_processor(folder)
        self.version = version_of(folder)

    def __call__(
        self, images: Sequence[Image], boxes: Sequence[Float], places: Sequence[Float] | None = None
    ) -> list[Keypoints]:
        """Find joints; see `KeypointModel`."""
        import torch

        model = ready(self._model, self)
        check_images(images)
        check_boxes(images, boxes)
        size = self._processor.size["height"], self._processor.size["width"]
        frames = [self._frame(box, size) for found in boxes for box in found]
        owners = [number for number, found in enumerate(boxes) for _ in found]
        heatmaps: list[NDArray[np.float32]] = []
        for members, count in fixed_groups(len(frames), self.batch_size):
            crops = torch.stack([self._crop(images[owners[i]], *frames[i], size) for i in members])
            options: dict[str, Any] = {}
            if model.config.backbone_config.num_experts > 1:
                options = {
                    "dataset_index": torch.full((len(members),), self.dataset_index, device=model.device)
                }
            with torch.inference_mode():
                drawn = model(crops.to(model.device, model.dtype), **options).heatmaps.float()
                if self.flip_test:
                    mirrored = model(crops.flip(3).to(model.device, model.dtype), **options).heatmaps.float()
                    drawn = (drawn + mirrored.flip(3)[:, _MIRRORED]) / 2
            heatmaps += list(drawn[:count].cpu().numpy())
        read = [(heatmap, *frame) for heatmap, frame in zip(heatmaps, frames, strict=True)]
        found = [_joints_of(people) for people in split_like(read, boxes)]
        if places is None:
            return found
        supports = [support(*one) for one in zip(split_like(read, boxes), boxes, places, strict=True)]
        return [replace(one, support=own) for one, own in zip(found, supports, strict=True)]

    def _frame(self, bbox: Float, size: tuple[int, int]) -> tuple[Float, Float]:
        """Return middle and size (w, h) of what is cut out, in the crop's proportions [px]."""
        width, height = np.maximum(bbox[2:] - bbox[:2], 1.0)
        aspect = size[1] / size[0]
        width, height = max(width, height * aspect), max(height, width / aspect)
        return (bbox[:2] + bbox[2:]) / 2, np.array([width, height]) * self.box_scale

    def _crop(self, image: Image, center: Float, extent: Float, size: tuple[int, int]) -> Any:
        import torch

        from synthgen.backends.person_crop import corner_affine, warp

        crop = warp(image, corner_affine(center, extent, size), size) * self._processor.rescale_factor
        mean, std = self._processor.image_mean, self._processor.image_std
        return (crop - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def _joints_of(people: Sequence[tuple[NDArray[np.float32], Float, Float]]) -> Keypoints:
    if not people:
        return Keypoints(np.zeros((0, len(COCO17), 2)), np.zeros((0, len(COCO17))))
    heatmaps = np.stack([heatmap for heatmap, _, _ in people])
    peaks, confidence = read_heatmaps(heatmaps)
    last = np.array(heatmaps.shape[:1:-1]) - 1
    center, extent = (np.stack([one[key] for one in people])[:, None] for key in (1, 2))
    return Keypoints(peaks / last * extent + center - extent / 2, np.clip(confidence, 0, 1))


def support(people: Sequence[tuple[NDArray[np.float32], Float, Float]], boxes: Float, places: Float) -> Float:
    """Say how little is lost where joints are believed to be elsewhere than at the heatmaps' peaks.

    A heatmap of a joint that might be in two places has two peaks, and both are supported. Joints that no
    heatmap is sure of speak against nothing.

    Args:
        people: heatmaps (J, h, w), middle and size (w, h) [px] of what they show, for each of N.
        boxes: (N, 4) xyxy [px].
        places: (N, J, 2) [px].

    Returns:
        (N, J) in [0, 1]: 1 less the height of the peak above the highest value within SUPPORT_RADIUS of the
        place.
    """
    from synthgen.metrics import longer_side

    sides = longer_side(boxes)
    found = np.ones(places.shape[:2])
    for number, (heatmaps, center, extent) in enumerate(people):
        last = np.array(heatmaps.shape[:0:-1]) - 1
        rows, columns = np.mgrid[: last[1] + 1, : last[0] + 1]
        pixels = np.stack([columns, rows], -1) / last * extent + center - extent / 2
        offset = np.linalg.norm(pixels - places[number][:, None, None], axis=-1)  # (J, h, w)
        nearest = offset.min((1, 2), keepdims=True)  # at least one pixel counts, however coarse they are
        is_near = offset <= np.maximum(SUPPORT_RADIUS * sides[number], nearest)
        values = np.clip(heatmaps.astype(np.float64), 0, 1)
        near = np.where(is_near, values, 0).max((1, 2))
        found[number] = 1 - (values.max((1, 2)) - near)
    return found


def read_heatmaps(heatmaps: NDArray[np.floating]) -> tuple[Float, Float]:
    """Find each heatmap's peak to a fraction of a pixel (DARK: Zhang et al., CVPR 2020).

    Args:
        heatmaps: (N, J, h, w).

    Returns:
        Peaks (N, J, 2), x then y [heatmap px], and their values (N, J) before the blur.
    """
    from scipy.ndimage import gaussian_filter

    count, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(count, joints, -1)
    row, column = np.divmod(flat.argmax(-1), width)
    blurred = gaussian_filter(heatmaps.astype(np.float64), (0, 0, BLUR, BLUR), radius=(0, 0, REACH, REACH))
    padded = np.pad(np.log(np.clip(blurred, LOWEST, HIGHEST)), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    n, j = np.ogrid[:count, :joints]

    def at(right: int, down: int) -> Float:
        return padded[n, j, row + 1 + down, column + 1 + right]

    middle = at(0, 0)
    slope = np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], -1) / 2
    xx, yy = at(1, 0) - 2 * middle + at(-1, 0), at(0, 1) - 2 * middle + at(0, -1)
    xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * middle - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    determinant = xx * yy - xy**2
    is_peak = (xx < 0) & (determinant > np.finfo(np.float32).eps)
    safe = np.where(is_peak, determinant, 1.0)
    step_x = -(yy * slope[..., 0] - xy * slope[..., 1]) / safe
    step_y = -(xx * slope[..., 1] - xy * slope[..., 0]) / safe
    step = np.where(is_peak[..., None], np.clip(np.stack([step_x, step_y], -1), -1, 1), 0.0)
    return np.stack([column, row], -1) + step, flat.max(-1)
