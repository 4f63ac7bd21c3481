"""Read a real data set into shards of observations: Ski-PosePTZ, SMART, 3DPW, …, or a folder of one's own.

    python -m synthgen.run pipeline=ingest dataset=ski_poseptz root=data/Ski-PosePTZ split=train

Pictures are copied as they are wherever possible; a picture that cannot be read is counted, by reason. The
same command again reads only the shards that are missing. Exit code 0: pictures were taken; 1: none was; 2:
the data set or the command has to be changed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from synthgen import backends, datasets, storage
from synthgen.config import ConfigError, config_hash, to_yaml
from synthgen.datasets.entry import Choice, LayoutError, Reader
from synthgen.datasets.sides import Sides
from synthgen.fields import nearest
from synthgen.progress import Count, Progress
from synthgen.run_folder import RunFolder
from synthgen.sample import Rejection
from synthgen.shards import Shard, ShardReport, write_shard
from synthgen.shards.records import ImageFormat
from synthgen.shards.shard import SHARD_PATTERN

OPERATION = ("output", "num_samples", "device")  # keys that may differ when a run goes on
FINDERS = ("segmenter", "keypoints")  # roles that find people where nobody labelled any
LEAST_PERSON_PX = 16
say = partial(print, flush=True)


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        dataset: ski_poseptz, smart, 3dpw, athletepose3d, sportspose, aist, mpii, coco, emdb, 3doh,
            cmu_panoptic, scorehmr (its annotation files, named by annotations), or folder.
        root: folder of the data set.
        split: of the data set; empty for its first. A wrong one lists them all.
        run: name of the shards; empty makes one of data set and split, or of the folder's name.
        output: folder that holds the run's folder; local path or any fsspec URL.
        num_samples: pictures taken, from the first on; 0 for all. A few-shot set is the first 200 or 500.
        every: of clips, every n-th frame.
        samples_per_shard: pictures in each tar.
        annotations: file of annotations, or folder of videos, where it is not in its usual place.
        fits: file of SMPL fits (EFT or NeuralAnnot) to the people of mpii and coco.
        smpl: folder of official SMPL files, for data sets that need their pelvis (aist).
        image_format: of pictures that have to be encoded anew.
        check_pictures: decode every picture, so that damage within files is found; slower.
        models: segmenter and keypoints find people in a folder without annotations; models=embedded.
        min_confidence: joints that the keypoint model is less sure of are left out.
        device: of these models.
    """

    dataset: str = ""
    root: str = ""
    split: str = ""
    run: str = ""
    output: str = "shards"
    num_samples: int = 0
    every: int = 1
    samples_per_shard: int = 500
    annotations: str = ""
    fits: str = ""
    smpl: str = ""
    image_format: ImageFormat = "jpg"
    check_pictures: bool = False
    models: dict[str, Any] = field(default_factory=dict)
    min_confidence: float = 0.3
    device: Literal["cpu", "cuda"] = "cpu"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = []
        if self.dataset not in datasets.DATASETS:
            known = ", ".join(datasets.DATASETS)
            hint = nearest(self.dataset, datasets.DATASETS)
            found.append(f"dataset must be one of {known}, got {self.dataset!r}{hint}")
        if not self.root:
            found.append("root: say where the data set is, root=path/of/its/folder")
        if self.run and not SHARD_PATTERN.fullmatch(f"{self.run}-000000"):
            found.append(f"run may hold letters, digits, '-' and '_' only, got {self.run!r}")
        for name, least in (("num_samples", 0), ("every", 1), ("samples_per_shard", 1)):
            if getattr(self, name) < least:
                found.append(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 <= self.min_confidence <= 1:
            found.append(f"min_confidence must lie in [0, 1], got {self.min_confidence}")
        if self.fits and self.dataset not in ("mpii", "coco"):
            found.append("fits belong to mpii and coco only")
        return found + backends.model_problems(self.models)

    @property
    def choice(self) -> Choice:
        """What the reader is to read."""
        return Choice(
            Path(self.root).expanduser(), self.split, self.every, self.annotations, self.fits, self.smpl
        )


def main(config: Config) -> int:
    """Read what is missing of a run, tell how it goes, and return the exit code."""
    try:
        return _run(config)
    except LayoutError as error:
        raise ConfigError([str(error)]) from error


def _run(config: Config) -> int:
    from synthgen.datasets.intake import check_pictures

    config = replace(config, split=config.split or datasets.find(config.dataset).splits[0])
    reader = datasets.open_dataset(config.dataset, config.choice)
    check_pictures(reader, datasets.find(config.dataset).origin)
    count = len(reader) if config.num_samples == 0 else config.num_samples
    if not 0 < count <= len(reader):
        raise ConfigError(
            [f"num_samples is {count}; {config.dataset} {config.split} has {len(reader)} pictures"]
        )
    if is_unlabelled(reader) and (lacking := [role for role in FINDERS if role not in config.models]):
        raise ConfigError(
            [
                f"{config.root}: no annotations there, so people have to be found, and models.{lacking[0]} "
                "is needed: set models=embedded or another preset, or annotations=file.json in COCO's format"
            ]
        )
    run = config.run or _run_name(config)
    config = replace(config, run=run, num_samples=count)
    path = storage.join(config.output, run)
    folder = RunFolder(
        path, run, count, config.samples_per_shard, config_hash(config, OPERATION), config.image_format
    )
    folder.open(to_yaml(config, "ingest"), OPERATION)
    storage.remove_leftovers(path)
    reports = dict(folder.reports())
    missing = [shard for shard in folder.shards() if shard.name not in reports]
    say(f"{run}: {path}: {len(reports)} of {len(folder)} shards done, {len(missing)} to read")
    sides = Sides()
    reports |= _read(config, reader, folder, missing, sides, reports)
    return _summarize(run, path, reports, sides)


def is_unlabelled(reader: Reader) -> bool:
    """Tell whether a data set is pictures only."""
    return not getattr(reader, "has_labels", True)


def _run_name(config: Config) -> str:
    name = Path(config.root).expanduser().resolve().name if config.dataset == "folder" else config.split
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{config.dataset}-{name}").strip("-")[:60]


def _read(
    config: Config,
    reader: Reader,
    folder: RunFolder,
    missing: list[Shard],
    sides: Sides,
    before: Mapping[str, ShardReport],
) -> dict[str, ShardReport]:
    from synthgen.datasets.detected import find_people
    from synthgen.datasets.intake import take

    finder = _finder(config) if missing and is_unlabelled(reader) else None
    done = sum((Count(one.accepted, one.rejected) for one in before.values()), Count())
    progress = Progress(folder.run, folder.num_samples, done, say)
    now, found = Count(), {}

    def watched(items: Iterator[Any]) -> Iterator[Any]:
        nonlocal now
        for item in items:
            now += Count(rejected=1) if isinstance(item, Rejection) else Count(accepted=1)
            progress.update(now)
            yield item

    for shard in missing:
        where = (reader, shard.first_index, shard.num_requests)
        items = find_people(*where, finder) if finder else take(*where, config.check_pictures, sides)
        found[shard.name] = write_shard(folder.path, shard, watched(iter(items)))
    progress.close()
    return found


def _finder(config: Config) -> Any:
    """Load the models that find people and joints."""
    import numpy as np

    from synthgen.datasets.detected import Finder, Found
    from synthgen.datasets.folder import source_of

    segmenter, detector = (
        backends.build(backends.MODELS[role], config.models[role], f"models.{role}") for role in FINDERS
    )
    for model in (segmenter, detector):
        model.setup(config.device)

    def find(images: Any) -> list[Found]:
        boxes = [_boxes(one.people) for one in segmenter(images)]
        joints = detector(images, boxes)
        return [
            Found(np.asarray(box), one.keypoints_2d, one.confidence)
            for box, one in zip(boxes, joints, strict=True)
        ]

    names = [
        f"{config.models[role]['backend']} {model.version}"
        for role, model in zip(FINDERS, (segmenter, detector), strict=True)
    ]
    source = source_of(Path(config.root).expanduser())
    return Finder(find, f"boxes: {names[0]}, joints: {names[1]}", source, config.min_confidence)


def _boxes(masks: Any) -> Any:
    """Return the boxes xyxy [px] of masks that are more than a few pixels."""
    import numpy as np

    found = []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        if len(rows) > LEAST_PERSON_PX:
            found.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return np.array(found, np.float64).reshape(-1, 4)


def _summarize(run: str, path: str, reports: Mapping[str, ShardReport], sides: Sides) -> int:
    accepted = sum(one.accepted for one in reports.values())
    rejections = Counter(one.reason for report in reports.values() for one in report.rejections)
    say(f"{run}: {accepted} pictures in {len(reports)} shards, {rejections.total()} left out; {path}")
    for reason, count in rejections.most_common():
        say(f"  left out {count}: {reason}")
    for problem in sides.problems():
        say(f"  {problem}: look at the joint order before training on it")
    return 0 if accepted else 1
