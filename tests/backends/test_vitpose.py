from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
import torch

from synthgen.backends.vitpose import ViTPose, read_heatmaps, support
from synthgen.joints import COCO17

RANDOM = np.random.default_rng(2)
PICTURE = RANDOM.integers(0, 256, (8, 10, 3), dtype=np.uint8).repeat(9, 0).repeat(9, 1)
BOXES = np.array([[10.0, 8, 50, 60], [30, -5, 95, 40]])


def bumps(peaks: np.ndarray[Any, Any], size: tuple[int, int], sigma: float = 1.5) -> np.ndarray[Any, Any]:
    """Gaussian heatmaps (1, J, h, w) around peaks (J, 2), as ViTPose is trained to draw them."""
    y, x = np.mgrid[: size[0], : size[1]]
    squared = (x - peaks[:, 0, None, None]) ** 2 + (y - peaks[:, 1, None, None]) ** 2
    return np.exp(-squared / (2 * sigma**2))[None]


def test_peaks_are_read_between_pixels() -> None:
    peaks = RANDOM.uniform(3, 20, (17, 2))
    read, confidence = read_heatmaps(0.8 * bumps(peaks, (28, 24)))
    assert np.abs(read[0] - peaks).max() < 0.1
    assert (confidence <= 0.8).all() and (confidence > 0.6).all()


def test_flat_and_odd_heatmaps_give_points_inside() -> None:
    """The published read-out divides by a curvature that may be zero."""
    odd = np.stack([np.zeros((6, 5)), np.full((6, 5), -1.0), np.eye(6)[:, :5], RANDOM.normal(size=(6, 5))])
    read, confidence = read_heatmaps(odd[None])
    assert np.isfinite(read).all() and np.isfinite(confidence).all()
    assert (read > -1.01).all() and (read < (5.01, 6.01)).all()


def test_agrees_with_the_processor_of_transformers(saved: Callable[[str], Path]) -> None:
    """Crop as published; read-out as published where that is well defined."""
    from transformers.models.vitpose.modeling_vitpose import VitPoseEstimatorOutput

    model = ViTPose(str(saved("vitpose")), batch_size=2, flip_test=False)
    model.setup()
    coco = [[*box[:2], *(box[2:] - box[:2])] for box in BOXES]
    expected = model._processor(images=[PICTURE], boxes=[coco], return_tensors="pt")["pixel_values"]
    frames = [model._frame(box, (64, 48)) for box in BOXES]
    crops = torch.stack([model._crop(PICTURE, *frame, (64, 48)) for frame in frames])
    difference = (crops - expected).abs()
    assert difference[0].max() < 0.01, "theirs rounds colours to whole numbers"
    assert (difference[1] > 0.01).float().mean() < 0.05, "and drops the half pixel around the picture"

    heatmaps = np.concatenate([bumps(RANDOM.uniform(2, 10, (17, 2)), (16, 12)) for _ in BOXES])
    output = VitPoseEstimatorOutput(heatmaps=torch.from_numpy(heatmaps).float())
    people = model._processor.post_process_pose_estimation(output, boxes=[coco])[0]
    model._model = Fixed(output.heatmaps)
    found = model([PICTURE], [BOXES])[0]
    for number, person in enumerate(people):
        assert np.abs(found.keypoints_2d[number] - person["keypoints"].numpy()).max() < 0.02
        assert np.allclose(found.confidence[number], person["scores"].numpy())


class Fixed:
    """Stands for the network where its answer is given."""

    config: Any = type("Config", (), {"backbone_config": type("Backbone", (), {"num_experts": 1})})
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, heatmaps: torch.Tensor) -> None:
        self.heatmaps = heatmaps

    def __call__(self, crops: torch.Tensor) -> Any:
        return self


@pytest.mark.parametrize("flip_test", [False, True])
def test_with_the_flip_test_a_mirror_image_has_mirrored_joints(flip_test: bool) -> None:
    model = ViTPose(flip_test=flip_test)
    model.setup()
    last = PICTURE.shape[1] - 1  # middle of the last pixel
    mirrored = np.stack([last - BOXES[:, 2], BOXES[:, 1], last - BOXES[:, 0], BOXES[:, 3]], 1)
    (found,) = model([PICTURE], [BOXES])
    (other,) = model([np.ascontiguousarray(PICTURE[:, ::-1])], [mirrored])
    back = other.keypoints_2d[:, list(COCO17.flip_permutation())] * (-1, 1) + (last, 0)
    # The picture shows nobody: peaks are flat, and the last bits of a crop move the flattest by a tenth.
    is_same = np.abs(back - found.keypoints_2d).mean() < 0.05
    assert is_same == flip_test


def test_places_are_supported_where_the_heatmap_is_as_high_as_anywhere() -> None:
    size, box = (28, 24), np.array([[0.0, 0, 115, 135]])
    frame = np.array([57.5, 67.5]), np.array([115.0, 135])
    peaks = np.full((17, 2), (6.0, 9))
    maps = bumps(peaks, size)[0]
    maps[1] = 0.7 * np.maximum(bumps(peaks, size)[0, 1], bumps(np.array([[18.0, 20]]), size)[0, 0])
    maps[2] *= 0.2  # unsure
    other = np.array([18.0, 20]) * 5
    for place, expected in (
        (np.array([6.0, 9]) * 5, (1, 1, 1)),
        (other, (0, 1, 0.8)),
        (other + 900, (0, 0.3, 0.8)),
    ):
        found = support([(maps.astype(np.float32), *frame)], box, np.tile(place, (1, 17, 1)))
        assert found.shape == (1, 17) and np.allclose(found[0, :3], expected, atol=0.02), place
    near = support([(maps.astype(np.float32), *frame)], box, np.tile(np.array([32.0, 45]), (1, 17, 1)))
    assert near[0, 0] > 0.9, "within the radius"


def test_the_model_says_how_far_it_agrees_with_places() -> None:
    model = ViTPose()
    model.setup()
    (found,) = model([PICTURE], [BOXES])
    assert found.support is None
    (asked,) = model([PICTURE], [BOXES], [found.keypoints_2d])
    assert np.array_equal(asked.keypoints_2d, found.keypoints_2d)
    assert asked.support is not None and asked.support.shape == (2, 17) and asked.support.min() > 0.95
    (nobody,) = model([PICTURE], [BOXES[:0]], [np.zeros((0, 17, 2))])
    assert nobody.support is not None and nobody.support.shape == (0, 17)


def test_experts_of_vitpose_plus_are_chosen(saved: Callable[[str], Path]) -> None:
    found = []
    for expert in (0, 1):
        model = ViTPose(str(saved("vitpose_plus")), dataset_index=expert)
        model.setup()
        found.append(model([PICTURE], [BOXES])[0].confidence)
    assert np.abs(found[0] - found[1]).max() > 0


def test_other_joint_sets_are_refused(tmp_path: Path) -> None:
    tiny_models.vitpose(tmp_path / "hands", num_joints=21)
    with pytest.raises(
        ValueError, match=r"hands holds a vitpose with 21 outputs, expected .* 17 joints of COCO"
    ):
        ViTPose(str(tmp_path / "hands")).setup()
