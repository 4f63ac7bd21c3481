"""Role `segmenter`: image-segmentation models of transformers, semantic, instance or panoptic.

SegFormer and others that classify pixels; MaskFormer, Mask2Former and DETR, whose queries are a class and a
mask each. People who touch are told apart only by the latter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.backends.coco_things import COCO_THINGS, OLDER_NAMES
from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.pipelines import (
    architecture,
    load_config,
    load_image_processor,
    load_model,
    place,
    torch_dtype,
)
from synthgen.backends.protocols import Image, Precision, Segments
from synthgen.backends.ranges import (
    Range,
    check_images,
    fixed_groups,
    id_problems,
    raise_problems,
    range_problems,
    ready,
)
from synthgen.sample import Float

if TYPE_CHECKING:
    from synthgen.backends.segments import Piece, Vocabulary

RANGES = {"threshold": Range(0, 1), "min_area": Range(0, 1), "batch_size": Range(1)}
LEAST_SCALE, MOST_SCALE = 0.25, 4.0
NOTHING = frozenset({"background", "unlabeled", "n/a", "void", "other"})
LIKE_COCO = 40  # names in common from which a vocabulary is taken for COCO's, whose other classes are "stuff"


@dataclass
class Segmentation:
    """An image-segmentation model of transformers.

    Attributes:
        id: folder, hub id (owner/name), or embedded/segmenter, the model that comes with the package.
        revision: branch, tag or commit of a hub id; empty for the newest.
        person: the model's names for people.
        objects: the model's names for things that can stand in front of somebody; empty: with COCO's names
            the 80 things of COCO, else all but people and background.
        threshold: score from which a segment counts.
        min_area: smallest segment, as a part of the picture.
        flip_test: average with the mirror image, in twice the time; for models that classify pixels. Queries
            of the others are not the same ones in a mirror.
        scales: sizes of the picture, as parts of the size that the model's processor gives it, over which to
            average; for models that classify pixels. Small models see outlines better in larger pictures.
        batch_size: pictures of one size computed at once; the last batch is filled up.
    """

    id: str = "embedded/segmenter"
    revision: str = ""
    person: list[str] = field(default_factory=lambda: ["person"])
    objects: list[str] = field(default_factory=list)
    threshold: float = 0.5
    min_area: float = 0.0005
    flip_test: bool = False
    scales: list[float] = field(default_factory=lambda: [1.0])
    batch_size: int = 4

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._model: Any = None
        self._processor: Any = None
        self._words: Vocabulary | None = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self) + range_problems(self, RANGES)
        if not self.scales or not all(LEAST_SCALE <= scale <= MOST_SCALE for scale in self.scales):
            found.append(f"scales must be numbers from {LEAST_SCALE:g} to {MOST_SCALE:g}, got {self.scales}")
        return found if self.person else [*found, "person must name at least one class, got []"]

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the model; see `synthgen.backends.protocols`."""
        folder = find_model(self.id, self.revision, fetch_files)
        config = load_config(folder, "an image-segmentation model of transformers")
        name = next(iter(config.architectures or []), "")
        if not name.endswith("Segmentation"):
            raise ValueError(
                f"{folder} holds {name or config.model_type}, expected an image-segmentation model of "
                "transformers (…ForSemanticSegmentation, …ForUniversalSegmentation, DetrForSegmentation, …)"
            )
        is_plain = not self.flip_test and self.scales == [1.0]
        if not is_plain and not name.endswith("SemanticSegmentation"):
            raise ValueError(
                f"flip_test={str(self.flip_test).lower()} scales={self.scales}: {folder} holds a {name} "
                "whose queries differ from view to view; expected a model that classifies pixels "
                "(…ForSemanticSegmentation); set flip_test=false scales=[1.0]"
            )
        self._words = self._vocabulary(config.id2label)
        model = load_model(architecture(name, folder), folder, f"a {name}", dtype=torch_dtype(dtype))
        self._model, self._processor = place(model, device), load_image_processor(folder)
        self.version = version_of(folder)

    def __call__(self, images: Sequence[Image]) -> list[Segments]:
        """Segment pictures of any sizes; see `Segmenter`."""
        from synthgen.backends.segments import segments_of

        words = ready(self._words, self)
        return [
            segments_of(found, image.shape[:2], words, self.threshold, self.min_area, person)
            for (found, person), image in zip(self._read_all(images), images, strict=True)
        ]

    def _read_all(self, images: Sequence[Image]) -> "list[tuple[list[Piece], Float]]":
        """Run the network over pictures that come to it in one size together."""
        import torch

        check_images(images)
        form = {"return_tensors": "pt", "input_data_format": "channels_last"}
        inputs = [self._processor(images=image, **form) for image in images]
        shapes = [tuple(one["pixel_values"].shape) for one in inputs]
        answers: dict[int, tuple[list[Piece], Float]] = {}
        for shape in sorted(set(shapes)):
            same = [number for number, other in enumerate(shapes) if other == shape]
            for members, count in fixed_groups(len(same), self.batch_size):
                chosen = [same[i] for i in members]
                batch = {key: torch.cat([inputs[i][key] for i in chosen]) for key in inputs[chosen[0]]}
                pixels = batch.pop("pixel_values").to(self._model.device, self._model.dtype)
                options = {key: one.to(pixels.device) for key, one in batch.items()}
                with torch.inference_mode():
                    output = self._seen(pixels, options)
                for row, number in enumerate(chosen[:count]):
                    shown = _shown(inputs[number])
                    answers[number] = self._read(output, row, shown, images[number].shape[:2])
        return [answers[number] for number in range(len(images))]

    def _seen(self, pixels: Any, options: Mapping[str, Any]) -> Any:
        """Run the network over pictures, over all scales and mirror images where these are asked for.

        Probabilities are averaged, not logits, which are larger the larger a picture is.
        """
        import torch

        if not self.flip_test and self.scales == [1.0]:
            return self._model(pixels, **options)
        views = []
        for scale in self.scales:
            sides = [round(scale * side) for side in pixels.shape[-2:]]
            scaled = pixels if scale == 1.0 else _resized(pixels, sides)
            output = self._model(scaled)
            views.append(output.logits)
            if self.flip_test:
                views.append(self._model(scaled.flip(3)).logits.flip(3))
        finest = max((view.shape[-2:] for view in views), key=lambda size: size.numel())
        found = torch.stack([_resized(view.float(), finest).softmax(1) for view in views])
        # Not log(0), which is no number once maps are resized.
        output.logits = found.mean(0).clamp_min(torch.finfo(found.dtype).tiny).log()
        return output

    def _read(
        self, output: Any, row: int, shown: tuple[float, float], size: tuple[int, ...]
    ) -> "tuple[list[Piece], Float]":
        """Return the pieces of one picture of a batch, and the probability of a person at its pixels."""
        from synthgen.backends import segments

        height, width = size
        words = ready(self._words, self)
        masks = output.get("masks_queries_logits", output.get("pred_masks"))
        maps = (output.logits if masks is None else masks)[row]
        rows, columns = (
            max(1, round(part * side)) for part, side in zip(shown, maps.shape[-2:], strict=True)
        )
        maps = maps[:, :rows, :columns]
        if masks is None:
            pieces = segments.pieces_of_classes(maps, (height, width), words)
            return pieces, segments.person_of_classes(maps, (height, width), words)
        classes = output.get("class_queries_logits", output.get("logits"))[row]
        pieces = segments.pieces_of_queries(classes, maps, (height, width), self.threshold)
        return pieces, segments.person_of_queries(classes, maps, (height, width), words)

    def _vocabulary(self, id2label: Mapping[int, str]) -> "Vocabulary":
        from synthgen.backends.segments import Vocabulary

        names = tuple(id2label.get(index, "N/A") for index in range(max(id2label) + 1))
        for key, wanted in (("person", self.person), ("objects", self.objects)):
            unknown = [name for name in wanted if name not in names]
            if unknown:
                known = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
                raise ValueError(f"{key}: {self.id} has no class {unknown[0]!r}; its classes are {known}")
        things = set(self.objects) or (
            COCO_THINGS | OLDER_NAMES
            if len(COCO_THINGS & set(names)) >= LIKE_COCO
            else {name for name in names if name.lower() not in NOTHING}
        )
        people = frozenset(i for i, name in enumerate(names) if name in self.person)
        return Vocabulary(
            names, people, frozenset(i for i, name in enumerate(names) if name in things) - people
        )


def _resized(maps: Any, size: Sequence[int]) -> Any:
    from torch.nn.functional import interpolate

    return interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)


def _shown(inputs: Any) -> tuple[float, float]:
    """Return which part of the network's input, from the top left, is picture and not padding."""
    height, width = inputs["pixel_values"].shape[-2:]
    if "pixel_mask" not in inputs:
        return 1.0, 1.0
    mask = np.asarray(inputs["pixel_mask"][0]) > 0
    return mask.any(1).sum() / height, mask.any(0).sum() / width
