import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthgen.backends.coco_things import COCO_THINGS
from synthgen.backends.segmenter import Segmentation
from synthgen.backends.segments import (
    Piece,
    Vocabulary,
    person_of_classes,
    person_of_queries,
    pieces_of_classes,
    pieces_of_queries,
    segments_of,
)

WORDS = Vocabulary(("background", "person", "skis"), frozenset({1}), frozenset({2}))
SIZE = (40, 60)


def class_map(*boxes: tuple[int, int, int, int, int]) -> torch.Tensor:
    """Logits (3, 40, 60) of background with boxes (label, top, bottom, left, right)."""
    logits = torch.zeros(3, *SIZE)
    logits[0] = 4
    for label, top, bottom, left, right in boxes:
        logits[:, top:bottom, left:right] = 0
        logits[label, top:bottom, left:right] = 6
    return logits


def test_semantic_people_are_connected_pieces() -> None:
    logits = class_map((1, 5, 30, 5, 20), (1, 5, 30, 40, 50), (2, 32, 36, 5, 50))
    found = segments_of(pieces_of_classes(logits, SIZE, WORDS), SIZE, WORDS, 0.5, 0.0)
    assert len(found.people) == 2 and len(found.objects) == 1 and found.object_labels == ("skis",)
    assert found.person.sum() == 25 * 15 + 25 * 10 and found.object.sum() == 4 * 45
    assert (found.people_scores > 0.98).all()
    assert found.probability is None and found.probability_of_people().sum() == found.person.sum()
    likely = person_of_classes(logits, SIZE, WORDS)
    assert ((likely > 0.5) == found.person).mean() > 0.99
    outside, inside = 1 / (np.exp(4) + len(logits) - 1), np.exp(6) / (np.exp(6) + len(logits) - 1)
    assert (likely.min(), likely[10, 10]) == pytest.approx((np.exp(0) / (np.exp(6) + 2), inside), rel=0.3)
    assert likely[0, 0] == pytest.approx(outside, rel=0.01)


def test_a_limb_cut_off_by_a_bar_stays_with_its_person() -> None:
    logits = class_map((1, 2, 26, 10, 24), (2, 26, 29, 0, 60), (1, 29, 34, 12, 16), (1, 4, 24, 44, 56))
    found = segments_of(pieces_of_classes(logits, SIZE, WORDS), SIZE, WORDS, 0.5, 0.0)
    assert sorted(found.people.sum((1, 2))) == [20 * 12, 24 * 14 + 5 * 4]


def test_queries_compete_for_pixels() -> None:
    classes = torch.full((5, 4), -9.0)
    masks = torch.full((5, *SIZE), -9.0)
    for query, label in enumerate((1, 1, 1, 2, 3)):  # the last finds nothing
        classes[query, label] = 2.0 - 0.1 * query
    masks[0, :, :20] = 5
    masks[1, :, :19] = 5  # the same person, less sure
    masks[2, 10:, 30:34] = 5
    masks[3, 38:, 25:] = 5  # over the feet of the third
    masks[4, :10] = 9
    pieces = pieces_of_queries(classes, masks, SIZE, 0.5)
    found = segments_of(pieces, SIZE, WORDS, 0.5, 0.0)
    assert found.people.sum((1, 2)).tolist() == [40 * 20, 30 * 4]
    assert found.objects.sum() == 2 * 35 - 2 * 4 and not (found.person & found.object).any()
    assert pieces_of_queries(classes, masks, SIZE, 1.0) == []
    likely = person_of_queries(classes, masks, SIZE, WORDS)
    assert likely.shape == SIZE and ((likely > 0.5) == found.person).mean() > 0.98
    surest = torch.softmax(classes[0], 0)[1] * torch.sigmoid(torch.tensor(5.0))
    assert likely.max() == pytest.approx(float(surest), rel=1e-3)


def test_small_and_unsure_segments_are_dropped() -> None:
    mask = np.zeros(SIZE, bool)
    mask[:2, :5] = True
    pieces = [Piece(1, 0.9, mask), Piece(1, 0.4, ~mask), Piece(0, 1.0, ~mask)]
    assert segments_of(pieces, SIZE, WORDS, 0.5, 0.0).people_scores.tolist() == [0.9]
    assert segments_of(pieces, SIZE, WORDS, 0.5, 0.01).people.shape == (0, *SIZE)
    assert not segments_of([], SIZE, WORDS, 0.5, 0.0).person.any()


def test_agrees_with_transformers_on_clear_masks(saved: Callable[[str], Path]) -> None:
    """The published panoptic read-out, on masks that do not overlap and at the network's own size."""
    from transformers import MaskFormerImageProcessorPil
    from transformers.models.maskformer.modeling_maskformer import MaskFormerForInstanceSegmentationOutput

    random = torch.Generator().manual_seed(3)
    classes = torch.randn(6, 4, generator=random) * 6
    classes[:, 3] = -9
    masks = torch.full((6, 20, 30), -8.0)
    for query in range(6):
        masks[query, :, 5 * query : 5 * query + 5] = 8
    output = MaskFormerForInstanceSegmentationOutput(
        class_queries_logits=classes[None], masks_queries_logits=masks[None]
    )
    processor: Any = MaskFormerImageProcessorPil()
    expected = processor.post_process_panoptic_segmentation(
        output, threshold=0.5, label_ids_to_fuse=set(), target_sizes=[SIZE]
    )[0]
    pieces = pieces_of_queries(classes, masks, SIZE, 0.5)
    assert len(pieces) == len(expected["segments_info"]) > 2
    for piece, info in zip(pieces, expected["segments_info"], strict=True):
        assert piece.label == info["label_id"] and abs(piece.score - info["score"]) < 1e-5
        assert (piece.mask != (expected["segmentation"].numpy() == info["id"])).mean() < 0.01


def test_padding_is_not_part_of_the_picture(
    saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor may pad all pictures to one size; the masks must not be squeezed by that."""
    model = Segmentation(str(saved("detr")), batch_size=1, threshold=0.0)
    model.setup()
    model._processor.pad_size = {"height": 96, "width": 128}
    seen: list[tuple[tuple[float, float], tuple[int, int]]] = []
    reader = model._read

    def spy(output: Any, row: int, shown: tuple[float, float], size: tuple[int, ...]) -> Any:
        seen.append((shown, tuple(output["pred_masks"].shape[-2:])))
        return reader(output, row, shown, size)

    monkeypatch.setattr(model, "_read", spy)
    model([np.zeros((64, 72, 3), np.uint8)])
    assert seen == [((64 / 96, 72 / 128), (24, 32))]


def test_the_flip_test_makes_mirror_images_alike(saved: Callable[[str], Path]) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    alike = []
    for flip_test in (False, True):
        model = Segmentation(str(saved("segformer")), flip_test=flip_test, min_area=0, threshold=0)
        model.setup()
        found, other = model([picture, np.ascontiguousarray(picture[:, ::-1])])
        alike.append(
            np.mean(found.object == other.object[:, ::-1]) + np.mean(found.person == other.person[:, ::-1])
        )
    assert alike[1] > 1.99 > alike[0]
    for options in ({"flip_test": True}, {"scales": [1.0, 1.5]}):
        with pytest.raises(ValueError, match=r"flip_test=.* scales=.*: .* holds a .* whose queries differ"):
            Segmentation(str(saved("mask2former")), **options).setup()


def test_scales_average_probabilities_of_pictures_seen_larger_and_smaller(
    saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    maps: dict[tuple[float, ...], Any] = {}
    for scales in ([1.0], [2.0], [1.0, 2.0]):
        model = Segmentation(str(saved("segformer")), scales=scales, batch_size=1)
        model.setup()
        reader = model._read

        def note(output: Any, *rest: Any, scales: Any = tuple(scales), reader: Any = reader) -> Any:
            maps[scales] = output.logits
            return reader(output, *rest)

        monkeypatch.setattr(model, "_read", note)
        model([picture])
    both, one, two = (maps[scales].softmax(1) for scales in ((1.0, 2.0), (1.0,), (2.0,)))
    assert both.shape == two.shape and two.shape[-1] == 2 * one.shape[-1]
    larger = torch.nn.functional.interpolate(
        maps[1.0,], size=two.shape[-2:], mode="bilinear", align_corners=False
    )
    assert torch.allclose(both, (larger.softmax(1) + two) / 2, atol=1e-6, rtol=0)
    assert not torch.allclose(both, two, atol=2e-6, rtol=0)
    with pytest.raises(ValueError, match=r"scales must be numbers from 0.25 to 4, got \[\]"):
        Segmentation(scales=[])


def test_a_model_that_is_sure_beyond_what_numbers_hold_leaves_numbers(
    saved: Callable[[str], Path],
) -> None:
    model = Segmentation(str(saved("segformer")), flip_test=True, scales=[1.0, 1.5], min_area=0, threshold=0)
    model.setup()
    head = model._model.decode_head.classifier
    head.bias.data += 1e4 * (torch.arange(len(head.bias)) == 0)
    logits = model._seen(torch.zeros(1, 3, 64, 64), {}).logits
    resized = torch.nn.functional.interpolate(logits, size=(40, 40), mode="bilinear")
    assert bool(torch.isfinite(resized).all()) and bool((resized.argmax(1) == 0).all())


def test_words_come_from_the_model_or_the_config(saved: Callable[[str], Path]) -> None:
    folder = str(saved("mask2former"))
    model = Segmentation(folder)
    model.setup()
    assert model._words == Vocabulary(("person", "skis", "snow"), frozenset({0}), frozenset({1, 2}))
    model = Segmentation(folder, objects=["skis"])
    model.setup()
    assert model._words is not None and model._words.things == {1}
    with pytest.raises(
        ValueError, match=r"objects: .* has no class 'pole'; its classes are person, skis, snow"
    ):
        Segmentation(folder, objects=["pole"]).setup()
    with pytest.raises(ValueError, match=r"person must name at least one class"):
        Segmentation(folder, person=[])
    coco = {index: name for index, name in enumerate([*sorted(COCO_THINGS), "snow", "wall-other-merged"])}
    words = Segmentation()._vocabulary(coco)
    assert len(words.things) == 79 and len(words.people) == 1 and max(words.things) == 79
    older = {"motorcycle": "motorbike", "couch": "sofa", "tv": "tvmonitor", "dining table": "diningtable"}
    words = Segmentation()._vocabulary({index: older.get(name, name) for index, name in coco.items()})
    assert len(words.things) == 79, "Mask2Former's instance models have some of Pascal VOC's names"


def test_code_in_a_model_folder_is_never_run(saved: Callable[[str], Path], tmp_path: Path) -> None:
    """Nor is anybody asked whether to run it."""
    folder = tmp_path / "model"
    shutil.copytree(saved("segformer"), folder)
    (folder / "own.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}
    (folder / "config.json").write_text(json.dumps(config | own))
    with pytest.raises(ValueError, match=r"model is not an image-segmentation model"):
        Segmentation(str(folder)).setup()
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["OwnSegmentation"]}))
    with pytest.raises(ValueError, match=r"wants 'OwnSegmentation', which is no model of transformers"):
        Segmentation(str(folder)).setup()
    assert not (tmp_path / "mark").exists()


def test_other_models_are_named(saved: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match=r"holds VitPoseForPoseEstimation, expected an image-segmentation"):
        Segmentation(str(saved("vitpose"))).setup()
