"""The models of a run: are they there, are they what their role needs, and how large are they."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen import backends
from synthgen.backends import hmr2_estimator, logistic_critic, vposer_prior
from synthgen.backends.controlnet import ControlNetRedraw
from synthgen.doctor.finding import Finding
from synthgen.doctor.hub import Place, locate
from synthgen.doctor.model_folders import LOOKS, Contents, check_family, controlnet
from synthgen.doctor.plan import Plan
from synthgen.dpmesh import estimator as dpmesh
from synthgen.scorehmr import refiner

SOURCES: Mapping[type[Any], str] = {  # where models come from that are on no hub
    hmr2_estimator.HMR2Estimator: hmr2_estimator.SOURCE,
    dpmesh.DPMeshEstimator: dpmesh.SOURCE,
    vposer_prior.VPoserPrior: vposer_prior.SOURCE,
    logistic_critic.LogisticCritic: logistic_critic.SOURCE,
    refiner.ScoreRefiner: refiner.SOURCE,
}
FETCH = "fetch it again, or give another id"


@dataclass(frozen=True)
class Inspection:
    """What is known of all models.

    Attributes:
        findings: one for each file or folder that a role needs.
        count: numbers in the weights of those that are here.
        unknown: roles whose size is not known.
    """

    findings: tuple[Finding, ...]
    count: int
    unknown: tuple[str, ...]


def inspect_models(plan: Plan) -> Inspection:
    """Look at the models of every role; nodes that the config complains of are left out."""
    findings: list[Finding] = []
    unknown: list[str] = []
    count = 0
    for role, node in plan.models.items():
        subject = f"models.{role}"
        if backends.model_problems({role: node}):
            unknown.append(role)
            continue
        backend = backends.build(backends.MODELS[role], node, subject)
        found, numbers = _inspect(backend, subject)
        findings += found
        count += numbers or 0
        if numbers is None:
            unknown.append(role)
    return Inspection(tuple(findings), count, tuple(unknown))


def _inspect(backend: Any, subject: str) -> tuple[list[Finding], int | None]:
    """Return the findings of one backend and the numbers in its weights, None where they are unknown."""
    look = LOOKS.get(type(backend))
    if look is None:
        text = f"{type(backend).__name__} is not of this package; the doctor does not know what it needs"
        return [Finding("warn", subject, text, "see that its files are on every node")], None
    place = locate(backend.id, backend.revision, SOURCES.get(type(backend), ""))
    finding, contents = _look(place, look, backend, subject)
    findings, counts = [finding], [contents]
    if isinstance(backend, ControlNetRedraw):
        more, counted = _inspect_controlnet(
            backend, place.path if contents else None, f"{subject}.controlnet"
        )
        findings.append(more)
        counts.append(counted)
    if isinstance(backend, dpmesh.DPMeshEstimator):
        detector = backends.build(backends.MODELS["keypoints"], backend.keypoints, f"{subject}.keypoints")
        more_findings, number = _inspect(detector, f"{subject}.keypoints")
        findings += more_findings
        counts.append(None if number is None else Contents("", number))
    findings += _lora_findings(backend, subject)
    sizes = [one.count for one in counts if one is not None]
    return findings, sum(sizes) if len(sizes) == len(counts) else None


def _look(place: Place, look: Any, backend: Any, subject: str) -> tuple[Finding, Contents | None]:
    if place.path is None:
        return Finding(place.level, subject, place.text, place.fix), None
    try:
        contents = look(backend, place.path)
    except (OSError, ValueError) as error:
        return Finding("FAIL", subject, _first_line(error), SOURCES.get(type(backend), FETCH)), None
    size = f", {contents.count / 1e6:,.1f} million weights" if contents.count else ""
    return Finding("ok", subject, f"{place.text}: {contents.what}{size}"), contents


def _inspect_controlnet(
    backend: ControlNetRedraw, base: Path | None, subject: str
) -> tuple[Finding, Contents | None]:
    place = locate(backend.controlnet, backend.controlnet_revision)
    finding, contents = _look(place, controlnet, backend, subject)
    if contents is not None and base is not None and place.path is not None:
        try:
            check_family(place.path, base)
        except (OSError, ValueError) as error:
            fix = "give a depth ControlNet that was trained for the model in id"
            return Finding("FAIL", subject, _first_line(error), fix), None
    return finding, contents


def _lora_findings(backend: Any, subject: str) -> list[Finding]:
    lora = getattr(backend, "lora", "")
    if not lora:
        return []
    place = locate(lora, "")
    return [Finding(place.level, f"{subject}.lora", place.text, place.fix)]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
