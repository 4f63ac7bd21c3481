"""Estimators on the data sets of a table: each loaded once, with the paper's refinement where it has one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from synthgen import backends
from synthgen.backends.model_files import fetch_files, find_model
from synthgen.backends.protocols import Image, Keypoints, Precision
from synthgen.backends.vposer import VPoser
from synthgen.body import OPEN, OPEN_FILE, Body
from synthgen.body_file import read_body_file
from synthgen.evaluation.columns import Column, Estimator
from synthgen.evaluation.evaluate import evaluate
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.scores import Scores
from synthgen.paper_tables.given import Input, asking
from synthgen.paper_tables.pictures import Source
from synthgen.paper_tables.refined import Refining
from synthgen.paper_tables.refinement import Refinement
from synthgen.paper_tables.sets import PaperSet
from synthgen.sample import Float
from synthgen.scorehmr.cases import Weights
from synthgen.scorehmr.refiner import SOURCE
from synthgen.scorehmr.refinery import Refinery, check_version, load_denoiser
from synthgen.scorehmr.sampling import GuidanceOptions


@dataclass
class Bench:
    """Measures estimators on all sets.

    Attributes:
        sets: of the table.
        sources: pictures of those that are measured.
        bodies: body models by name.
        regressor: (17, V) matrix that blends Human3.6M's joints from SMPL's vertices, or None.
        refinement: of the estimates.
        detector: node of the keypoint model, for sets whose joints are detected.
        smpl_file: SMPL's file, for a refinement of SMPL bodies.
        batch_size: pictures at once.
        device: cpu or cuda.
        precision: of the networks.
    """

    sets: Mapping[str, PaperSet]
    sources: Mapping[str, Source]
    bodies: Mapping[str, Body]
    regressor: Float | None
    refinement: Refinement
    detector: Mapping[str, Any]
    smpl_file: str
    batch_size: int
    device: str
    precision: Precision

    def columns(self, name: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Column]]:
        """Yield what an estimator, loaded once, comes to on each set, and what refinement makes of it.

        Args:
            name: of the estimator.
            node: of its backend.
        """
        model = backends.build(backends.MODELS["mesh"], node, f"estimators.{name}")
        model.setup(self.device, self.precision)
        for key, source in self.sources.items():
            for behind, scores in self._scores(name, model, key).items():
                scores = replace(scores, gaps={**scores.gaps, **source.left_out})
                keypoints = self.sets[key].keypoints if behind or hasattr(model, "with_keypoints") else ""
                version = f"{model.version}+{self.refinement.denoiser}" if behind else model.version
                who = Estimator(name + behind, str(node[backends.NAME]), version, keypoints)
                yield key, Column(who, scores)

    def _detect(self, images: Sequence[Image], boxes: Sequence[Float]) -> Sequence[Keypoints]:
        found: Sequence[Keypoints] = self._keypoint_model(images, boxes)
        return found

    @cached_property
    def _keypoint_model(self) -> Any:
        detector = backends.build(backends.MODELS["keypoints"], self.detector, "detector")
        detector.setup(self.device, self.precision)
        return detector

    def _scores(self, name: str, model: Any, key: str) -> dict[str, Scores]:
        one = self.sets[key]
        given = Input(one.keypoints, one.boxes, self._detect)
        judge = Judge(self.bodies, one.measures, self.regressor)
        with tqdm(desc=f"{name} on {one.title}", unit=" pictures", disable=None, leave=False) as bar:
            if self.refinement.denoiser:
                refining = self._refining(model, judge, given, one)
                return refining.scores(self.sources[key], model.body, bar.update)
            ask = asking(model, given)
            return {"": evaluate(ask, self.sources[key], judge, model.body, self.batch_size, bar.update)}

    def _refining(self, model: Any, judge: Judge, given: Input, one: PaperSet) -> Refining:
        own = self.refinement
        denoiser, trained_with = load_denoiser(find_model(own.denoiser, "", fetch_files, SOURCE))
        if own.told:
            check_version(model, trained_with, own.denoiser)
        arrays = read_body_file(OPEN_FILE if model.body == OPEN else Path(self.smpl_file).expanduser())
        options = GuidanceOptions(own.iterations, own.start, own.step, early_stopping=own.early_stopping)
        weights = Weights(keypoints=own.keypoints, multiview=own.multiview, smoothness=own.smoothness)
        refinery = Refinery(denoiser, arrays, options, weights, self.device, samples=own.samples)
        prior = VPoser.from_folder(find_model("embedded/prior", "", fetch_files)) if own.plain else None
        return Refining(model, refinery, judge, given, one.task, own.told, prior, self.batch_size)
