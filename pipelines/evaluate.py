"""How far are mesh estimators off? Any of them, on any shards, side by side.

    python -m synthgen.run config=ski_evaluate.yaml
    python -m synthgen.run pipeline=evaluate shards.ski=shards/ski estimators.hmr2.backend=hmr2

Every labelled person is estimated in the labelled box. Writes report.html, evaluation.md, evaluation.json and
people.jsonl (one line a person and estimator). Figures for which labels are missing are said to be missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from synthgen import backends
from synthgen.backends.protocols import Precision
from synthgen.metrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    from synthgen.body import Body
    from synthgen.evaluation.cases import Case
    from synthgen.evaluation.columns import Block, Column
    from synthgen.evaluation.measure import Judge

say = partial(print, flush=True)
CHECKPOINT = "dpmesh"  # backend of an estimator that is written as a path


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        name: title of the report.
        output: folder for what is written, local or an fsspec URL; made where it is missing.
        shards: {name: folder or tar}, generated samples or observations.
        estimators: {name: backend node of the role mesh, or the path of a DPMesh: a folder or a published
            checkpoint}. Others are compared with the first.
        published: {name of shards: {figure: value}} that papers report, in mm or %, to be shown beside ours.
        keypoints: joints for estimators that look at some: detected (by their own keypoint model), labels, or
            noisy (labels with the errors of detectors).
        protocol: which joints count, and the root: 3dpw, 3doh, cmu_panoptic, h36m, mannequin, ski_poseptz,
            ski_diffusion_hpc, emdb, smpl24.
        num_samples: pictures of each shards, the first ones; 0 for all.
        worst: people of each estimator to draw in the report, 0 to 50.
        batch_size: pictures at once.
        seed: of the noise.
        smpl_file: SMPL body file, for labels or estimators of the body smpl. Male and female ones that lie
            beside it (SMPL_MALE.pkl, …) are for labels of these genders.
        h36m_regressor: .npy or .npz file with the (17, 6890) matrix of Human3.6M's joints, right leg first;
            for bodies of smpl; "" for the joints of the same names.
        device: cpu or cuda.
        precision: of the networks.
        renderer: draws the worst cases: auto, warp or pyrender.
    """

    name: str = "evaluation"
    output: str = "shards/evaluation"
    shards: dict[str, str] = field(default_factory=dict)
    estimators: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)
    keypoints: Literal["detected", "labels", "noisy"] = "detected"
    protocol: str = "3dpw"
    num_samples: int = 0
    worst: int = 6
    batch_size: int = 16
    seed: int = 0
    smpl_file: str = ""
    h36m_regressor: str = ""
    device: str = "cpu"
    precision: Precision = "float32"
    renderer: Literal["auto", "pyrender", "warp"] = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [] if self.shards else ["shards: say what to measure on, shards.<name>=<folder or tar>"]
        if not self.estimators:
            found.append("estimators: say what to measure, estimators.<name>.backend=hmr2 or =<path>")
        for name, node in nodes(self).items():
            found += backends.problems(backends.MODELS["mesh"], node, f"estimators.{name}")
            if node.get("body") == "smpl" and not self.smpl_file:
                found.append(f"estimators.{name} has the body smpl: smpl_file must say where its file is")
        found += _published_problems(self.published, self.shards)
        if self.h36m_regressor and not self.smpl_file:
            found.append("h36m_regressor is for SMPL's vertices: smpl_file must say where SMPL's file is")
        if self.protocol not in PROTOCOLS:
            found.append(f"protocol must be one of {', '.join(PROTOCOLS)}, got {self.protocol!r}")
        if not 0 <= self.worst <= 50:
            found.append(f"worst must be in [0, 50], got {self.worst}")
        if self.num_samples < 0:
            found.append(f"num_samples must be at least 0, got {self.num_samples}")
        if self.batch_size < 1:
            found.append(f"batch_size must be at least 1, got {self.batch_size}")
        return found


def _published_problems(published: Mapping[str, Any], shards: Mapping[str, str]) -> list[str]:
    from synthgen.evaluation.figures import FIGURES
    from synthgen.fields import nearest

    found: list[str] = []
    for name, figures in published.items():
        if name not in shards:
            found.append(f"published: no shards are called {name!r}{nearest(name, shards)}")
        if not isinstance(figures, Mapping):
            found.append(f"published.{name} must hold figures by name, got {figures!r}")
            continue
        for figure, value in figures.items():
            if figure not in FIGURES:
                found.append(f"published.{name}: unknown figure {figure!r}{nearest(str(figure), FIGURES)}")
            elif isinstance(value, bool) or not isinstance(value, int | float):
                found.append(f"published.{name}.{figure} must be a number, got {value!r}")
    return found


def nodes(config: Config) -> dict[str, Mapping[str, Any]]:
    """Return the estimators as backend nodes; a path is that of a DPMesh."""
    return {
        name: node if isinstance(node, Mapping) else {backends.NAME: CHECKPOINT, "id": str(node)}
        for name, node in config.estimators.items()
    }


def main(config: Config) -> int:
    """Measure, write and say where; return the exit code."""
    from synthgen.evaluation.columns import Block
    from synthgen.evaluation.measure import Judge
    from synthgen.evaluation.regressor import read_regressor
    from synthgen.evaluation.truth import evaluation_bodies

    bodies = evaluation_bodies(config.smpl_file)
    regressor = read_regressor(config.h36m_regressor, bodies["smpl"]) if config.h36m_regressor else None
    judge = Judge(bodies, PROTOCOLS[config.protocol], regressor)
    columns: dict[str, list[Column]] = {name: [] for name in config.shards}
    for name, node in nodes(config).items():
        for shards, column in _measure(name, node, config, judge):
            columns[shards].append(column)
    blocks = [
        Block(name, source, tuple(columns[name]), config.published.get(name, {}))
        for name, source in config.shards.items()
    ]
    for block in blocks:
        _say_block(block)
    say(_write(config, blocks, bodies))
    return 0


def _count(config: Config, shards: str) -> int | None:
    """Return how many pictures will be read, as far as reports tell."""
    from synthgen import storage
    from synthgen.shards.shard import read_report, shard_names

    source = config.shards[shards]
    if source.endswith(".tar"):
        folder, name = storage.split(source)
        names = [name.removesuffix(".tar")]
    else:
        folder, names = source, shard_names(source)
    reports = [read_report(folder, name) for name in names]
    known = [report.accepted for report in reports if report is not None]
    if len(known) < len(reports):
        return config.num_samples or None
    return min(sum(known), config.num_samples or sum(known))


def _measure(
    name: str, node: Mapping[str, Any], config: Config, judge: "Judge"
) -> "Iterator[tuple[str, Column]]":
    """Yield what an estimator, loaded once, comes to on each of the shards."""
    from tqdm import tqdm

    from synthgen.evaluation.columns import Column, Estimator
    from synthgen.evaluation.evaluate import Asking, evaluate
    from synthgen.evaluation.pictures import NOBODY, Pictures

    model = backends.build(backends.MODELS["mesh"], node, f"estimators.{name}")
    model.setup(config.device, config.precision)
    asking = Asking(config.keypoints, config.seed)
    source = config.keypoints if hasattr(model, "with_keypoints") else ""
    for shards in config.shards:
        pictures = Pictures(config.shards[shards], config.num_samples)
        total, title = _count(config, shards), f"{name} on {shards}"
        with tqdm(desc=title, total=total, unit=" pictures", disable=None, leave=False) as bar:
            scores = evaluate(
                asking.function(model),
                pictures,
                judge,
                model.body,
                config.batch_size,
                bar.update,
            )
        if pictures.empty:
            scores = replace(scores, gaps={**scores.gaps, NOBODY: pictures.empty})
        yield shards, Column(Estimator(name, str(node[backends.NAME]), model.version, source), scores)


def _say_block(block: "Block") -> None:
    from synthgen.evaluation.columns import change

    say(f"{block.name}: {block.scores.pictures:,} pictures, {len(block.scores.subjects):,} people")
    width = max(len(column.estimator.name) for column in block.columns)
    for figure in block.figures():
        means = block.means(figure.name)
        for place, (column, one) in enumerate(zip(block.columns, means, strict=True)):
            changed = f"  {change(figure, means[0], one)}" if place else ""
            title = f"{figure.title} [{figure.unit}]" if not place else ""
            if one.missing and not place:
                changed = f"  {one.missing:,} people without"
            if block.published and not place:
                changed += f"  published {block.told(figure)[0]}"
            say(f"  {title:<28} {column.estimator.name:<{width}} {figure.shown(one.mean):>8}{changed}")
    for figure in block.absent():
        say(f"  {figure.title} is missing: nobody here has {figure.needs}")
    for words, count in sorted(block.scores.gaps.items()):
        say(f"  {count:,} {words}")


def _write(config: Config, blocks: "list[Block]", bodies: "dict[str, Body]") -> str:
    """Write all files and return where the report is."""
    import json

    from synthgen import config as configs
    from synthgen import storage
    from synthgen.evaluation.page import render_page
    from synthgen.evaluation.tables import markdown, people_lines, record

    settings = configs.to_yaml(config, "evaluate")
    cases, problem = _draw(config, blocks, bodies)
    storage.make_folder(config.output)
    texts = {
        "config.yaml": settings,
        "people.jsonl": "".join(f"{line}\n" for line in people_lines(blocks)),
        "evaluation.md": markdown(blocks),
        "report.html": render_page(config.name, blocks, cases, settings, problem),
        "evaluation.json": json.dumps(record(blocks, configs.resolved(config)), indent=1, ensure_ascii=False),
    }
    for name, text in texts.items():
        storage.write_bytes(storage.join(config.output, name), text.encode("utf-8"))
    return storage.join(config.output, "report.html")


def _draw(
    config: Config, blocks: "list[Block]", bodies: "dict[str, Body]"
) -> "tuple[dict[str, list[Case]], str]":
    from synthgen.evaluation.cases import Artist, worst_cases
    from synthgen.evaluation.pictures import Pictures
    from synthgen.render import make_renderer, resolve_renderer

    if not config.worst:
        return {}, ""
    body_of = {
        name: backends.build(backends.MODELS["mesh"], node, name).body for name, node in nodes(config).items()
    }
    artist = Artist(bodies, make_renderer(resolve_renderer(config.renderer)), body_of)
    return {
        block.name: worst_cases(block, Pictures(block.source, config.num_samples), artist, config.worst)
        for block in blocks
    }, ""
