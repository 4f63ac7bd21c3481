"""Name tables of everything that can be plugged in, and `build`: config node -> object, nothing heavy loaded.

A backend is a dataclass whose fields are its YAML keys; its `setup()` imports and loads what is heavy. To add
one: a file, and a line in a table here.
"""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

from synthgen.fields import Setting, fill, nearest

Table = Mapping[str, str]  # name in configs -> "module:class"

SOURCES: Table = {
    "render": "synthgen.scenes.compose:RenderSource",
    "text": "synthgen.guides.text:TextGuides",
    "real": "synthgen.guides.real:RealGuides",
    "pose": "synthgen.guides.pose:PoseGuides",
}

# Models by role, each a table of its own; `synthgen.backends.protocols` says what a role takes and gives. The
# render source needs none.
MODELS: Mapping[str, Table] = {
    "draft": {"text_to_image": "synthgen.backends.text_to_image:TextToImage"},
    "redraw": {
        "depth_to_image": "synthgen.backends.depth_to_image:DepthToImage",
        "controlnet": "synthgen.backends.controlnet:ControlNetRedraw",
    },
    "segmenter": {"segmentation": "synthgen.backends.segmenter:Segmentation"},
    "keypoints": {"vitpose": "synthgen.backends.vitpose:ViTPose"},
    "mesh": {
        "hmr2": "synthgen.backends.hmr2_estimator:HMR2Estimator",
        "dpmesh": "synthgen.dpmesh.estimator:DPMeshEstimator",
    },
    "prior": {"vposer": "synthgen.backends.vposer_prior:VPoserPrior"},
    "critic": {"logistic": "synthgen.backends.logistic_critic:LogisticCritic"},
    "refiner": {"score": "synthgen.scorehmr.refiner:ScoreRefiner"},
}

NAME = "backend"  # the key of a node that picks the backend


class BackendError(ValueError):
    """What is wrong with a node of a config, one line for each problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def build(table: Table, node: Mapping[str, Any], where: str = "") -> Any:
    """Make the backend that a config node describes.

    Args:
        table: names that are allowed.
        node: `backend`, its name, and its own fields.
        where: path of the node in the config, for messages ("source").

    Raises:
        BackendError: with every problem, each naming its full key.
    """
    cls = find(table, node.get(NAME), where)
    settings = [Setting((str(key),), value) for key, value in node.items() if key != NAME]
    made, problems = fill(cls, settings, where)
    if problems:
        raise BackendError(problems)
    return made


def find(table: Table, name: object, where: str) -> type[Any]:
    """Return the class behind a name; its module is imported only now.

    Args:
        table: names that are allowed.
        name: one of them, or "module:class" of anything that can be imported.
        where: path of the node in the config, for messages.

    Raises:
        BackendError: the table has no such name, or there is no such class.
    """
    key = f"{where}{'.' * bool(where)}{NAME}"
    if name is None:
        raise BackendError([f"{key} is required; known: {', '.join(table)}"])
    if not isinstance(name, str) or (name not in table and ":" not in name):
        raise BackendError([f"{key}: unknown backend {name!r}{nearest(str(name), table)}"])
    module, _, attribute = table.get(name, name).partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BackendError([f"{key}: cannot import {name!r}: {error}"]) from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise BackendError([f"{key}: {name!r} is not a dataclass, which a backend has to be"])
    return found


def complete(table: Table, node: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return a node with every default of its backend written out, as configs record it; see `build`."""
    return {NAME: node[NAME], **dataclasses.asdict(build(table, node, where))}


def problems(table: Table, node: Mapping[str, Any], where: str = "") -> list[str]:
    """Return what is wrong with a node, empty where `build` would succeed."""
    try:
        build(table, node, where)
    except BackendError as error:
        return error.problems
    return []


def model_problems(models: Mapping[str, Any], where: str = "models") -> list[str]:
    """Return what is wrong with a config's `models` node: role -> backend node."""
    found: list[str] = []
    for role, node in models.items():
        if role not in MODELS:
            hint = nearest(role, MODELS) if MODELS else "; this version knows no model roles"
            found.append(f"unknown key {f'{where}.{role}'!r}{hint}")
        elif not isinstance(node, Mapping):
            found.append(f"{where}.{role} must hold keys of its own, got {node!r}")
        else:
            found += problems(MODELS[role], node, f"{where}.{role}")
    return found
