"""What the denoiser is told about a picture: a vector from a mesh estimator, computed once and kept on disk.

Any backend of the role `mesh` serves: its picture tokens are averaged, its own estimate is put beside them.
Published denoisers are told PARE's or ProHMR's features instead, which come with the joints (`features` of an
.npz, see `keypoint_files`).
"""

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from synthgen.backends.protocols import MeshEstimate, MeshEstimator
from synthgen.geometry import rotmat_to_rot6d, rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.sample import Float, Person
from synthgen.shards import read_report
from synthgen.shards.records import LabelledPicture, decode_picture
from synthgen.shards.shard import read_members, shard_names, tars

logger = logging.getLogger(__name__)

HELD_OUT_EVERY = 50  # each so-manieth picture of a run is kept for measuring
RECIPE = 2  # raised when the vector is made in another way, so that old caches are not used
_GROUP = 64  # pictures asked about at once
_META = "features.json"
_ARRAYS = ("features", "poses", "betas", "held_out")


@dataclass(frozen=True)
class FeatureRows:
    """People of pictures, one row each; arrays lie on the disk.

    Attributes:
        features: (M, C) float32 as `vectors` makes them.
        poses: (M, 144) float32 true 6D rotations, camera frame, columns first, the root's first.
        betas: (M, 10) float32.
        held_out: (M,) bool, never trained on.
        families: M pose families.
        version: of the estimator's weights.
        digest: of shards and estimator.
    """

    features: NDArray[np.float32]
    poses: NDArray[np.float32]
    betas: NDArray[np.float32]
    held_out: NDArray[np.bool_]
    families: tuple[str, ...]
    version: str
    digest: str

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class FeatureStats:
    """How features are standardised; the published denoisers come with such a file, too.

    Attributes:
        mean: (C,)
        std: (C,) above 0.
        version: of the weights of the estimator whose features these are.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    version: str = ""

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise ValueError(
                f"mean and std must be two rows of one length, got {self.mean.shape}, {self.std.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all() and (self.std > 0).all()):
            raise ValueError("feature statistics must be finite, std above 0")

    def standardise(self, features: Float) -> NDArray[np.float32]:
        """Return features (N, C) with the mean and deviation of the training data taken out."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(
                f"features must be (N, {len(self.mean)}) as in the statistics, got {features.shape}; they "
                "come from another estimator than the one the denoiser was trained with"
            )
        return ((features - self.mean) / self.std).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the file; it appears whole or not at all."""
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, mean=self.mean, std=self.std, version=np.array(self.version))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "FeatureStats":
        """Read a file with `mean` and `std`.

        Raises:
            FileNotFoundError: no such file.
            ValueError: damaged, or without one of the two.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no feature statistics; pipeline=train_scorehmr steps=[stats] makes them"
            )
        try:
            with np.load(path, allow_pickle=False) as file:
                version = str(file["version"]) if "version" in file else ""
                mean, std = (np.asarray(file[name], np.float32).ravel() for name in ("mean", "std"))
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{path}: expected an .npz with mean and std: {error}") from error
        return cls(mean, std, version)


def pose6d(people: Sequence[Person]) -> NDArray[np.float32]:
    """Return the rotations of people as (N, 144): 24 joints in 6D, columns first, the root's first."""
    rotvec = [np.concatenate([p.global_orient[None], p.body_pose]) for p in people]
    rotmat = rotvec_to_rotmat(np.array(rotvec, np.float64).reshape(-1, len(SMPL24), 3))
    return rotmat_to_rot6d(rotmat).reshape(-1, 6 * len(SMPL24)).astype(np.float32)


def vectors(estimate: MeshEstimate) -> NDArray[np.float32]:
    """Return the feature vector of each person of a picture: (N, C), C = tokens' channels + 144 + 10 + 1.

    The mean token says what the picture looks like, the estimate (rotations in 6D, betas) what it was taken
    for. The last is 1: where nothing is known of a picture, all standardised features are 0, this one too.
    """
    count = len(estimate.people)
    betas = np.array([person.betas for person in estimate.people], np.float32).reshape(count, 10)
    known = np.ones((count, 1), np.float32)
    return np.concatenate([estimate.tokens.mean(1), pose6d(estimate.people), betas, known], 1)


def stats_of(rows: FeatureRows) -> FeatureStats:
    """Return mean and deviation of the training rows' features; what never changes is left as it is."""
    features = rows.features[~rows.held_out].astype(np.float64)
    mean, std = features.mean(0), features.std(0)
    is_constant = std < 1e-6
    mean, std = np.where(is_constant, 0.0, mean), np.where(is_constant, 1.0, std)
    return FeatureStats(mean.astype(np.float32), std.astype(np.float32), rows.version)


def open_features(
    sources: Sequence[str], estimator: MeshEstimator, cache: Path, per_source: int = 0
) -> FeatureRows:
    """Return the features of all people of some shards, computing them where `cache` has others or none.

    Args:
        sources: run folders of generated samples.
        estimator: set up.
        cache: folder of the arrays; belongs to one set of shards and one estimator.
        per_source: pictures taken of each folder, evenly spread; 0 for all.

    Raises:
        ValueError: a folder has no shards, or its bodies are not the estimator's.
    """
    digest = _digest(sources, estimator, per_source)
    meta = cache / _META
    if not meta.is_file() or json.loads(meta.read_text())["digest"] != digest:
        _build(sources, estimator, cache, digest, per_source)
    found = json.loads(meta.read_text())
    arrays: dict[str, Any] = {name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    return FeatureRows(**arrays, families=tuple(found["families"]), version=found["version"], digest=digest)


def _digest(sources: Sequence[str], estimator: MeshEstimator, per_source: int) -> str:
    digest = sha256(f"{RECIPE} {estimator.version} {per_source}\n".encode())
    for source in sources:
        names = shard_names(source)
        if not names:
            raise ValueError(f"{source}: no shards here (<run>-000000.tar); give folders of finished runs")
        for name in names:
            report = read_report(source, name)
            digest.update(f"{name} {report.sha256 if report else 'no report'}\n".encode())
    return digest.hexdigest()


def _build(
    sources: Sequence[str], estimator: MeshEstimator, cache: Path, digest: str, per_source: int
) -> None:
    """Compute all features; the cache's folder appears once it is complete."""
    rows: dict[str, list[Any]] = {name: [] for name in _ARRAYS}
    families: list[str] = []
    for source in sources:
        for group in _groups(source, per_source):
            pictures = [picture for _, picture in group]
            for (position, picture), estimate in zip(group, _ask(estimator, pictures), strict=True):
                rows["features"].append(vectors(estimate))
                rows["poses"].append(pose6d(picture.scene.people))
                rows["betas"] += [person.betas for person in picture.scene.people]
                rows["held_out"] += [position % HELD_OUT_EVERY == 0] * len(picture.labels)
                families += [label.family for label in picture.labels]
            logger.info("features: %d people, in %s", len(families), source)
    partial = cache.with_name(f"{cache.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, values in rows.items():
        array = np.concatenate(values) if name in ("features", "poses") else np.array(values)
        dtype = np.bool_ if name == "held_out" else np.float32
        stored = open_memmap(partial / f"{name}.npy", "w+", dtype, array.shape)
        stored[:] = array
        stored.flush()
    meta = {"digest": digest, "version": estimator.version, "families": families}
    (partial / _META).write_text(json.dumps(meta))
    shutil.rmtree(cache, ignore_errors=True)
    partial.rename(cache)


def _ask(estimator: MeshEstimator, pictures: Sequence[LabelledPicture]) -> list[MeshEstimate]:
    for picture in pictures:
        if picture.scene.body != estimator.body:
            raise ValueError(
                f"{picture.request.key}: its bodies are {picture.scene.body}, the estimator's are "
                f"{estimator.body}; give shards of the same body model"
            )
    return estimator(
        [picture.image for picture in pictures],
        [np.array([label.bbox for label in picture.labels], np.float64) for picture in pictures],
        [picture.scene.camera.cam_int for picture in pictures],
    )


def _groups(source: str, per_source: int) -> Iterator[list[tuple[int, LabelledPicture]]]:
    """Yield pictures with their positions in the run, some at a time."""
    reports = [read_report(source, name) for name in shard_names(source)]
    total = sum(report.accepted for report in reports if report)
    every = max(1, -(-total // per_source)) if per_source else 1
    group: list[tuple[int, LabelledPicture]] = []
    members = (pair for tar in tars(source) for pair in read_members(tar))
    for position, (key, content) in enumerate(members):
        if position % every and position % HELD_OUT_EVERY:
            continue
        try:
            group.append((position, decode_picture(content)))
        except ValueError as error:
            raise ValueError(f"{source}: key {key}: {error}") from error
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group
