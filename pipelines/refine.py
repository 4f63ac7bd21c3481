"""Fit bodies to what pictures show, by score guidance (ScoreHMR) or plainly: pictures, several views, videos.

    python -m synthgen.run config=refine_pictures.yaml pictures=photos keypoints=photos/joints.json

Bodies start from a mesh estimator, or from the SMPL that shards hold. Joints come with the pictures (COCO
.json, .npz, OpenPose's folder, shards); where none are given, segmenter and keypoint model find them. Writes
shards of observations (training data: pseudo-labels) or one .npz, and fits to look at: picture, before,
after. Exit code 0: somebody was fitted; 1: nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthgen import backends
from synthgen.config import ConfigError

say = partial(print, flush=True)
OVERLAYS = "fits.jpg"
ANIMATION = "fits.gif"
FILM = "fits.mp4"  # where PyAV is installed
_FRAMES_A_SECOND = 12.5
ARRAYS = "fits.npz"


@dataclass(frozen=True)
class Guidance:
    """How score guidance runs; defaults are published (views: 2, 100, 10, which is faster and less accurate).

    Only smoothness is published as 30: at 300 clips move less by jerks, and poses are nearer as well.

    Attributes:
        iterations: rounds of inversion and guided sampling; with samples, half of them from each start, and
            the other half (of views and video: all) from the blend of these fits.
        start: time step that the inversion goes up to.
        step: time steps between two predictions.
        scale: of the guidance.
        keypoints: weight of the reprojection error.
        multiview: weight of the views' agreement.
        smoothness: weight of neighbouring frames' likeness.
        samples: starts beside the estimate that the denoiser draws; 0 for the published loop.
    """

    iterations: int = 10
    start: int = 50
    step: int = 2
    scale: float = 1.0
    keypoints: float = 0.003
    multiview: float = 450.0
    smoothness: float = 300.0
    samples: int = 8


@dataclass(frozen=True)
class Config:
    """Keys of the recipe; give `shards` or `pictures`.

    Attributes:
        shards: folder or tar of samples or observations; local path or fsspec URL.
        pictures: folder of pictures, or a video file.
        keypoints: COCO .json, .npz, or OpenPose's folder for `pictures`; empty finds joints with `models`.
        task: pictures: everybody alone; views: pictures of one moment show one body; video: frames in order.
        pattern: regular expression over the names of pictures with groups sequence, frame, view.
        focal_length: [px] of `pictures`; 0 where nobody knows it.
        start_from: estimator, or labels: the SMPL that shards hold, where they do.
        method: score: ScoreHMR; plain: optimisation with VPoser and no score, to compare.
        denoiser: folder or hub id of a denoiser, embedded/score, or a published checkpoint (model-100.pt),
            which is told the `features` of the .npz that `keypoints` names.
        feature_stats: of a published denoiser (pare_feat_stats.npz); empty leaves features as they are.
        betas_stats: of a published denoiser that knows shape (betas_stats_eft_fits.npz).
        body: open, or the path of the SMPL file that the mesh estimator's parameters belong to.
        guidance: options of score guidance.
        models: nodes of the models; mesh and denoiser must belong together.
        output: folder of the results.
        run: name of the shards.
        form: shards of observations, or npz.
        overlays: fits drawn, from the first on; a video's are frames of an animation too (fits.gif, and
            fits.mp4 where PyAV is installed).
        limit: pictures taken; 0 for all.
        batch_size: people fitted at once, where they do not depend on each other.
        device: cpu or cuda; auto takes a GPU where there is one.
    """

    shards: str = ""
    pictures: str = ""
    keypoints: str = ""
    task: Literal["pictures", "views", "video"] = "pictures"
    pattern: str = ""
    focal_length: float = 0.0
    start_from: Literal["estimator", "labels"] = "estimator"
    method: Literal["score", "plain"] = "score"
    denoiser: str = "embedded/score"
    feature_stats: str = ""
    betas_stats: str = ""
    body: str = "open"
    guidance: Guidance = field(default_factory=Guidance)
    models: dict[str, Any] = field(default_factory=dict)
    output: str = "shards/refined"
    run: str = "refined"
    form: Literal["shards", "npz"] = "shards"
    overlays: int = 16
    limit: int = 0
    batch_size: int = 64
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        from synthgen.scorehmr.inputs import Naming

        found = []
        if bool(self.shards) == bool(self.pictures):
            found.append("give one of shards and pictures")
        if self.keypoints and not self.pictures:
            found.append("keypoints belong to pictures; shards hold their own")
        if min(self.overlays, self.limit) < 0 or self.batch_size < 1:
            found.append("overlays and limit must be at least 0, batch_size at least 1")
        if self.body != "open" and not Path(self.body).expanduser().is_file():
            found.append(f"body must be open or an SMPL file, no such file: {self.body!r}")
        if "mesh" not in self.models:
            found.append("models.mesh is needed: set models=embedded or another preset")
        found += backends.model_problems(self.models)
        own = self.guidance
        if min(own.iterations, own.step) < 1 or own.step > own.start or own.samples < 0:
            found.append(
                "guidance: iterations and step must be at least 1, start >= step, samples at least 0"
            )
        return found + Naming(self.pattern, self.task == "video", self.focal_length).problems()


def main(config: Config) -> int:
    """Fit and write; return the exit code."""
    labeller = make_labeller(config)
    observations = _observations(config, labeller.ledger)
    if config.task == "pictures":
        labelled = labeller.label(observations)
    else:
        labelled = iter(list(labeller.label(observations, config.task)))
    folder = Path(config.output).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    people, gains = _write(config, folder, labelled)
    for line in labeller.ledger.lines():
        say(line)
    if not people:
        say("nobody was fitted")
        return 1
    before, after = np.mean(gains, 0)
    say(f"{people} people fitted; energy of what was observed {before:.3g} -> {after:.3g}; {folder}")
    return 0


def make_labeller(config: Config) -> Any:
    """Load estimator, denoiser, body and what else the fits need; also for other recipes."""
    import torch

    from synthgen.backends.model_files import fetch_files, find_model
    from synthgen.body import OPEN, OPEN_FILE, SMPL
    from synthgen.body_file import read_body_file
    from synthgen.scorehmr.cases import Weights
    from synthgen.scorehmr.fitting import FittingOptions
    from synthgen.scorehmr.labelling import Labeller
    from synthgen.scorehmr.refiner import SOURCE
    from synthgen.scorehmr.refinery import Refinery, check_version, load_denoiser
    from synthgen.scorehmr.sampling import GuidanceOptions

    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    arrays = read_body_file(OPEN_FILE if config.body == OPEN else Path(config.body).expanduser())
    name = OPEN if arrays.is_open else SMPL
    estimator = backends.build(backends.MODELS["mesh"], config.models["mesh"], "models.mesh")
    if estimator.body != name:
        raise ConfigError(
            [f"models.mesh.body is {estimator.body}, but body={config.body} is {name}: they must be one"]
        )
    estimator.setup(device)
    stats = (Path(one).expanduser() if one else None for one in (config.feature_stats, config.betas_stats))
    denoiser, trained_with = load_denoiser(find_model(config.denoiser, "", fetch_files, SOURCE), *stats)
    check_version(estimator, trained_with, config.denoiser)
    own = config.guidance
    weights = Weights(keypoints=own.keypoints, multiview=own.multiview, smoothness=own.smoothness)
    options = GuidanceOptions(own.iterations, own.start, own.step, own.scale)
    refinery = Refinery(denoiser, arrays, options, weights, device, samples=own.samples)
    is_plain = config.method == "plain"
    return Labeller(
        estimator,
        refinery,
        name,
        _prior(config) if is_plain else None,
        FittingOptions() if is_plain else None,
        config.start_from == "labels",
        config.batch_size,
    )


def _prior(config: Config) -> Any:
    from synthgen.backends.model_files import fetch_files, find_model
    from synthgen.backends.vposer import VPoser

    path = find_model(str(config.models.get("prior", {}).get("id", "embedded/prior")), "", fetch_files)
    is_ours = path.is_dir() and (path / "config.json").is_file()
    return VPoser.from_folder(path) if is_ours else VPoser.from_checkpoint(path)


def _observations(config: Config, ledger: Any) -> Iterator[Any]:
    from itertools import islice

    from synthgen.shards.observations import read_observations

    found = read_observations(config.shards) if config.shards else _from_pictures(config, ledger)
    return islice(found, config.limit or None)


def _from_pictures(config: Config, ledger: Any) -> Iterator[Any]:
    """Yield observations of a folder or a video file, joints given or found."""
    from synthgen.scorehmr.inputs import Naming, list_pictures, observe
    from synthgen.scorehmr.keypoint_files import read_keypoints
    from synthgen.scorehmr.video import is_video

    path = Path(config.pictures).expanduser()
    if is_video(path):
        path = _unpacked(config, path)
    files = list_pictures(path)
    naming = Naming(config.pattern, config.task == "video", config.focal_length)
    given = Path(config.keypoints).expanduser() if config.keypoints else None
    found = read_keypoints(given) if given else _found(config, files)
    return observe(files, found, naming, ledger, path.name)


def _unpacked(config: Config, path: Path) -> Path:
    """Write the frames of a video file into a folder of the output."""
    from PIL import Image

    from synthgen.scorehmr.video import read_frames

    folder = Path(config.output).expanduser() / "frames" / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(read_frames(path)):
        Image.fromarray(frame).save(folder / f"{number:06d}.png")
    return folder


def _found(config: Config, files: list[Path]) -> Any:
    """Let segmenter and keypoint model find people and joints."""
    from synthgen.scorehmr.inputs import read_picture
    from synthgen.scorehmr.keypoint_files import Found

    missing = [role for role in ("segmenter", "keypoints") if role not in config.models]
    if missing:
        raise ConfigError([f"without keypoints, models.{missing[0]} is needed: set models=embedded"])
    segmenter, detector = (
        backends.build(backends.MODELS[role], config.models[role], f"models.{role}")
        for role in ("segmenter", "keypoints")
    )
    for model in (segmenter, detector):
        model.setup("cpu" if config.device == "auto" else config.device)
    people = {}
    for file in files:
        try:
            image = read_picture(file)
        except ValueError:
            continue  # observe() counts it
        masks = segmenter([image])[0].people
        boxes = np.array([_box(mask) for mask in masks if mask.sum() > 16], np.float64).reshape(-1, 4)
        people[file.stem] = detector([image], [boxes])[0]
    return Found(people)


def _box(mask: Any) -> list[float]:
    rows, columns = np.nonzero(mask)
    return [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]


def _write(config: Config, folder: Path, labelled: Iterator[Any]) -> tuple[int, list[Any]]:
    """Write fits and pictures of the first of them; return how many people there are, and their energies."""
    from synthgen.shards.observations import write_observations

    kept: list[Any] = []
    gains: list[Any] = []
    rows: list[Any] = []

    def stream() -> Iterator[Any]:
        for one in labelled:
            gains.extend(one.energies)
            if len(kept) < config.overlays:
                kept.append(one)
            rows.extend(_rows(one))
            yield one.observation

    if config.form == "shards":
        write_observations(str(folder), config.run, stream())
    else:
        for _ in stream():
            pass
        if rows:
            arrays: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
            np.savez(folder / ARRAYS, **arrays)
    if kept:
        _draw(config, folder, kept)
    return len(rows), gains


def _rows(one: Any) -> Iterator[dict[str, Any]]:
    observation = one.observation
    for number, (seen, energies) in enumerate(zip(observation.people, one.energies, strict=True)):
        yield {
            "names": observation.key,
            "person": number,
            **vars(seen.person),
            "bbox": seen.bbox,
            "cam_int": observation.camera.cam_int,
            "energy": energies,
        }


def _draw(config: Config, folder: Path, kept: list[Any]) -> None:
    from PIL import Image

    from synthgen.body import load_body
    from synthgen.render import make_renderer
    from synthgen.scorehmr.panels import panel, sheet
    from synthgen.scorehmr.video import can_write, write_frames

    body, renderer = load_body(config.body), make_renderer("warp", "cpu")
    panels = [panel(one, body, renderer) for one in kept]
    Image.fromarray(sheet(panels)).save(folder / OVERLAYS, quality=90)
    if config.task == "video":
        frames = [Image.fromarray(one) for one in panels]
        duration = round(1000 / _FRAMES_A_SECOND)
        frames[0].save(folder / ANIMATION, save_all=True, append_images=frames[1:], duration=duration, loop=0)
        if can_write():
            write_frames(folder / FILM, panels, _FRAMES_A_SECOND)
