"""How real do generated pictures look? FID and KID, of the pictures and of the people in them (H-FID, H-KID).

    python -m synthgen.run pipeline=image_quality generated.ours=shards/ski reference=photos inception=FILE

Any number of generated sets against one reference; each may be shards or a folder of pictures. Writes
image_quality.md and image_quality.json with published figures beside ours, and pictures.jpg, what the network
saw. The file of FID's Inception is yours to provide: pt_inception-2015-12-05-6726825d.pth, at
github.com/mseitzer/pytorch-fid/releases/download/fid_weights (95 MB).
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthgen import backends
from synthgen.image_metrics.figures import FIGURES
from synthgen.image_metrics.origin import WHERE

if TYPE_CHECKING:
    from synthgen.image_metrics.features import Eye, Looked
    from synthgen.image_metrics.pictures import PictureSet
    from synthgen.image_metrics.tables import Measured, Protocol
    from synthgen.image_metrics.weights import Inception

NODES = {"segmenter": backends.MODELS["segmenter"]}
say = partial(print, flush=True)


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        name: title of the table.
        output: folder for what is written, local or an fsspec URL; made where it is missing.
        generated: {name: folder of shards, one tar, or folder of pictures}, each held against the reference.
        drafts: names of generated sets whose drafts are measured in place of the pictures; their shards were
            made with keep_drafts=true.
        reference: real pictures, likewise; or a folder that holds several folders of shards.
        inception: the file pt_inception-2015-12-05-6726825d.pth.
        num_generated: pictures of each generated set, the first ones; 0 for all.
        num_reference: pictures of the reference, the first ones; 0 for all.
        crop_generated: above 0, every labelled person becomes a square picture of 224 px, its side that many
            times the longer side of the person's box; 0 for whole pictures. Needs shards.
        crop_reference: the same for the reference.
        resize: convention by which pictures become 299x299: clean (clean-fid, the paper), pytorch
            (pytorch-fid) or tensorflow (the original, torch-fidelity). Figures of different ones differ.
        masks: who says where people are, for H-FID and H-KID: segmenter, labels (masks of generated samples,
            on both sides), or none, which leaves H-FID and H-KID out.
        segmenter: backend node of the role segmenter.
        cut: what of a picture H-FID and H-KID see: picture (all people, the rest black; without people all
            black) or person (the surest person, of labels the largest one, in a square about it; pictures
            without people are left out).
        kid_subsets: random subsets that KID is averaged over.
        kid_subset_size: pictures of each set in a subset, at most; fewer where a set is smaller.
        seed: of the subsets.
        published: {name of a generated set: {fid, kid, h_fid, h_kid: value}} that a paper reports.
        published_from: where these figures are from.
        batch_size: pictures at once.
        device: cpu or cuda; auto takes a GPU where there is one.
    """

    name: str = "image quality"
    output: str = "shards/image_quality"
    generated: dict[str, str] = field(default_factory=dict)
    drafts: list[str] = field(default_factory=list)
    reference: str = ""
    inception: str = ""
    num_generated: int = 0
    num_reference: int = 0
    crop_generated: float = 0.0
    crop_reference: float = 0.0
    resize: Literal["clean", "pytorch", "tensorflow"] = "clean"
    masks: Literal["segmenter", "labels", "none"] = "segmenter"
    segmenter: dict[str, Any] = field(default_factory=lambda: {backends.NAME: "segmentation"})
    cut: Literal["picture", "person"] = "picture"
    kid_subsets: int = 100
    kid_subset_size: int = 1000
    seed: int = 0
    published: dict[str, Any] = field(default_factory=dict)
    published_from: str = ""
    batch_size: int = 32
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = (
            [] if self.generated else ["generated: say what to measure, generated.<name>=<shards or folder>"]
        )
        if not self.reference:
            found.append("reference: say what real pictures to compare with, reference=<shards or folder>")
        if not self.inception:
            found.append(f"inception: say where its file is. {WHERE}")
        found += [
            f"drafts: no generated set is called {name!r}"
            for name in self.drafts
            if name not in self.generated
        ]
        if self.drafts and self.masks == "labels":
            found.append("masks=labels cannot be had with drafts: labels are for the final pictures")
        for key in ("num_generated", "num_reference", "crop_generated", "crop_reference", "seed"):
            if getattr(self, key) < 0:
                found.append(f"{key} must be at least 0, got {getattr(self, key)}")
        for key, least in (("kid_subsets", 1), ("kid_subset_size", 2), ("batch_size", 1)):
            if getattr(self, key) < least:
                found.append(f"{key} must be at least {least}, got {getattr(self, key)}")
        if self.masks == "segmenter":
            found += backends.problems(backends.MODELS["segmenter"], self.segmenter, "segmenter")
        return found + list(_published_problems(self.published, self.generated))


def _published_problems(published: Mapping[str, Any], generated: Mapping[str, str]) -> Iterator[str]:
    from synthgen.fields import nearest

    for name, figures in published.items():
        if name not in generated:
            yield f"published: no generated set is called {name!r}{nearest(name, generated)}"
        if not isinstance(figures, Mapping):
            yield f"published.{name} must hold figures by name, got {figures!r}"
            continue
        for figure, value in figures.items():
            if figure not in FIGURES:
                yield f"published.{name}: unknown figure {figure!r}{nearest(str(figure), FIGURES)}"
            elif isinstance(value, bool) or not isinstance(value, int | float):
                yield f"published.{name}.{figure} must be a number, got {value!r}"


def main(config: Config) -> int:
    """Measure, write and say where; return the exit code."""
    from synthgen.image_metrics.weights import read_inception

    inception = read_inception(Path(config.inception).expanduser())
    eye, masked_by = _make_eye(config, inception)
    protocol = _protocol(config, inception, masked_by)
    with ExitStack() as open_files:
        reference = _look(eye, _reference(config), open_files)
        measured = [
            _measure(config, name, reference, _look(eye, _generated(config, name), open_files))
            for name in config.generated
        ]
        for one in measured:
            _say(one)
        for caution in protocol.cautions(measured):
            say(f"caution: {caution}")
        say(_write(config, reference, measured, protocol))
    return 0


def _reference(config: Config) -> "PictureSet":
    from synthgen.image_metrics.pictures import PictureSet

    masks = config.masks == "labels"
    most, crop = config.num_reference, config.crop_reference
    return PictureSet("reference", config.reference, most, crop, with_masks=masks)


def _generated(config: Config, name: str) -> "PictureSet":
    from synthgen.image_metrics.pictures import PictureSet

    source, masks = config.generated[name], config.masks == "labels"
    most, crop, drafts = config.num_generated, config.crop_generated, name in config.drafts
    return PictureSet(f"generated.{name}", source, most, crop, drafts, masks)


def _make_eye(config: Config, inception: "Inception") -> "tuple[Eye, str]":
    """Return how pictures are looked at, and who says where people are."""
    from synthgen.backends.pipelines import place
    from synthgen.image_metrics.features import Eye
    from synthgen.training.devices import choose_device

    device = choose_device(config.device)
    network = place(inception.network, device)
    cut = None if config.masks == "none" else config.cut
    segment, masked_by = None, "labels"
    if config.masks == "segmenter":
        segment = backends.build(backends.MODELS["segmenter"], config.segmenter, "segmenter")
        segment.setup(device)
        masked_by = f"{getattr(segment, 'id', config.segmenter[backends.NAME])} {segment.version}".strip()
    eye = Eye(network, config.resize, segment, cut, config.batch_size, device)
    return eye, masked_by if cut else ""


def _protocol(config: Config, inception: "Inception", masked_by: str) -> "Protocol":
    from synthgen.image_metrics.tables import Protocol

    return Protocol(
        convention=config.resize,
        cut=None if config.masks == "none" else config.cut,
        masked_by=masked_by,
        weights=inception.sha256,
        has_published_weights=inception.is_published,
        subsets=config.kid_subsets,
        seed=config.seed,
        published_from=config.published_from,
    )


def _look(eye: "Eye", pictures: "PictureSet", open_files: ExitStack) -> "Looked":
    from tqdm import tqdm

    total = pictures.count()
    with tqdm(desc=pictures.name, total=total, unit=" pictures", disable=None, leave=False) as bar:
        seen = eye.look(pictures, bar.update)
    open_files.callback(seen.close)
    say(f"{pictures.name}: {len(seen.whole):,} pictures, {seen.nobody:,} of them without people")
    return seen


def _measure(config: Config, name: str, reference: "Looked", seen: "Looked") -> "Measured":
    from synthgen.image_metrics.distances import Subsets, distance
    from synthgen.image_metrics.tables import Measured

    subsets = Subsets(config.kid_subsets, config.kid_subset_size, config.seed)
    whole = distance(reference.whole, seen.whole, subsets)
    people = None if config.masks == "none" else distance(reference.people, seen.people, subsets)
    return Measured(name, seen, whole, people, config.published.get(name, {}))


def _say(one: "Measured") -> None:
    from synthgen.image_metrics.tables import told

    for figure in one.figures():
        ours, published = told(one, figure)
        say(f"  {one.name} {FIGURES[figure]:<6} {ours:>10}  published {published}")


def _write(config: Config, reference: "Looked", measured: "list[Measured]", protocol: "Protocol") -> str:
    """Write all files and return where the table is."""
    import json

    from synthgen import config as configs
    from synthgen import storage
    from synthgen.image_metrics.sheet import draw_sheet
    from synthgen.image_metrics.tables import markdown, record

    found = record(reference, measured, protocol, configs.resolved(config))
    contents = {
        "config.yaml": configs.to_yaml(config, "image_quality").encode(),
        "pictures.jpg": draw_sheet([reference, *(one.looked for one in measured)]),
        "image_quality.json": json.dumps(found, indent=1, ensure_ascii=False).encode(),
        "image_quality.md": markdown(config.name, reference, measured, protocol).encode(),
    }
    storage.make_folder(config.output)
    for name, content in contents.items():
        storage.write_bytes(storage.join(config.output, name), content)
    return storage.join(config.output, "image_quality.md")
