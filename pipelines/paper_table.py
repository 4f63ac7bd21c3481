"""A table of a paper with ours in it: data sets as their authors publish them, the paper's own protocol.

    python -m synthgen.run config=eval/dpmesh_3dpw.yaml roots.3dpw=data/3DPW
    python -m synthgen.run config=eval/dpmesh_occlusion.yaml shards.3dpw_oc=shards/3dpw-oc

Run files in configs/eval hold the published figures, data sets, protocols. Each set is read from its root, or
from shards that `ingest` made of it; those of which neither is given are said to be not measured. Writes
table.md, table.json and report.html. Exit code 0: something was measured; 2: the command has to be changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen import backends
from synthgen.backends.protocols import Precision
from synthgen.config import ConfigError
from synthgen.datasets.entry import Choice, LayoutError
from synthgen.fields import nearest
from synthgen.paper_tables.pictures import Source
from synthgen.paper_tables.refinement import Refinement
from synthgen.paper_tables.sets import KINDS, PaperSet, read_rows, read_sets

if TYPE_CHECKING:
    from synthgen.evaluation.columns import Column

say = partial(print, flush=True)


@dataclass(frozen=True)
class Config:
    """Keys of the recipe; run files of configs/eval set those of the table.

    Attributes:
        name: of the table.
        paper: where the published figures are from.
        sets: {name: data set of the table}, see `synthgen.paper_tables.sets.PaperSet`.
        published: rows of the table, {method: name, set: {figure: value}}, in mm or %.
        row: method that ours are compared with.
        rows: {estimate, score or plain: method that these are compared with instead}.
        mean: title of a last column, the mean over all sets; empty for none.
        roots: {data set: its folder}, as its authors publish it; a set's own name goes before that.
        shards: {set: folder or tar} that ingest made of it, instead of a root.
        smpl: folder of official SMPL files, for data sets that need their pelvis.
        estimators: {name: backend node of the role mesh, or the path of a DPMesh: a folder or a published
            checkpoint}.
        refinement: of the estimates, for tables of ScoreHMR.
        detector: node of the keypoint model, for sets whose joints are detected.
        output: folder for what is written, local or an fsspec URL; made where it is missing.
        num_samples: pictures of each set, the first ones; 0 for all, as the paper has it.
        batch_size: pictures at once.
        smpl_file: SMPL body file, for labels or estimators of the body smpl; gendered ones lie beside it.
        h36m_regressor: .npy or .npz file with the (17, 6890) matrix of Human3.6M's joints, right leg first.
        device: cpu or cuda.
        precision: of the networks.
    """

    name: str = ""
    paper: str = ""
    sets: dict[str, Any] = field(default_factory=dict)
    published: list[Any] = field(default_factory=list)
    row: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    mean: str = ""
    roots: dict[str, str] = field(default_factory=dict)
    shards: dict[str, str] = field(default_factory=dict)
    smpl: str = ""
    estimators: dict[str, Any] = field(default_factory=lambda: {"dpmesh": {backends.NAME: "dpmesh"}})
    refinement: Refinement = field(default_factory=Refinement)
    detector: dict[str, Any] = field(default_factory=lambda: {backends.NAME: "vitpose"})
    output: str = "shards/paper_table"
    num_samples: int = 0
    batch_size: int = 16
    smpl_file: str = ""
    h36m_regressor: str = ""
    device: str = "cpu"
    precision: Precision = "float32"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        sets, found = read_sets(self.sets)
        if not self.sets:
            found.append("sets: name a run file of a table, config=eval/dpmesh_3dpw.yaml")
        rows, wrong = read_rows(self.published, sets, bool(self.mean)) if not found else ([], [])
        found += wrong
        methods = [row.method for row in rows]
        for key, method in (("row", self.row), *((f"rows.{kind}", one) for kind, one in self.rows.items())):
            if method and not found and method not in methods:
                found.append(f"{key}: no published method is called {method!r}{nearest(method, methods)}")
        found += [f"rows.{kind}: unknown{nearest(kind, KINDS)}" for kind in self.rows if kind not in KINDS]
        found += _places(self, sets)
        for name, node in nodes(self).items():
            found += backends.problems(backends.MODELS["mesh"], node, f"estimators.{name}")
            if node.get("body") == "smpl" and not self.smpl_file:
                found.append(f"estimators.{name} has the body smpl: smpl_file must say where its file is")
        if not self.estimators:
            found.append("estimators: say what to measure, estimators.<name>.backend=dpmesh or =<path>")
        found += backends.problems(backends.MODELS["keypoints"], self.detector, "detector")
        if self.h36m_regressor and not self.smpl_file:
            found.append("h36m_regressor is for SMPL's vertices: smpl_file must say where SMPL's file is")
        if self.num_samples < 0 or self.batch_size < 1:
            found.append("num_samples must be at least 0 and batch_size at least 1")
        return found


def _places(config: Config, sets: Mapping[str, PaperSet]) -> list[str]:
    known = dict.fromkeys([*sets, *(one.dataset for one in sets.values())])
    found = [
        f"roots: no set or data set is called {name!r}{nearest(name, known)}"
        for name in config.roots
        if name not in known
    ]
    found += [
        f"shards: no set is called {name!r}{nearest(name, sets)}"
        for name in config.shards
        if name not in sets
    ]
    if sets and not found and not any(source_of(config, name, one) for name, one in sets.items()):
        asked = " ".join(
            f"roots.{name}=<folder>" for name in dict.fromkeys(one.dataset for one in sets.values())
        )
        found.append(f"nothing to measure: say where the data are, {asked}, or shards.<set>=<folder>")
    return found


def nodes(config: Config) -> dict[str, Mapping[str, Any]]:
    """Return the estimators as backend nodes; a path is that of a DPMesh."""
    return {
        name: node if isinstance(node, Mapping) else {backends.NAME: "dpmesh", "id": str(node)}
        for name, node in config.estimators.items()
    }


def source_of(config: Config, name: str, one: PaperSet) -> Source | None:
    """Return where the pictures of a set are, None where nobody said it."""
    shards, root = config.shards.get(name, ""), config.roots.get(name) or config.roots.get(one.dataset, "")
    if not shards and not root:
        return None
    choice = Choice(Path(root).expanduser(), one.split, one.every, one.annotations, "", config.smpl)
    return Source(shards, one.dataset, choice, one.rule, config.num_samples)


def main(config: Config) -> int:
    """Measure, write and say; return the exit code."""
    try:
        return _run(config)
    except LayoutError as error:
        raise ConfigError([str(error)]) from error


def _run(config: Config) -> int:
    from synthgen.evaluation.columns import Block
    from synthgen.evaluation.regressor import read_regressor
    from synthgen.evaluation.truth import evaluation_bodies
    from synthgen.paper_tables.bench import Bench
    from synthgen.paper_tables.text import Table, lines

    sets, _ = read_sets(config.sets)
    rows, _ = read_rows(config.published, sets, bool(config.mean))
    found = {name: source_of(config, name, one) for name, one in sets.items()}
    sources = {name: source for name, source in found.items() if source is not None}
    unread = {name: _unread(name, one) for name, one in sets.items() if name not in sources}
    for name, source in list(sources.items()):
        if not source.shards:
            source.open()
        if next(iter(source), None) is None:
            left_out = [f"{count:,} {words}" for words, count in source.left_out.items()]
            unread[name] = "; ".join(["nobody there counts", *left_out])
            del sources[name]
    if not sources:
        raise ConfigError([f"{sets[name].title}: {why}" for name, why in unread.items()])
    bodies = evaluation_bodies(config.smpl_file)
    regressor = read_regressor(config.h36m_regressor, bodies["smpl"]) if config.h36m_regressor else None
    bench = Bench(
        sets, sources, bodies, regressor, config.refinement, config.detector, config.smpl_file,
        config.batch_size, config.device, config.precision,
    )  # fmt: skip
    columns: dict[str, list[Column]] = {name: [] for name in sources}
    for name, node in nodes(config).items():
        for key, column in bench.columns(name, node):
            columns[key].append(column)
    table = Table(
        name=config.name,
        paper=config.paper,
        sets=sets,
        rows=rows,
        chosen=config.row,
        instead={KINDS[kind]: method for kind, method in config.rows.items()},
        mean=config.mean,
        blocks={
            name: Block(sets[name].title, source.where, tuple(columns[name]))
            for name, source in sources.items()
        },
        unread=unread,
        regressor=_blended(config),
    )
    for line in lines(table):
        say(line)
    say(_write(config, table))
    return 0


def _blended(config: Config) -> str:
    """Return in words what blends Human3.6M's joints."""
    if not config.h36m_regressor:
        return ""
    words = Path(config.h36m_regressor).name
    is_open = any(node.get("body", "open") == "open" for node in nodes(config).values())
    return f"{words} (of estimates with the open body by this package)" if is_open else words


def _unread(name: str, one: PaperSet) -> str:
    from synthgen import datasets

    origin = datasets.find(one.dataset).origin
    return f"say where it is, roots.{one.dataset}=<folder> or shards.{name}=<folder>. {origin}"


def _write(config: Config, table: Any) -> str:
    """Write all files and return where the table is."""
    import json

    from synthgen import config as configs
    from synthgen import storage
    from synthgen.evaluation.page import render_page
    from synthgen.paper_tables.text import markdown, record

    settings = configs.to_yaml(config, "paper_table")
    blocks = [
        replace(
            block, name=f"{block.name}, beside {table.chosen}", published=table.published(name, table.chosen)
        )
        for name, block in table.blocks.items()
    ]
    storage.make_folder(config.output)
    texts = {
        "config.yaml": settings,
        "table.md": markdown(table),
        "table.json": json.dumps(record(table, configs.resolved(config)), indent=1, ensure_ascii=False)
        + "\n",
        "report.html": render_page(config.name, blocks, {}, settings),
    }
    for name, text in texts.items():
        storage.write_bytes(storage.join(config.output, name), text.encode("utf-8"))
    return storage.join(config.output, "table.md")
